"""One server, and two offices, behind nginx and behind Caddy with TLS, as acare/cli/README.md shows."""

import json
import os
from contextlib import ExitStack, contextmanager

import pytest
from support.data import JORDAN
from support.page import examples, replaced
from support.proxy import HTTP, Proxy, free_port, make_certificate, running
from support.server import make_key, serving

BODY = json.dumps(JORDAN)


@contextmanager
def nginx(folder, text, upstreams):
    certificate, key = make_certificate(folder)
    port = free_port()
    values = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/crm.example.pem": certificate,
        "/etc/ssl/crm.example.key": key,
    }
    config = folder / "nginx.conf"
    config.write_text(HTTP.format(folder=folder, server=replaced(text, values | upstreams)))
    with running(["nginx", "-e", folder / "error.log", "-p", folder, "-c", config], port):
        yield Proxy(port, certificate)


@contextmanager
def caddy(folder, text, upstreams):
    certificate, key = make_certificate(folder)
    port = free_port()
    site = f"https://localhost:{port} {{\n    tls {certificate} {key}"
    config = folder / "Caddyfile"
    options = "{\n    admin off\n    auto_https disable_redirects\n}\n"
    config.write_text(options + replaced(text, {"crm.example {": site} | upstreams))
    line = ["caddy", "run", "--config", config, "--adapter", "caddyfile"]
    with running(line, port, env={**os.environ, "HOME": str(folder)}):
        yield Proxy(port, certificate)


PROXIES = {"nginx": nginx, "caddy": caddy}


@pytest.fixture(params=PROXIES)
def start(request, tmp_path):
    """Starts one of the proxies, with its example in this section, in front of servers: proxy and keys."""

    @contextmanager
    def run(section, *addresses):
        keys, upstreams = [], {}
        (text,) = [text for text in examples(request.param, section) if addresses[0] in text]
        with ExitStack() as stack:
            for number, address in enumerate(addresses):
                database = tmp_path / f"office-{number}.db"
                keys.append(make_key(database))
                _, upstreams[address] = stack.enter_context(serving(database, "--trusted-proxy", "127.0.0.1"))
            yield stack.enter_context(PROXIES[request.param](tmp_path, text, upstreams)), *keys

    return run


def test_a_client_is_created_over_tls(start):
    with start("A service", "127.0.0.1:8080") as (proxy, key):
        status, headers, answer = proxy.ask(key, "POST", "/v1/clients", BODY)
        assert (status, headers["Location"]) == (201, f"/v1/clients/{answer['data']['id']}")


def test_two_offices_share_no_client_and_no_key(start):
    with start("When one machine", "127.0.0.1:8081", "127.0.0.1:8082") as (proxy, north, south):
        _, headers, _ = proxy.ask(north, "POST", "/north/v1/clients", BODY)
        location = headers["Location"]
        assert location.startswith("/north/v1/clients/")
        assert proxy.ask(north, "GET", location)[0] == 200
        assert proxy.ask(south, "GET", location.replace("north", "south"))[0] == 404
        assert proxy.ask(north, "GET", "/south/v1/clients")[0] == 401
