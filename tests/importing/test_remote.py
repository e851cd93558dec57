"""``acare import URL``: the clients of another server."""

import fcntl
import json
import os
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.data import ALL_FIELDS, JORDAN
from support.importing import USER
from support.server import serving

from acare.errors import UserError
from acare.importing import imports, remote
from acare.importing.remote import Remote

KEY = "0" * 64


def test_the_clients_of_a_server_are_imported_as_they_are(agency, other, tmp_path):
    agency.create(**ALL_FIELDS)
    agency.load("Name,Type\n" + "Pat Kim,buyer\n" * 250, "--on-duplicate", "create")
    key = agency.run("key", "create", "--user", USER).out
    (tmp_path / "key.txt").write_text(key)
    with serving(agency.database) as (_, address):
        arguments = (f"http://{address}/v1/", "--key-file", tmp_path / "key.txt", "--create-users")
        ended = other.run("import", *arguments, "--user", USER)
    assert ended.code == 0, ended.out
    assert other.run("export").out.replace(other.user_id, agency.user_id) == agency.run("export").out
    assert downloads(other) == []


def downloads(agency):
    return list(agency.folder.glob(".acare-import-*"))


@pytest.fixture
def interrupted(agency, tmp_path):
    """An agency with a download that was interrupted after its first clients."""
    (tmp_path / "key.txt").write_text(KEY)
    fake = Fake(150)
    fake.before_page = lambda page: fake.script.append((401, {}, {}))
    with listening(fake) as url:
        ended = agency.run("import", url, "--user", USER, "--key-file", tmp_path / "key.txt")
    assert (ended.code, "401" in ended.err, len(downloads(agency))) == (1, True, 1)
    return agency


def test_an_unfinished_download_is_private_and_kept_for_a_day(interrupted):
    (path,) = downloads(interrupted)
    assert path.stat().st_mode & 0o777 == 0o600
    interrupted.run("find", "x")
    assert downloads(interrupted) == [path]
    yesterday = time.time() - 24 * 60 * 60 - 1
    os.utime(path, (yesterday, yesterday))
    interrupted.run("find", "x")
    assert downloads(interrupted) == []


def test_erasing_removes_unfinished_downloads(interrupted):
    assert interrupted.run("erase", interrupted.create(**JORDAN)["id"]).code == 0
    assert downloads(interrupted) == []


@pytest.fixture
def load(agency, tmp_path):
    """Imports from a URL; the report as JSON, or None if it ended before."""
    (tmp_path / "key.txt").write_text(KEY)

    def run(url, *arguments):
        command = ("import", url, "--user", USER, "--key-file", tmp_path / "key.txt", "--json", *arguments)
        return json.loads(agency.run(*command).out or "null")

    return run


def test_an_interrupted_import_is_completed_from_its_download(agency, load, monkeypatch):
    fake = Fake(150)
    with monkeypatch.context() as patch, listening(fake) as url:
        patch.setattr(imports, "BATCH_SECONDS", 0)
        patch.setattr(imports.Import, "_write_row", fails_after(100, imports.Import._write_row))
        assert load(url) is None
        assert (len(agency.clients()), len(downloads(agency))) == (100, 1)
        fake.ids.insert(0, number_id(900))
        patch.undo()
        report = load(url)
        assert (report["created"], "--again" in report["note"], len(fake.pages())) == (150, True, 2)
    assert {client["id"] for client in agency.clients()} == set(fake.ids[1:])
    assert downloads(agency) == []


def fails_after(count, write):
    """Writes so many rows, then fails."""
    left = iter(range(count))

    def write_or_fail(*arguments):
        if next(left, None) is None:
            raise UserError("the power fails")
        return write(*arguments)

    return write_or_fail


@pytest.mark.parametrize("refused", [False, True])
def test_a_complete_download_is_kept_until_it_is_imported(agency, load, tmp_path, refused):
    fake = Fake(1)
    with listening(fake) as url:
        arguments = () if refused else ("--dry-run",)
        fake.ids[0] = "x" if refused else number_id(0)
        assert load(url, *arguments)["created"] is None
        (path,) = downloads(agency)
        assert path.stat().st_mode & 0o777 == 0o600
        fake.ids[0] = number_id(1)
        load(url, *arguments)
        assert (len(fake.pages()), downloads(agency)) == (1, [path])
        (tmp_path / "key.txt").write_text("1" * 64)
        load(url, "--dry-run")
        assert len(downloads(agency)) == 2
        (tmp_path / "key.txt").write_text(KEY)
        assert load(url, "--again")["created"] == 1


def test_a_url_needs_a_key(agency):
    ended = agency.run("import", "http://127.0.0.1:1", "--user", USER)
    assert (ended.code, "--key-file" in ended.err) == (1, True)


# --- against a server that fails as it is told


class Fake:
    """A server with records of some ids, newest first; ``script`` has the answers of its first requests."""

    def __init__(self, count):
        self.ids = [number_id(number) for number in range(count)]
        self.script = []
        self.requests = []
        self.before_page = lambda page: None

    def answer(self, path, headers):
        self.requests.append((path, headers["X-API-Key"]))
        if self.script:
            return self.script.pop(0)
        if path == "/v1/users":
            return 404, {}, {}
        page = int(path.rpartition("=")[2])
        self.before_page(page)
        clients = [{**JORDAN, "id": it, "user_id": it} for it in self.ids[(page - 1) * 100 : page * 100]]
        meta = {"total": len(self.ids), "hasMore": page * 100 < len(self.ids)}
        return 200, {}, {"data": {"clients": clients, "meta": meta}}

    def pages(self):
        return [int(path.rpartition("=")[2]) for path, _ in self.requests if "page=" in path]


def number_id(number):
    return f"00000000-0000-7000-8000-{number:012}"


@contextmanager
def listening(fake):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = fake.answer(self.path, self.headers)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def download(fake, target):
    """What a download writes, and how long it paused."""
    pauses = []
    with listening(fake) as url:
        Remote(url, KEY, sleep=pauses.append).download(target, lambda done, total: None)
    return [json.loads(line)["id"] for line in target.read_text().splitlines()], [p for p in pauses if p]


USED_UP = {"RateLimit-Limit": "500", "RateLimit-Remaining": "0", "RateLimit-Reset": "900"}
EMPTY = {"data": {"users": []}}


@pytest.mark.parametrize(
    ("script", "pauses"),
    [
        ([(429, {"Retry-After": "7"}, {})], [7]),
        ([(503, {}, {}), (502, {}, {})], [2, 4]),
        ([(200, {}, {"no": "data"})], [2]),
        ([(429, {"Retry-After": "9" * 5000}, {})], [2]),
        ([(200, USED_UP, EMPTY)], [2]),
        ([(200, {"RateLimit-Remaining": "5"}, EMPTY)], []),
    ],
)
def test_a_download_waits_and_tries_again(tmp_path, script, pauses):
    fake = Fake(150)
    fake.script = script
    assert download(fake, tmp_path / "pages") == (fake.ids, pauses)


def test_owners_come_along_by_their_addresses(tmp_path):
    fake = Fake(1)
    fake.script = [(200, {}, {"data": {"users": [{"id": fake.ids[0], "email": USER}]}})]
    download(fake, tmp_path / "pages")
    assert json.loads((tmp_path / "pages").read_text())["owner"] == USER


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((401, {}, {}), "401"),
        ((302, {"Location": "http://example.com/"}, {}), "302 http://example.com/"),
    ],
)
def test_a_refusal_ends_the_download(tmp_path, answer, text):
    fake = Fake(1)
    fake.script = [answer]
    with pytest.raises(UserError, match=text):
        download(fake, tmp_path / "pages")


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07\x9b2J", r"\x1b]0;title\x07\x9b2J"),
        ("x" * 60_000, "x" * 300 + "..."),
        ("/é", "/é"),
    ],
)
def test_text_of_a_server_is_escaped(tmp_path, location, shown):
    fake = Fake(1)
    fake.script = [(302, {"Location": location}, {})]
    with pytest.raises(UserError) as error:
        download(fake, tmp_path / "pages")
    assert str(error.value).partition("answers 302 ")[2].startswith(shown[:280])
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("rest", ['{"id": "cut o', '{"id": "x"}', "\0\0\n\0"])
def test_an_interrupted_download_goes_on(tmp_path, rest):
    fake = Fake(350)
    target = tmp_path / "pages"
    target.write_text("".join(json.dumps({"id": it}) + "\n" for it in fake.ids[:200]) + rest)
    assert download(fake, target)[0] == fake.ids
    assert fake.pages() == [2, 3, 4]


def page(*clients, **meta):
    """The answer to a request for clients."""
    return {"data": {"clients": list(clients), "meta": {"total": 9, "hasMore": False, **meta}}}


def fails(tmp_path, *bodies):
    """The error of a download from a server with these answers, the first one about users."""
    fake = Fake(1)
    fake.script = [(200, {}, body) for body in bodies]
    with pytest.raises(UserError) as error:
        download(fake, tmp_path / "pages")
    assert re.match(r"http://127\.0\.0\.1:\d+: ", str(error.value))
    return str(error.value)


USER_FORMS = [
    None, "x", [], {"users": None}, {"users": "x"}, {"users": ["x"]}, {"users": [{"email": USER}]},
    {"users": [{"id": [], "email": USER}]}, {"users": [{"id": "x", "email": 1}]},
]  # fmt: skip


@pytest.mark.parametrize("data", USER_FORMS)
def test_users_of_another_form_are_refused(tmp_path, data):
    text = '/v1/users: data must have the form {"users": [{"id": "", "email": ""}]}'
    assert fails(tmp_path, {"data": data}).endswith(text)


CLIENT_FORMS = [
    {"data": {"clients": None}}, {"data": {"clients": []}}, page("x"), page({"user_id": "x"}),
    page({"id": [], "user_id": "x"}), page({"id": "x"}), page({"id": "x", "user_id": []}), page(total="9"),
    page(hasMore=1),
]  # fmt: skip


@pytest.mark.parametrize("body", CLIENT_FORMS)
def test_clients_of_another_form_are_refused(tmp_path, body):
    assert '/v1/clients?limit=100&page=1: data must have the form {"clients": ' in fails(
        tmp_path, EMPTY, body
    )


def test_clients_with_lone_surrogates_are_refused(tmp_path):
    body = page({"id": "x", "user_id": "x", "notes": "\ud800"})
    assert fails(tmp_path, EMPTY, body).endswith("surrogates not allowed")


def test_an_answer_that_is_nested_too_deeply_is_refused(tmp_path):
    fake = Fake(1)
    fake.script = [(200, {}, b"[" * 100_000)]
    with pytest.raises(UserError, match="nested too deeply"):
        download(fake, tmp_path / "pages")


SAME = {"id": number_id(1), "user_id": number_id(1)}


@pytest.mark.parametrize(
    ("body", "requests"), [(page(hasMore=True), 2), (page(*[SAME] * 100, hasMore=True), 13)]
)
def test_pages_without_new_clients_end_the_download(tmp_path, body, requests):
    fake = Fake(1)
    fake.script = [(200, {}, EMPTY), *[(200, {}, body)] * 3000]
    with pytest.raises(UserError, match="but has no new one"):
        download(fake, tmp_path / "pages")
    assert len(fake.requests) == requests


def test_going_back_and_forth_ends_the_download(tmp_path):
    fake = Fake(1)
    fresh = iter(range(2, 9999))
    fake.answer = lambda path, headers: (
        (200, {}, EMPTY)
        if "users" in path
        else (200, {}, page(SAME, total=9, hasMore=True))
        if path.endswith("page=1")
        else (200, {}, page({**SAME, "id": str(next(fresh))}, total=-next(fresh), hasMore=True))
    )
    with pytest.raises(UserError, match="but has no new one"):
        download(fake, tmp_path / "pages")


def test_an_answer_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "_MAX_BYTES", 1000)
    assert fails(tmp_path, {"data": {"users": ["x" * 1000]}}).endswith("must not exceed 1000 bytes")


def test_two_downloads_do_not_write_into_one_file(tmp_path):
    target = tmp_path / "clients.jsonl"
    with target.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another import is downloading into this file"):
            download(Fake(1), target)
    assert target.read_text() == ""


def test_clients_that_are_created_meanwhile_are_found(tmp_path):
    fake = Fake(250)
    fake.before_page = lambda page: (
        fake.ids.insert(0, number_id(900)) if page == 2 and len(fake.ids) == 250 else None
    )
    assert set(download(fake, tmp_path / "pages")[0]) == set(fake.ids)


def test_old_clients_that_are_imported_meanwhile_are_found(tmp_path):
    fake = Fake(450)
    fake.before_page = lambda page: (
        fake.ids.insert(150, number_id(900)) if page == 4 and len(fake.ids) == 450 else None
    )
    assert set(download(fake, tmp_path / "pages")[0]) == set(fake.ids)
    assert fake.pages() == [1, 2, 3, 4, 5, 1, 1, 2, 3, 4, 5]


def test_clients_that_are_not_found_are_told(tmp_path):
    assert "only 1 of 9 clients were found" in fails(tmp_path, EMPTY, *[page(SAME)] * 4)


def test_deletions_meanwhile_hide_no_client(tmp_path):
    fake = Fake(350)

    def delete(page):
        if page == 2 and len(fake.ids) == 350:
            del fake.ids[:20]

    fake.before_page = delete
    assert set(download(fake, tmp_path / "pages")[0]) >= set(fake.ids)


def test_deletions_between_two_runs_hide_no_client(tmp_path):
    fake = Fake(450)
    target = tmp_path / "pages"
    target.write_text("".join(json.dumps({"id": it}) + "\n" for it in fake.ids[:200]))
    del fake.ids[:120]
    assert set(download(fake, target)[0]) >= set(fake.ids)


def test_a_server_that_was_never_there_is_not_waited_for(agency, tmp_path):
    (tmp_path / "key.txt").write_text(KEY)
    ended = agency.run("import", "http://127.0.0.1:1", "--user", USER, "--key-file", tmp_path / "key.txt")
    assert (ended.code, "refused" in ended.err) == (1, True)


def test_a_file_that_is_no_key_is_not_sent(agency, tmp_path):
    path = tmp_path / "key.txt"
    path.write_text("two\nlines")
    ended = agency.run("import", "http://127.0.0.1:1", "--user", USER, "--key-file", path)
    assert (ended.code, ended.err) == (1, f"acare: {path}: the file must have one line, the API key\n")


def test_the_key_goes_to_the_server_alone(tmp_path):
    elsewhere = Fake(1)
    with listening(elsewhere) as url:
        fake = Fake(1)
        fake.script = [(302, {"Location": url}, {})]
        with pytest.raises(UserError):
            download(fake, tmp_path / "pages")
    assert (fake.requests[0][1], elsewhere.requests) == (KEY, [])
