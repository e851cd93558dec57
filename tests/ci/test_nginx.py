"""Behind nginx, under a prefix, with compression. Collected only where nginx is installed (see conftest)."""

import gzip
import json
import time
from contextlib import closing, contextmanager

import pytest
from support.data import JORDAN
from support.http import HttpCaller, ask
from support.proxy import HTTP, free_port, running
from support.server import make_key, serving
from support.sockets import wait_for

SERVER = """
    gzip on;
    gzip_min_length 1;
    gzip_proxied any;
    gzip_types application/json;
    upstream acare {
        server UPSTREAM;
        keepalive 4;
    }
    server {
        listen 127.0.0.1:PORT;
        location /crm/ {
            proxy_pass http://acare/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Prefix /crm;
        }
    }
"""


class Nginx:
    """A running nginx with acare behind it; ``log`` is acare's."""

    def __init__(self, port, key, log):
        self.host, self.url, self.key, self.log = f"127.0.0.1:{port}", f"http://127.0.0.1:{port}", key, log

    def ask(self, method, path, body=None, status=200, **headers):
        """Headers and body as bytes."""
        return ask(self, method, path, body, status, parse=lambda content: content, **headers)

    def create(self):
        """The path of a new client."""
        headers, _ = self.ask("POST", "/crm/v1/clients", JORDAN, 201)
        return headers["Location"]


@contextmanager
def nginx(folder, upstream):
    port = free_port()
    config = folder / "nginx.conf"
    server = SERVER.replace("UPSTREAM", upstream).replace("PORT", str(port))
    config.write_text(HTTP.format(folder=folder, server=server))
    with running(["nginx", "-e", folder / "error.log", "-p", folder, "-c", config], port):
        yield port


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    key = make_key(folder / "served.db")
    with (
        serving(folder / "served.db", "--trusted-proxy", "127.0.0.1") as (_, address),
        nginx(folder, address) as port,
    ):
        yield Nginx(port, key, folder / "server.log")


def test_the_log_has_the_path_and_the_caller_that_nginx_saw(proxy):
    request_id = f"test-{time.monotonic_ns()}"
    proxy.ask("GET", "/crm/v1/clients", X_Request_ID=request_id, X_Forwarded_For="203.0.113.9")
    wait_for(lambda: request_id in proxy.log.read_text())
    (line,) = [line for line in proxy.log.read_text().splitlines() if request_id in line]
    assert " 127.0.0.1 GET /crm/v1/clients 200 " in line


def test_all_requests_over_kept_connections_are_answered(proxy):
    path = proxy.create()
    with closing(HttpCaller(proxy.host, proxy.key)) as caller:
        for number in range(50):
            client = caller.expect(200, "PUT", path, {"notes": str(number), "version": number + 1})
            assert client["version"] == number + 2


def test_compression_weakens_the_tag_but_not_the_version(proxy):
    path = proxy.create()
    headers, body = proxy.ask("GET", path, Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert headers["ETag"] == 'W/"1"'
    version = json.loads(gzip.decompress(body))["data"]["version"]
    proxy.ask("GET", path, status=304, If_None_Match=headers["ETag"])
    proxy.ask("PUT", path, {"notes": "x"}, 412, If_Match=headers["ETag"])
    proxy.ask("PUT", path, {"notes": "x", "version": version})
