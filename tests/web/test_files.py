"""The page's files over HTTP: types, caching, headers and prefixes."""

import re

import pytest
from support.client import Api

import acare
from acare.api.public import web_files

TYPES = {"css": "text/css; charset=utf-8", "mjs": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FILES = {"/": "text/html; charset=utf-8"} | {
    f"/web/{name}": TYPES[name.rpartition(".")[2]] for name in web_files()
}


def get(app, path, status=200, mount="", **headers):
    headers = {"Accept": "text/html", **headers}
    return Api(app, None).web.get(path, headers=headers, status=status, extra_environ={"SCRIPT_NAME": mount})


@pytest.mark.parametrize("path", FILES)
def test_each_file_has_its_type_and_may_be_cached(app, path):
    answer = get(app, path)
    assert answer.headers["Content-Type"] == FILES[path]
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_only_files_of_the_page_are_served(app):
    get(app, "/web/README.md", 404)


@pytest.mark.parametrize("path", ["/", "/web/page.css"])
@pytest.mark.parametrize("sent", ["{}", "W/{}", '"other", {}', "*"])
def test_a_file_that_the_browser_has_is_304(app, path, sent):
    tag = get(app, path).headers["ETag"]
    answer = get(app, path, 304, **{"If-None-Match": sent.format(tag)})
    assert (answer.body, answer.headers["ETag"]) == (b"", tag)
    get(app, path, 200, **{"If-None-Match": '"other"'})


@pytest.mark.parametrize("path", FILES)
def test_the_policy_allows_no_unsafe_source(app, path):
    headers = get(app, path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert not re.search(r"unsafe|data:|https?:|\*", policy)
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize(("mount", "start"), [("", "./"), ("/crm", "/crm/")])
def test_the_page_loads_its_files_under_a_prefix(app, mount, start):
    for link in re.findall(r'(?:href|src)="([^"]*)"', get(app, "/", mount=mount).text):
        assert link.startswith(f"{start}web/")
        get(app, f"/{link.removeprefix(start)}")


@pytest.mark.parametrize("mount", ['/"><script>alert(1)</script>', "/$base", "/x'y&z"])
def test_a_prefix_cannot_inject_html(app, mount):
    text, plain = get(app, "/", mount=mount).text, get(app, "/").text
    assert re.findall(r"<\w+", text) == re.findall(r"<\w+", plain)
    assert '"><script>' not in text


def test_the_page_of_another_prefix_has_another_tag(app):
    assert get(app, "/").headers["ETag"] != get(app, "/", mount="/crm").headers["ETag"]


def test_the_page_gets_the_agency_and_the_currency(tmp_path):
    with acare.create_app(database=tmp_path / "a.db", agency='A&B "<b>', currency="EUR") as app:
        text = get(app, "/").text
    assert '<html lang="en" data-agency="A&amp;B &quot;&lt;b&gt;" data-currency="EUR">' in text
    assert "<title>Clients · A&amp;B &quot;&lt;b&gt;</title>" in text


def test_the_page_of_no_agency_has_a_plain_title(app):
    assert "<title>Clients</title>" in get(app, "/").text
