"""The index at /: the web UI (tests/web) for a browser, example calls as JSON for a program."""

import json
import shlex
import subprocess

import pytest
from support.client import Api, app_fixture
from support.data import JORDAN

import acare

HOSTILE = ['"><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "a&b", "$version$root"]
JSON = "application/json"

app = app_fixture()


def ask(app, accept=None, mount="", host=None):
    """The index; ``host`` is the Host header, whatever it contains."""
    environ = {"SCRIPT_NAME": mount, **({} if host is None else {"HTTP_HOST": host})}
    return Api(app).ask("GET", "/", environ=environ, **({} if accept is None else {"Accept": accept}))


def about(app, **options):
    return ask(app, JSON, **options).json["data"]


# --- the two formats


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "TEXT/HTML", "application/json, text/html;q=0.1"])
def test_it_is_html_for_browsers(app, accept):
    answer = ask(app, accept)
    assert (answer.content_type, answer.charset) == ("text/html", "utf-8")


@pytest.mark.parametrize("accept", [None, "", "*/*", JSON, "text/plain", "image/png"])
def test_it_is_json_for_programs(app, accept):
    answer = ask(app, accept)
    assert (answer.content_type, answer.json["success"]) == (JSON, True)


def test_caches_keep_the_formats_apart(app):
    assert {ask(app, accept).headers["Vary"] for accept in ("text/html", JSON)} == {"Accept"}


# --- the content


def test_its_links_work_under_a_prefix(app):
    links = about(app, mount="/crm")["links"]
    assert [*links] == ["openapi", "healthz", "readyz"]
    for link in links.values():
        Api(app).get(link.removeprefix("/crm"))


@pytest.mark.parametrize("host", ["intranet.example", "intranet.example:8443", "[::1]:8080", "10.0.0.7"])
def test_its_calls_use_the_requested_host_and_prefix(app, host):
    for line in about(app, mount="/crm", host=host)["calls"].values():
        (url,) = [word for word in shlex.split(line) if word.startswith("http")]
        assert url.startswith(f"http://{host}/crm/v1/clients")


# --- hostile requests


@pytest.mark.parametrize("host", ["a" * 301, "a b", "a/b", "[::1", "'" * 30_000, *HOSTILE])
def test_an_invalid_host_is_replaced_by_the_servers_name(app, host):
    assert "http://localhost:80/v1/clients" in about(app, host=host)["calls"]["Create"]


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
    line = ["curl", "-s", "-H", f"Accept: {JSON}", f"{server.url}/"]
    index = json.loads(subprocess.run(line, capture_output=True, check=True).stdout)["data"]
    assert (index["name"], index["version"]) == ("acare", acare.__version__)
    listing, create, get, update, delete = index["calls"].values()
    client = paste(create, server.key)["data"]
    assert (client["first_name"], client["version"]) == (JORDAN["first_name"], 1)
    assert paste(listing, server.key)["data"]["clients"] == [client]
    assert paste(get, server.key, client["id"])["data"] == client
    assert paste(update, server.key, client["id"])["data"]["version"] == 2
    assert paste(delete, server.key, client["id"])["data"] == {}
    assert paste(get, server.key, client["id"])["error"]["code"] == "NOT_FOUND"
