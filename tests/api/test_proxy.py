"""X-Forwarded-*: what a trusted proxy sets, and what changes nothing."""

import pytest
from support.client import Api, full_key
from support.data import JORDAN

import acare

PROXY = "127.0.0.1"


class Proxied:
    """A caller behind a proxy, the lines of the access log, and the environs that ``identify`` was given."""

    def __init__(self, app, lines, environs):
        self.app, self.key, self.lines, self.environs = app, full_key(app), lines, environs

    def ask(self, path="/v1/clients", peer=PROXY, **forwarded):
        """``Prefix=`` is the header ``X-Forwarded-Prefix``."""
        headers = {f"X_Forwarded_{name}": value for name, value in forwarded.items()}
        environ = {"REMOTE_ADDR": peer, "HTTP_HOST": "inside:8080"}
        return Api(self.app).ask("GET", path, None, "*", environ, **headers)

    def url(self, **options):
        """Scheme and host of a request, as the embedding app sees them."""
        self.ask(**options)
        return f"{self.environs[-1]['wsgi.url_scheme']}://{self.environs[-1]['HTTP_HOST']}"

    def location(self, mount="", **forwarded):
        headers = {f"X_Forwarded_{name}": value for name, value in forwarded.items()}
        environ = {"REMOTE_ADDR": PROXY, "SCRIPT_NAME": mount}
        answer = Api(self.app, self.key).ask("POST", "/v1/clients", JORDAN, 201, environ, **headers)
        return answer.headers["Location"].removesuffix(answer.json["data"]["id"])


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    lines, environs = [], []
    path = tmp_path_factory.mktemp("proxy") / "acare.db"
    settings = {"trusted_proxy": PROXY, "access_log": lines.append, "rate_limit": "off"}
    with acare.create_app(database=path, **settings, identify=environs.append) as app:
        yield Proxied(app, lines, environs)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("198.51.100.7, 203.0.113.1", "203.0.113.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        *((text, PROXY) for text in (
            "unknown", "203.0.113.1, unknown", "203.0.113.1:80", "fe80::1% key=forged", "", ",[" * 5000,
        )),
    ],
)  # fmt: skip
def test_the_callers_address_is_the_last_one(proxied, forwarded, address):
    proxied.ask(For=forwarded)
    assert proxied.lines[-1].address == address


def test_scheme_and_host_are_the_proxys(proxied):
    assert proxied.url(Proto="http, HTTPS", Host="crm.example:8443") == "https://crm.example:8443"
    assert proxied.url(Proto="https") == "https://inside:8080"
    assert proxied.url(Proto="ws") == "http://inside:8080"


@pytest.mark.parametrize(
    ("sent", "prefix"),
    [
        ("/crm", "/crm"),
        ("/other, /a/b-c/d_e.f~g/", "/a/b-c/d_e.f~g"),
        *((text, "") for text in (
            "/", "crm", "//evil.example", "/a//b", "http://evil.example/", "/a/../b", "/a b", "/a%2fb",
            "/a?b", '/a"b', "/a\\b", "/é",
        )),
    ],
)  # fmt: skip
def test_the_prefix_is_a_plain_path_from_the_proxy(proxied, sent, prefix):
    assert proxied.location(Prefix=sent) == f"{prefix}/v1/clients/"
    assert proxied.lines[-1].path == f"{prefix}/v1/clients"
    assert proxied.ask("/openapi.json", Prefix=sent).json["servers"] == [{"url": prefix or "/"}]


def test_the_prefix_precedes_the_mount_point(proxied):
    assert proxied.location(Prefix="/crm", mount="/north") == "/crm/north/v1/clients/"
    assert proxied.lines[-1].path == "/crm/north/v1/clients"


@pytest.mark.parametrize("peer", ["127.0.0.2", "203.0.113.1", "", "::1"])
def test_another_peer_is_not_trusted(proxied, peer):
    forged = {"For": "203.0.113.9", "Proto": "https", "Host": "evil.example", "Prefix": "/evil"}
    assert proxied.url(peer=peer, **forged) == "http://inside:8080"
    assert (proxied.lines[-1].address, proxied.lines[-1].path) == (peer, "/v1/clients")
