"""X-Forwarded-*: what a trusted proxy says about the caller and the URL, and what changes nothing."""

import json

import pytest
import webtest
from support.client import Api
from support.data import JORDAN

import acare
from acare.api.proxy import parse_address

PROXY = "127.0.0.1"


class Proxied:
    """An app behind a proxy, and the lines of its access log."""

    def __init__(self, app, lines):
        self.app, self.lines = app, lines
        self.key = app.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker").key

    def ask(self, path="/healthz", peer=PROXY, method="GET", body=b"", mount="", status="*", **headers):
        sent = {f"X-Forwarded-{name}": value for name, value in headers.items()}
        sent |= {"X-API-Key": self.key, "Content-Type": "application/json"}
        request = webtest.TestRequest.blank(path, headers=sent, method=method, body=body)
        request.environ.update(REMOTE_ADDR=peer, SCRIPT_NAME=mount)
        return webtest.TestApp(self.app, lint=False).do_request(request, status=status)

    def create(self, **options):
        return self.ask("/v1/clients", method="POST", body=json.dumps(JORDAN).encode(), status=201, **options)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    lines = []
    path = tmp_path_factory.mktemp("proxy") / "acare.db"
    with acare.create_app(
        database=path, trusted_proxy=PROXY, access_log=lines.append, rate_limit="off"
    ) as app:
        yield Proxied(app, lines)


# --- the address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("203.0.113.1:4711", "203.0.113.1"),
        ("198.51.100.7, 203.0.113.1", "203.0.113.1"),
        ("198.51.100.7,203.0.113.1 ", "203.0.113.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ('"[2001:db8::1]:4711"', "2001:db8::1"),
        ("[1.2.3.4, [2001:db8::1]:443", "2001:db8::1"),
        ("[1.2.3.4, 203.0.113.1", "203.0.113.1"),
        ("unknown", PROXY),
        ("203.0.113.1, unknown", PROXY),
        ("203.0.113.1,", PROXY),
        ("203.0.113.1 203.0.113.2", PROXY),
        ("[203.0.113.1", PROXY),
        ("[[2001:db8::1]]", PROXY),
        ("[2001:db8::1]x", PROXY),
        ("fe80::1%eth0", PROXY),
        ("fe80::1% key=forged", PROXY),
        ("203.0.113.1:", PROXY),
        ("203.0.113.999", PROXY),
        ("0x7f.1", PROXY),
        ("", PROXY),
        (",[" * 5000, PROXY),
    ],
)
def test_the_callers_address_is_the_last_one(proxied, forwarded, address):
    proxied.ask(For=forwarded)
    assert proxied.lines[-1].address == address


@pytest.mark.parametrize("text", ["1.2.3.4", "::1"])
def test_an_address_is_parsed_with_and_without_brackets(text):
    assert {parse_address(text), parse_address(f"[{text}]"), parse_address(f"[{text}]:80")} == {text}


# --- scheme, host and prefix


def index(proxied, **headers):
    """The URL of the server that the index page tells, up to the prefix."""
    sent = {f"X-Forwarded-{name}": value for name, value in headers.items() if name != "peer"}
    web = webtest.TestApp(proxied.app, {"REMOTE_ADDR": headers.get("peer", PROXY)}, lint=False)
    answer = web.get("/", headers={**sent, "Accept": "application/json", "Host": "inside:8080"})
    return answer.json["data"]["calls"]["List"].split("/v1/")[0].removeprefix("curl -s ").lstrip("'")


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "http, https"])
def test_the_scheme_is_the_proxys(proxied, scheme):
    assert index(proxied, Proto=scheme) == "https://inside:8080"


@pytest.mark.parametrize("scheme", ["ftp", "https, ftp", "", "https://x", "javascript"])
def test_an_invalid_scheme_changes_nothing(proxied, scheme):
    assert index(proxied, Proto=scheme) == "http://inside:8080"


@pytest.mark.parametrize("host", ["crm.example", "crm.example:8443", "[2001:db8::1]:443", "10.0.0.7", "a_b"])
def test_the_host_is_the_proxys(proxied, host):
    assert index(proxied, Host=host) == f"http://{host}"


@pytest.mark.parametrize(
    "host",
    ["", "a/b", "a b", "a'b", "<b>", "user@host", "a:b", "a:123456", "[::1", "-a", "$(x)", "a;b", "a" * 400],
)
def test_an_invalid_host_changes_nothing(proxied, host):
    assert index(proxied, Host=host) == "http://inside:8080"


@pytest.mark.parametrize(
    ("sent", "prefix"),
    [
        ("/crm", "/crm"),
        ("/crm/", "/crm"),
        ("/a/b-c/d_e.f~g", "/a/b-c/d_e.f~g"),
        ("/other, /crm", "/crm"),
        ("/.well-known", "/.well-known"),
    ],
)
def test_the_prefix_is_the_proxys(proxied, sent, prefix):
    created = proxied.create(Prefix=sent)
    assert created.headers["Location"] == f"{prefix}/v1/clients/{created.json['data']['id']}"
    assert proxied.lines[-1].path == f"{prefix}/v1/clients"
    document = proxied.ask("/openapi.json", Prefix=sent).json
    assert document["servers"] == [{"url": prefix}]
    assert index(proxied, Prefix=sent) == f"http://inside:8080{prefix}"
    assert f'href="{prefix}/openapi.json"' in proxied.ask("/", Prefix=sent).text


@pytest.mark.parametrize(
    "prefix",
    [
        *("", "/", "crm", "/crm//", "//evil.example", "/a//b", "http://evil.example/"),
        *("/..", "/a/../b", "/./a", "/a b", "/a%2fb", "/a?b", "/<b>", '/a"b', "/a'b", "/a\\b", "/é"),
        "/" + "a" * 400,
    ],
)
def test_an_invalid_prefix_changes_nothing(proxied, prefix):
    created = proxied.create(Prefix=prefix)
    assert created.headers["Location"] == f"/v1/clients/{created.json['data']['id']}"
    assert proxied.lines[-1].path == "/v1/clients"


def test_the_prefix_comes_before_that_of_a_mounted_app(proxied):
    location = proxied.create(Prefix="/crm", mount="/north").headers["Location"]
    assert location.startswith("/crm/north/v1/clients/")


def test_the_log_has_the_prefix_of_a_mounted_app(proxied):
    proxied.ask("/healthz", mount="/north")
    assert proxied.lines[-1].path == "/north/healthz"


def test_under_a_prefix_the_gates_are_those_of_the_path_below_it(proxied):
    Api(proxied.app, None).get("/v1/clients", status=401, **{"X-Forwarded-Prefix": "/crm"})


ALL = {"For": "203.0.113.1", "Proto": "https", "Host": "evil.example", "Prefix": "/evil"}


@pytest.mark.parametrize("peer", ["127.0.0.2", "203.0.113.1", "", "::1"])
def test_another_peer_is_not_trusted(proxied, peer):
    assert index(proxied, peer=peer, **ALL) == "http://inside:8080"
    assert (proxied.lines[-1].address, proxied.lines[-1].path) == (peer, "/")


def test_without_the_setting_no_peer_is_trusted(app):
    proxied = Proxied(app, [])
    assert index(proxied, **ALL) == "http://inside:8080"
    assert proxied.create(**ALL).headers["Location"].startswith("/v1/")
