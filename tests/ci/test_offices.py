"""Two offices, and sign-in by a proxy, behind nginx and Caddy as on the page install.md, without TLS."""

import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from support.data import JORDAN
from support.http import Agency, ask, serving_with
from support.page import examples, replaced
from support.server import make_key, serving
from support.sockets import free_port, wait_for

CONTAINER = Path(__file__).parents[2] / "acare" / "cli" / "container"
#: The address of oauth2-proxy in the example of each proxy.
SIGN_IN_PROXY = {"nginx": "http://127.0.0.1:4180", "caddy": "127.0.0.1:4180"}
#: What the example of a sign-in replaces in the one for nginx.
LOCATION = "    location / {\n        proxy_pass http://127.0.0.1:8080;\n    }\n"

NGINX = """
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
CADDY = "{{\n    admin off\n}}\n{server}"
TLS = """    ssl_certificate     /etc/ssl/crm.example.pem;
    ssl_certificate_key /etc/ssl/crm.example.key;
"""


def text_of(proxy, section):
    """The first example for a proxy below this heading."""
    return examples(proxy, section)[0]


def with_north(proxy, text):
    """A configuration with the block of another office in it."""
    start, brace, rest = text.rpartition("server {\n") if proxy == "nginx" else text.partition("{\n")
    return f"{start}{brace}{text_of(proxy, 'Several offices')}{rest}"


ALONE = {
    "nginx": text_of("nginx", "Behind nginx"),
    "caddy": re.findall("<<END\n(.*)END", examples("sh", "A service")[-1], re.DOTALL)[0],
}
(REVERSE_PROXY,) = re.findall("    reverse_proxy .*?^    }\n", ALONE["caddy"], re.DOTALL | re.MULTILINE)
BEHIND_SIGN_IN = {
    "nginx": replaced(ALONE["nginx"], {LOCATION: text_of("nginx", "Sign-in by a proxy")}),
    "caddy": replaced(ALONE["caddy"], {REVERSE_PROXY: text_of("caddy", "Sign-in by a proxy")}),
}
#: The configurations with two offices, and prefix of an office → address of its server.
NORTH_AND_FIRST = {"/north": "127.0.0.1:8081", "": "127.0.0.1:8080"}
TWO, SIGN_IN = (
    ({proxy: with_north(proxy, text) for proxy, text in texts.items()}, NORTH_AND_FIRST)
    for texts in (ALONE, BEHIND_SIGN_IN)
)
#: The other configurations: the proxy and its text.
WITHOUT_SIGN_IN = {
    **{f"{proxy} alone": (proxy, text) for proxy, text in ALONE.items()},
    **{f"{proxy}, offices": (proxy, text) for proxy, text in TWO[0].items()},
    "caddy, container": ("caddy", (CONTAINER / "Caddyfile").read_text()),
}


def nginx(folder, text, port):
    config = folder / "nginx.conf"
    text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    server = replaced(text, {"listen 443 ssl": f"listen 127.0.0.1:{port}", TLS: ""})
    config.write_text(NGINX.format(folder=folder, server=server))
    return ["nginx", "-e", folder / "error.log", "-p", folder, "-c", config]


def caddy(folder, text, port):
    config = folder / "Caddyfile"
    config.write_text(CADDY.format(server=replaced(text, {"crm.example {": f"http://127.0.0.1:{port} {{"})))
    return ["caddy", "run", "--config", config, "--adapter", "caddyfile"]


PROXIES = {"nginx": nginx, "caddy": caddy}


def is_open(port):
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def behind(proxy, folder, example, *options, **others):
    """The offices behind this proxy, with an example's configuration; ``others`` replaces more in it."""
    texts, offices = example
    port, agencies, upstreams = free_port(), [], {}
    with ExitStack() as stack:
        for prefix, address in offices.items():
            database = folder / f"{address[-4:]}.db"
            agencies.append(Agency(f"http://127.0.0.1:{port}{prefix}", make_key(database)))
            served = serving(database, "--trusted-proxy", "127.0.0.1", *options)
            _, upstreams[address] = stack.enter_context(served)
        text = replaced(texts[proxy], {**upstreams, **others})
        stack.enter_context(running(proxy, folder, text, port))
        yield agencies


@contextmanager
def running(proxy, folder, text, port):
    """The proxy with this configuration, on this port."""
    line = PROXIES[proxy](folder, text, port)
    env, streams = {**os.environ, "HOME": str(folder)}, {"stdout": subprocess.DEVNULL, "stderr": -1}
    with subprocess.Popen(line, env=env, **streams) as process:
        try:
            wait_for(lambda: is_open(port) or process.poll() is not None)
            assert process.poll() is None, process.stderr.read()
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module", params=PROXIES)
def offices(request, tmp_path_factory):
    """The folder of two offices behind a proxy, and their callers."""
    folder = tmp_path_factory.mktemp("offices")
    with behind(request.param, folder, TWO) as (north, first):
        yield folder, north, first


def test_nginx_redirects_requests_without_tls(tmp_path):
    plain = free_port()
    text = replaced(ALONE["nginx"], {"listen 80;": f"listen 127.0.0.1:{plain};"})
    connection = HTTPConnection("127.0.0.1", plain)
    with running("nginx", tmp_path, text, free_port()), closing(connection):
        connection.request("GET", "/v1/clients?page=2", headers={"Host": "crm.example"})
        answer = connection.getresponse()
        location = answer.headers["Location"]
    assert (answer.status, location) == (301, "https://crm.example/v1/clients?page=2")


def test_two_offices_share_no_client_and_no_key(offices):
    _, north, first = offices
    headers, answer = ask(north, "POST", body=JORDAN, status=201, X_Forwarded_Prefix="/forged")
    path = f"/v1/clients/{answer['data']['id']}"
    assert headers["Location"] == f"/north{path}"
    ask(north, path=path)
    ask(first, path=path, status=404)
    ask(Agency(first.url, north.key), status=401)


@contextmanager
def behind_sign_in(proxy, folder, person):
    """The URL of an office behind this proxy and a stand-in for oauth2-proxy.

    ``person`` has the e-mail address of the person who is signed in, None, or "down" if it does not answer.
    """

    def answer(request):
        email = person["email"]
        if email == "down":
            return
        request.send_response(202 if email else 401)
        if email:
            request.send_header("X-Auth-Request-Email", email)
        request.send_header("Content-Length", "0")
        request.end_headers()

    options = ("--user-header", "Remote-Email")
    with serving_with(answer) as url:
        stand_in = url if proxy == "nginx" else url.removeprefix("http://")
        others = {SIGN_IN_PROXY[proxy]: stand_in}
        with behind(proxy, folder, SIGN_IN, *options, **others) as (_, office):
            yield office.url


@pytest.fixture(scope="module", params=PROXIES)
def sign_in(request, tmp_path_factory):
    """A function that signs a person (or None) in at a proxy, and the office's browser and program."""
    person, folder = {"email": None}, tmp_path_factory.mktemp("sign-in")
    with behind_sign_in(request.param, folder, person) as url:
        key = make_key(folder / "8080.db")
        yield lambda email: person.update(email=email), Agency(url, None), Agency(url, key)


def test_a_person_whom_the_proxy_has_signed_in_needs_no_key(sign_in):
    set_person, browser, _ = sign_in
    set_person("broker@example.com")
    _, me = ask(browser, path="/v1/users/me", Remote_Email="forged@example.com")
    assert me["data"]["email"] == "broker@example.com"
    made, _ = ask(browser, "POST", body=JORDAN, status=201, Origin=browser.url, X_Forwarded_Prefix="/forged")
    assert made["Location"].startswith("/v1/")
    ask(browser, "POST", body=JORDAN, status=403, Origin="http://evil.example")


def test_other_people_are_redirected_and_a_key_is_enough(sign_in):
    set_person, browser, program = sign_in
    set_person(None)
    headers, _ = ask(browser, path="/", status=302, parse=bytes)
    assert headers["Location"].removeprefix(browser.url) == "/oauth2/start?rd=/"
    ask(browser, path="/v1/users/me", status=401, Remote_Email="broker@example.com")
    ask(program, "POST", body=JORDAN, status=201)


def test_a_key_is_enough_while_the_sign_in_is_down(sign_in):
    set_person, browser, program = sign_in
    set_person("down")
    ask(program, "POST", body=JORDAN, status=201)
    ask(browser, path="/readyz")


def user_of(url, headers):
    """The e-mail address of the user as whom a request with these headers acts; None if it is refused."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/users/me", headers=headers)) as answer:
            return json.load(answer)["data"]["email"]
    except urllib.error.HTTPError as error:
        error.close()
        return None


@pytest.mark.parametrize("header", ["Remote-Email", "Remote_Email", "X-Auth-Request-Email"])
@pytest.mark.parametrize("email", ["agent@example.com", None, "down"])
def test_a_sign_in_never_believes_the_caller(sign_in, email, header):
    set_person, browser, _ = sign_in
    set_person(email)
    forged = {header: "broker@example.com"}
    assert user_of(browser.url, forged) != "broker@example.com"
    assert user_of(f"{browser.url}/north", forged) is None  # where people sign in with a key
    for name in ("X-API-Key", "API-Key"):  # for a request with a key, Caddy does not ask the sign-in
        assert user_of(browser.url, {**forged, name: ""}) != "broker@example.com"


FORGED = {"Remote-Email": "broker@example.com", "X-Forwarded-Prefix": "/forged"}


@pytest.mark.parametrize(
    ("proxy", "text"), [pytest.param(*row, id=name) for name, row in WITHOUT_SIGN_IN.items()]
)
def test_no_other_example_passes_on_a_user_or_a_prefix(proxy, text, tmp_path):
    key, port = make_key(tmp_path / "acare.db"), free_port()
    options = ("--trusted-proxy", "127.0.0.1", "--user-header", "Remote-Email")
    with serving(tmp_path / "acare.db", *options) as (_, address):
        text = re.sub(r"(127\.0\.0\.1|acare):80\d\d", address, text)
        with running(proxy, tmp_path, text, port):
            for prefix in NORTH_AND_FIRST if "/north" in text else [""]:
                url = f"http://127.0.0.1:{port}{prefix}"
                assert user_of(url, FORGED) is None
                made, _ = ask(Agency(url, key), "POST", body=JORDAN, status=201, X_Forwarded_Prefix="/forged")
                assert made["Location"].startswith(f"{prefix}/v1/")
