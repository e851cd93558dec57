"""The page at /: name, version and example calls, for browsers and programs."""

import html
import json
import re
import shlex
import subprocess
from html.parser import HTMLParser

import pytest
from support.client import Api, app_fixture
from support.data import JORDAN

import acare

# What a browser fetches, runs or sends without the user.
ACTIVE_TAGS = {"script", "link", "img", "iframe", "object", "embed", "form", "audio", "video", "base", "svg"}
HOSTILE = ['"><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "a&b", "</pre></html><script>",
           "$version$root", "x'y"]  # fmt: skip
JSON = "application/json"

app = app_fixture()


class Page(HTMLParser):
    """The tags of a page with their attributes, the links and the text in each <pre>."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.calls, self.attributes = [], [], [], []
        self._in_call = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.links += [value for name, value in attrs if name in ("href", "src")]
        self._in_call = tag == "pre"
        if self._in_call:
            self.calls.append("")

    def handle_endtag(self, tag):
        self._in_call = self._in_call and tag != "pre"

    def handle_data(self, data):
        if self._in_call:
            self.calls[-1] += data


def ask(app, accept=None, mount="", host=None):
    """The index; ``host`` is the Host header, whatever it contains."""
    environ = {"SCRIPT_NAME": mount, **({} if host is None else {"HTTP_HOST": host})}
    return Api(app).ask("GET", "/", environ=environ, **({} if accept is None else {"Accept": accept}))


def about(app, **options):
    return ask(app, JSON, **options).json["data"]


# --- the two formats


@pytest.mark.parametrize(
    "accept",
    [None, "", "*/*", "text/*, application/json;q=0.5", "application/json;q=0", "application/json;q=x",
     "application/json;q=1.5, text/html;q=0.1", "text/html;q=0.1," + " " * 1000 + "application/json",
     "text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
     "text/html, application/json;q=0.9", "image/png", "application/json;q=0.1, text/html"],
)  # fmt: skip
def test_it_is_html_by_default_and_for_browsers(app, accept):
    answer = ask(app, accept)
    assert (answer.content_type, answer.charset) == ("text/html", "utf-8")


@pytest.mark.parametrize(
    "accept",
    [JSON, "application/json, text/html;q=0.5", "APPLICATION/JSON ; Q=0.5, text/html;q=0.25",
     "application/*", "text/html;q=0, */*;q=0.1", 'text/html;q=0.1;a=";", application/json;charset="utf-8"'],
)  # fmt: skip
def test_it_is_json_if_the_client_prefers_json(app, accept):
    answer = ask(app, accept)
    assert (answer.content_type, answer.json["success"]) == (JSON, True)


def test_head_has_the_headers_and_no_body(app):
    answer = Api(app).head("/")
    assert (answer.content_type, answer.body) == ("text/html", b"")


@pytest.mark.parametrize(
    ("settings", "vary"), [({}, {"accept"}), ({"cors_origin": "*"}, {"accept", "origin"})]
)
def test_caches_keep_the_formats_apart(tmp_path, settings, vary):
    with acare.create_app(database=tmp_path / "a.db", **settings) as app:
        for accept in ("text/html", JSON):
            names = ask(app, accept).headers["Vary"].split(",")
            assert {name.strip().lower() for name in names} == vary


# --- the content


def test_both_formats_have_the_same_content(app):
    text, data = ask(app).text, about(app)
    assert f"acare {acare.__version__}" in text
    assert (data["name"], data["version"]) == ("acare", acare.__version__)
    assert Page(text).calls == list(data["calls"].values())
    assert list(data["calls"]) == ["List", "Create", "Get", "Update", "Delete"]


def test_the_page_loads_and_runs_nothing(app):
    page = Page(ask(app).text)
    assert set(page.tags) & ACTIVE_TAGS == set()
    assert not [name for name in page.attributes if name.startswith("on")]
    assert all(link.startswith("/") and not link.startswith("//") for link in page.links)
    assert not re.search(r"@import|url\(", ask(app).text)


@pytest.mark.parametrize("mount", ["", "/crm", "/a/b"])
def test_its_links_work_under_a_prefix(app, mount):
    links = Page(ask(app, mount=mount).text).links
    assert sorted(links) == sorted(about(app, mount=mount)["links"].values())
    assert {link.removeprefix(mount) for link in links} == {"/openapi.json", "/healthz", "/readyz"}
    for link in links:
        Api(app).get(link.removeprefix(mount))


@pytest.mark.parametrize("mount", ["", "/crm"])
@pytest.mark.parametrize("host", ["intranet.example", "intranet.example:8443", "[::1]:8080", "10.0.0.7"])
def test_its_calls_use_the_requested_host(app, mount, host):
    for line in Page(ask(app, mount=mount, host=host).text).calls:
        (url,) = [word for word in shlex.split(line) if word.startswith("http")]
        assert url.startswith(f"http://{host}{mount}/v1/clients")


# --- hostile requests


@pytest.mark.parametrize("host", ["a" * 301, "a b", "a/b", "[::1", "'" * 30_000, *HOSTILE[:-1]])
def test_an_invalid_host_is_replaced_by_the_servers_name(app, host):
    assert "http://localhost:80/v1/clients" in about(app, host=host)["calls"]["Create"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_request_cannot_inject_html(app, hostile):
    plain = Page(ask(app).text)
    for answer in (ask(app, host=hostile), ask(app, mount=f"/{hostile}")):
        page = Page(answer.text)
        assert (page.tags, len(page.calls)) == (plain.tags, len(plain.calls))
        assert "<script" not in answer.text.lower()


@pytest.mark.parametrize(
    "hostile", ["x;touch${IFS}broken", "x$(touch broken)", "x`touch broken`", "x' ; touch broken '"]
)
def test_a_pasted_call_runs_nothing_from_the_request(app, tmp_path, hostile):
    """The page may come from a cache that another user has filled."""
    calls = [*about(app, host=hostile)["calls"].values(), *about(app, mount=f"/{hostile}")["calls"].values()]
    for line in calls:
        harmless = line.replace("curl -s", "true")
        subprocess.run(["sh", "-c", harmless], cwd=tmp_path, capture_output=True, check=False)
    assert not (tmp_path / "broken").exists()


# --- a real server


def paste(line, key, client_id=""):
    """What a line of curl prints when a shell runs it with the key and the id."""
    line = line.replace("YOUR_API_KEY", key).replace("CLIENT_ID", client_id)
    return json.loads(subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=10).stdout)


def test_its_calls_work_when_they_are_pasted(start):
    server = start()
    page = subprocess.run(["curl", "-s", f"{server.url}/"], capture_output=True, check=True).stdout.decode()
    listing, create, get, update, delete = map(html.unescape, re.findall(r"<pre>(.*?)</pre>", page))
    client = paste(create, server.key)["data"]
    assert (client["first_name"], client["version"]) == (JORDAN["first_name"], 1)
    assert paste(listing, server.key)["data"]["clients"] == [client]
    assert paste(get, server.key, client["id"])["data"] == client
    assert paste(update, server.key, client["id"])["data"]["version"] == 2
    assert paste(delete, server.key, client["id"])["data"] == {}
    assert paste(get, server.key, client["id"])["error"]["code"] == "NOT_FOUND"
