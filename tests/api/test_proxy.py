"""X-Forwarded-*: what a trusted proxy sets, and what changes nothing."""

import pytest
from support.client import Api, full_key
from support.data import JORDAN

import acare

PROXY = "127.0.0.1"


class Proxied:
    """A caller behind a proxy, and the lines of the access log."""

    def __init__(self, app, lines):
        self.api, self.lines = Api(app, full_key(app)), lines

    def ask(self, method="GET", path="/healthz", body=None, status=200, peer=PROXY, mount="", **forwarded):
        """``Prefix=`` is the header ``X-Forwarded-Prefix``."""
        headers = {f"X_Forwarded_{name}": value for name, value in forwarded.items()}
        environ = {"REMOTE_ADDR": peer, "SCRIPT_NAME": mount, "HTTP_ACCEPT": "application/json"}
        return self.api.ask(method, path, body, status, {**environ, "HTTP_HOST": "inside:8080"}, **headers)

    def url(self, **options):
        """The URL of the server on the index page, with the prefix."""
        call = self.ask(path="/", **options).json["data"]["calls"]["List"]
        return call.split("/v1/")[0].removeprefix("curl -s ").lstrip("'")

    def create(self, **options):
        return self.ask("POST", "/v1/clients", JORDAN, 201, **options)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    lines = []
    path = tmp_path_factory.mktemp("proxy") / "acare.db"
    settings = {"trusted_proxy": PROXY, "access_log": lines.append, "rate_limit": "off"}
    with acare.create_app(database=path, **settings) as app:
        yield Proxied(app, lines)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("198.51.100.7, 203.0.113.1", "203.0.113.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        *((text, PROXY) for text in (
            "unknown", "203.0.113.1, unknown", "203.0.113.1,", "203.0.113.1 203.0.113.2", "203.0.113.1:4711",
            "[[2001:db8::1]]", "[2001:db8::1]x", "fe80::1%eth0", "fe80::1% key=forged", "203.0.113.1:",
            "203.0.113.999", "0x7f.1", "", ",[" * 5000,
        )),
    ],
)  # fmt: skip
def test_the_callers_address_is_the_last_one(proxied, forwarded, address):
    proxied.ask(For=forwarded)
    assert proxied.lines[-1].address == address


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "http, https"])
def test_the_scheme_is_the_proxys(proxied, scheme):
    assert proxied.url(Proto=scheme) == "https://inside:8080"


@pytest.mark.parametrize("host", ["crm.example", "crm.example:8443", "[2001:db8::1]:443", "10.0.0.7", "a_b"])
def test_the_host_is_the_proxys(proxied, host):
    assert proxied.url(Host=host) == f"http://{host}"


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
    assert proxied.ask(path="/openapi.json", Prefix=sent).json["servers"] == [{"url": prefix}]
    assert proxied.url(Prefix=sent) == f"http://inside:8080{prefix}"


INVALID = {
    "Proto": ["ftp", "https, ftp", "", "https://x", "javascript"],
    "Host": ["", "a/b", "a b", "a'b", "<b>", "user@host", "a:b", "a:123456", "[::1", "-a", "$(x)", "a;b",
             "a" * 400],
    "Prefix": ["", "/", "crm", "/crm//", "//evil.example", "/a//b", "http://evil.example/", "/..", "/a/../b",
               "/./a", "/a b", "/a%2fb", "/a?b", "/<b>", '/a"b', "/a'b", "/a\\b", "/é", "/" + "a" * 400],
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in INVALID for text in INVALID[name]])
def test_an_invalid_value_changes_nothing(proxied, name, text):
    assert proxied.url(**{name: text}) == "http://inside:8080"
    assert proxied.create(**{name: text}).headers["Location"].startswith("/v1/clients/")
    assert proxied.lines[-1].path == "/v1/clients"


def test_the_prefix_precedes_the_mount_point(proxied):
    location = proxied.create(Prefix="/crm", mount="/north").headers["Location"]
    assert location.startswith("/crm/north/v1/clients/")
    assert proxied.lines[-1].path == "/crm/north/v1/clients"


def test_a_forwarded_prefix_does_not_bypass_the_key(proxied):
    Api(proxied.api.web.app).get("/v1/clients", 401, **{"X-Forwarded-Prefix": "/crm"})


ALL = {"For": "203.0.113.1", "Proto": "https", "Host": "evil.example", "Prefix": "/evil"}


@pytest.mark.parametrize("peer", ["127.0.0.2", "203.0.113.1", "", "::1"])
def test_another_peer_is_not_trusted(proxied, peer):
    assert proxied.url(peer=peer, **ALL) == "http://inside:8080"
    assert (proxied.lines[-1].address, proxied.lines[-1].path) == (peer, "/")


def test_without_the_setting_no_peer_is_trusted(app):
    assert Proxied(app, []).url(**ALL) == "http://inside:8080"
