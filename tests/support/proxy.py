"""nginx and Caddy as the page about operations configures them, with a self-signed certificate."""

import http.client
import json
import socket
import ssl
import subprocess
from contextlib import closing, contextmanager

from support.sockets import wait_for

HTTP = """
daemon off;
master_process off; # one process, of the user who runs the tests
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]  # free a moment later, which is when the proxy takes it


class Proxy:
    """A proxy on a port of this machine; ``certificate`` is the file with its certificate."""

    def __init__(self, port, certificate):
        self.port, self._context = port, ssl.create_default_context(cafile=certificate)

    def ask(self, key, method, path, body=None):
        """Status, headers and JSON, over TLS and a new connection. A caller cannot choose the prefix."""
        with closing(
            http.client.HTTPSConnection("localhost", self.port, timeout=10, context=self._context)
        ) as connection:
            headers = {"X-API-Key": key, "Content-Type": "application/json", "X-Forwarded-Prefix": "/forged"}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, json.loads(answer.read())


def make_certificate(folder):
    """A certificate of localhost and its key."""
    certificate, key = folder / "localhost.pem", folder / "localhost.key"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True, timeout=30)
    return certificate, key


@contextmanager
def running(line, port, **options):
    """The process, once its port is open."""
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options) as process:
        try:
            wait_for(lambda: is_open(port) or process.poll() is not None)
            assert process.poll() is None, process.stderr.read()
            yield process
        finally:
            process.terminate()


def is_open(port):
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
