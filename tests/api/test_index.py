"""The index at /: JSON for programs, with calls to paste. Its HTML is the page (tests/web)."""

import json
import shlex
import subprocess

import pytest
from support.data import JORDAN
from webtest import TestApp

import acare

HOSTILE = [
    '"><script>alert(1)</script>',
    "<img src=x onerror=alert(1)>",
    "a&b",
    "</pre></html><script>",
    "$version$root",
    "x'y",
]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """One for all tests here: each makes its own clients."""
    with acare.create_app(database=tmp_path_factory.mktemp("page") / "acare.db", rate_limit="off") as app:
        yield app


def ask(app, accept=None, status=200, mount="", **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent |= {} if accept is None else {"Accept": accept}
    return TestApp(app).get("/", headers=sent, status=status, extra_environ={"SCRIPT_NAME": mount})


def paste(line, key, client_id=""):
    """What a line of curl prints, when key and id are put in it and a shell runs it."""
    line = line.replace("YOUR_API_KEY", key).replace("CLIENT_ID", client_id)
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=10)
    return json.loads(done.stdout)


# --- what it is


@pytest.mark.parametrize(
    "accept",
    [None, "", "*/*", "text/*, application/json;q=0.5", "application/json;q=0", "application/json;q=x",
     "application/json;q=1.5, text/html;q=0.1", "text/html;q=0.1," + " " * 1000 + "application/json",
     "text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
     "text/html, application/json;q=0.9", "image/png", "application/json;q=0.1, text/html"],
)  # fmt: skip
def test_it_is_html_by_default_and_for_browsers(app, accept):
    answer = ask(app, accept)
    assert answer.content_type == "text/html"
    assert answer.charset == "utf-8"


@pytest.mark.parametrize(
    "accept",
    ["application/json", "application/json, text/html;q=0.5", "APPLICATION/JSON ; Q=0.5, text/html;q=0.25",
     "application/*", "text/html;q=0, */*;q=0.1", 'text/html;q=0.1;a=";", application/json;charset="utf-8"'],
)  # fmt: skip
def test_it_is_json_if_the_client_prefers_json(app, accept):
    answer = ask(app, accept)
    assert answer.content_type == "application/json"
    assert answer.json["success"] is True


def test_it_needs_no_key_and_costs_no_token(tmp_path):
    with acare.create_app(database=tmp_path / "a.db", rate_limit="1/900") as limited:
        for _ in range(3):
            assert "RateLimit-Limit" not in ask(limited).headers


def test_head_of_it_has_no_body(app):
    answer = TestApp(app).head("/", status=200)
    assert (answer.content_type, answer.body) == ("text/html", b"")


def test_caches_keep_page_and_json_apart(app):
    for accept in ("text/html", "application/json"):
        assert "accept" in ask(app, accept).headers["Vary"].lower()


def test_caches_keep_page_and_json_apart_for_each_origin_too(tmp_path):
    path = tmp_path / "shared.db"
    with acare.create_app(database=path, cors_origin="https://intranet.example") as shared:
        vary = {name.strip().lower() for name in ask(shared).headers["Vary"].split(",")}
    assert vary == {"accept", "origin"}


def test_it_tells_name_and_version(app):
    about = ask(app, "application/json").json["data"]
    assert (about["name"], about["version"]) == ("acare", acare.__version__)


def test_there_is_a_call_for_each_of_the_five_operations(app):
    assert list(ask(app, "application/json").json["data"]["calls"]) == [
        "List", "Create", "Get", "Update", "Delete",
    ]  # fmt: skip


def test_it_has_no_data_of_the_agency(app, api):
    api.create(last_name="Zaphodina")
    assert "Zaphodina" not in ask(app).text
    assert api.key not in ask(app).text


# --- where it leads


@pytest.mark.parametrize("mount", ["", "/crm", "/a/b"])
def test_its_links_lead_to_what_is_there_also_below_a_path(app, mount):
    links = ask(app, "application/json", mount=mount).json["data"]["links"].values()
    assert {link.removeprefix(mount) for link in links} == {"/openapi.json", "/healthz", "/readyz"}
    for link in links:
        TestApp(app).get(link.removeprefix(mount), status=200)


@pytest.mark.parametrize("mount", ["", "/crm"])
@pytest.mark.parametrize("host", ["intranet.example", "intranet.example:8443", "[::1]:8080", "10.0.0.7"])
def test_its_calls_are_for_the_host_that_was_asked(app, mount, host):
    for line in ask(app, "application/json", mount=mount, Host=host).json["data"]["calls"].values():
        (url,) = [word for word in shlex.split(line) if word.startswith("http")]
        assert url.startswith(f"http://{host}{mount}/v1/clients")


@pytest.mark.parametrize("host", ["a" * 301, "a b", "a/b", "[::1", "'" * 30_000])
def test_an_invalid_host_is_replaced_by_the_servers_name(app, host):
    calls = ask(app, "application/json", Host=host).json["data"]["calls"]
    assert "http://localhost:80/v1/clients" in calls["Create"]


def test_behind_a_proxy_that_ends_tls_its_calls_are_https(tmp_path):
    with acare.create_app(database=tmp_path / "a.db", trusted_proxy="127.0.0.1") as app:
        answer = TestApp(app).get(
            "/",
            headers={"X-Forwarded-Proto": "https", "Host": "crm.example", "Accept": "application/json"},
            extra_environ={"REMOTE_ADDR": "127.0.0.1"},
        )
    assert "https://crm.example/v1/clients" in answer.text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_the_request_says_is_a_string_in_the_json(app, hostile):
    calls = ask(app, "application/json", Host=hostile).json["data"]["calls"]
    assert len(calls) == 5


@pytest.mark.parametrize(
    "host", ["x;touch${IFS}broken", "x$(touch broken)", "x`touch broken`", "x' ; touch broken '"]
)
def test_a_call_that_is_pasted_runs_nothing_that_the_host_says(app, tmp_path, host):
    """The page is the same for everybody behind a cache that somebody else has filled."""
    for line in ask(app, "application/json", Host=host).json["data"]["calls"].values():
        harmless = line.replace("curl -s", "true")
        subprocess.run(["sh", "-c", harmless], cwd=tmp_path, capture_output=True, check=False)
    assert not (tmp_path / "broken").exists()


# --- its calls work when they are pasted


def test_its_calls_work_when_they_are_pasted(start):
    server = start()
    line = ["curl", "-s", "-H", "Accept: application/json", f"{server.url}/"]
    about = json.loads(subprocess.run(line, capture_output=True, check=True).stdout)["data"]
    listing, create, get, update, delete = about["calls"].values()
    client = paste(create, server.key)["data"]
    assert (client["first_name"], client["version"]) == (JORDAN["first_name"], 1)
    assert paste(listing, server.key)["data"]["clients"] == [client]
    assert paste(get, server.key, client["id"])["data"] == client
    assert paste(update, server.key, client["id"])["data"]["version"] == 2
    assert paste(delete, server.key, client["id"])["data"] == {}
    assert paste(get, server.key, client["id"])["error"]["code"] == "NOT_FOUND"
