"""The index at /: the web UI (tests/web) for a browser, JSON for a program; and /openapi.json."""

import pytest
from support.client import Api, app_fixture

JSON = "application/json"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

app = app_fixture()


def ask(app, accept=None, mount=""):
    headers = {} if accept is None else {"Accept": accept}
    return Api(app).ask("GET", "/", environ={"SCRIPT_NAME": mount}, **headers)


@pytest.mark.parametrize("accept", [BROWSER, "TEXT/HTML", "application/json, text/html;q=0.1"])
def test_it_is_html_for_browsers(app, accept):
    answer = ask(app, accept)
    assert (answer.content_type, answer.charset) == ("text/html", "utf-8")


@pytest.mark.parametrize("accept", [None, "", "*/*", JSON])
def test_it_is_json_for_programs(app, accept):
    answer = ask(app, accept)
    assert (answer.content_type, answer.json["data"]["name"]) == (JSON, "acare")


def test_caches_keep_the_formats_apart(app):
    assert {ask(app, accept).headers["Vary"] for accept in ("text/html", JSON)} == {"Accept"}


def test_its_links_work_under_a_prefix(app):
    links = ask(app, mount="/crm").json["data"]["links"]
    assert [*links] == ["openapi", "healthz", "readyz"]
    for link in links.values():
        Api(app).get(link.removeprefix("/crm"))
