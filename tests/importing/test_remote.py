"""``acare import URL``: the clients of another server."""

import json
import re
import time
from contextlib import suppress

import pytest
from support.data import ALL_FIELDS, JORDAN
from support.http import serving_with
from support.importing import USER
from support.page import examples, replaced
from support.server import serving

from acare import timestamps
from acare.errors import Refused
from acare.importing import remote
from acare.importing.remote import Remote

KEY = "0" * 64
RECORD = {**JORDAN, "id": "1", "user_id": "1"}


def test_the_clients_of_a_server_are_imported_as_they_are(agency, other, tmp_path):
    agency.create(**ALL_FIELDS)
    row = "Pat Kim,buyer,2024-01-01,{}\n"
    agency.load(
        "Name,Type,Created,Notes\n" + "".join(map(row.format, range(250))), "--on-duplicate", "create"
    )
    (tmp_path / "key.txt").write_text(agency.run("key", "create", "--user", USER).out)
    (line,) = examples("sh", "Importing from another server")
    with serving(agency.database) as (_, address):
        url = f"http://{address}/v1/clients"
        values = {"https://clients.example.com": url, "key.txt": tmp_path / "key.txt"}
        _, *arguments = replaced(line, {**values, "ana@example.com": USER}).split()
        ended = other.run(*arguments)
    assert ended.code == 0, ended.out
    assert other.run("export").out.replace(other.user_id, agency.user_id) == agency.run("export").out


@pytest.mark.parametrize(
    ("key", "code", "text"), [(None, 2, "--key-file"), ("two\nlines", 1, "one line: the API key")]
)
def test_a_url_needs_a_key(agency, tmp_path, key, code, text):
    (tmp_path / "key.txt").write_text(key or "")
    arguments = ("--key-file", tmp_path / "key.txt") if key else ()
    ended = agency.run("import", "http://127.0.0.1:1", "--user", USER, *arguments)
    assert (ended.code, text in ended.err) == (code, True)


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key.txt"
    path.write_text(KEY)
    return path


# --- against a server that fails as it is told


class Fake:
    """A server with records of some ids, newest first; ``script`` has the answers of its first requests."""

    def __init__(self, count, *script):
        self.ids = [number_id(number) for number in range(count)]
        self.script = list(script)
        self.requests = []
        self.before_page = lambda page: None

    def answer(self, path, headers):
        self.requests.append((path, headers["X-API-Key"]))
        if self.script:
            answer = self.script.pop(0)
            return answer() if callable(answer) else answer
        page = int(path.rpartition("=")[2])
        self.before_page(page)
        clients = [{**JORDAN, "id": it, "user_id": it} for it in self.ids[(page - 1) * 100 : page * 100]]
        meta = {"total": len(self.ids), "totalPages": -(-len(self.ids) // 100)}
        return 200, {}, {"data": {"clients": clients, "meta": meta}}


def number_id(number):
    return f"00000000-0000-7000-8000-{number:012}"


def listening(fake):
    def answer(request):
        status, headers, body = fake.answer(request.path, request.headers)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    return serving_with(answer)


def download(fake):
    """The records of a download, oldest first, and the seconds of its pauses."""
    pauses = []
    with listening(fake) as url:
        lines = list(Remote(url, KEY, sleep=pauses.append).lines(lambda *_: None))
    return [json.loads(line) for line in lines], pauses


def ids(records):
    return {record["id"] for record in records}


def fails(answer):
    """The error of a download from a server that gives this answer to every request."""
    with pytest.raises(Refused) as error:
        download(Fake(1, *[answer] * 10))
    assert re.match(r"http://127\.0\.0\.1:\d+", str(error.value))
    return str(error.value)


def page(*clients, **meta):
    """The answer to a request for clients."""
    return 200, {}, {"data": {"clients": list(clients), "meta": {"total": 9, "totalPages": 1, **meta}}}


@pytest.mark.parametrize(
    ("script", "pauses"),
    [
        ([(429, {"Retry-After": "7"}, {})], [7]),
        ([(503, {"Retry-After": "3"}, {}), (502, {}, {})], [3, 4]),
        ([(429, {"Retry-After": "9" * 5000}, {})], [2]),
    ],
)
def test_a_download_waits_and_tries_again(script, pauses):
    records, waited = download(Fake(150, *script))
    assert (len(records), waited) == (150, pauses)


def test_a_download_waits_a_minute_at_most_and_ten_times():
    pauses = []
    with (
        listening(Fake(1, *[(503, {"Retry-After": "3600"}, {})] * 20)) as url,
        pytest.raises(Refused, match="503"),
    ):
        list(Remote(url, KEY, sleep=pauses.append).lines(lambda *_: None))
    assert pauses == [60] * 10


def test_a_download_of_a_response_that_drips_ends(monkeypatch):
    def drip(request):
        with suppress(OSError):
            while True:
                request.wfile.write(b"H")
                time.sleep(0.02)

    monkeypatch.setattr(remote, "_MAX_SECONDS", 0.3)
    with serving_with(drip) as url, pytest.raises(Refused, match="took more than 0 seconds"):
        list(Remote(url, KEY).lines(lambda *_: None))


@pytest.mark.parametrize("change", ["created", "imported", "deleted"])
def test_changes_meanwhile_hide_no_client(change):
    fake = Fake(450)

    def before(page):
        if page == 3 and len(fake.ids) == 450:
            if change == "deleted":
                del fake.ids[:20]
            else:
                fake.ids.insert(0 if change == "created" else 150, number_id(900))

    fake.before_page = before
    records, _ = download(fake)
    assert ids(records) >= set(fake.ids)


def test_clients_that_keep_changing_end_the_download():
    fake = Fake(150)
    fake.before_page = lambda page: fake.ids.insert(0, number_id(1000 + len(fake.ids)))
    with pytest.raises(Refused, match="changed during each of 10 passes"):
        download(fake)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((401, {}, {}), "401"),
        ((200, {}, b"\xff"), "unexpected response"),
        ((200, {}, b"[" * 100_000), "nested too deeply"),
        (page(totalPages="x"), "unexpected response"),
        (page(total=5000, totalPages=50), "page 50 of 50 has 0 of 5000 clients"),
        (page(RECORD, totalPages=10**9), "page 1000000000 of 1000000000 has 1 of 9 clients"),
        (page(RECORD, total=10**9, totalPages=10**7), "page 10000000 of 10000000 has 1 of 1000000000 "),
        (page(*({**RECORD, "id": number} for number in range(19))), "19 clients, but a total of 9"),
        ((200, {"Content-Length": "50"}, b'{"data": '), "unexpected response"),
    ],
)
def test_an_unexpected_response_ends_the_download(answer, text):
    assert text in fails(answer)


def test_clients_can_be_created_during_the_download(agency, key_file):
    new = {**JORDAN, "id": number_id(1), "user_id": number_id(1)}
    fake = Fake(1, *[lambda: page({**new, "created_at": timestamps.now()})] * 2)
    with listening(fake) as url:
        ended = agency.run("import", url, "--user", USER, "--key-file", key_file)
    assert ended.code == 0, ended.out


def test_a_response_has_a_limit(monkeypatch):
    monkeypatch.setattr(remote, "_MAX_BYTES", 2000)
    assert "must not have more than 2000 bytes" in fails((200, {}, b'"' + b"x" * 1999 + b'"'))


def test_only_the_server_gets_the_key():
    elsewhere = Fake(1)
    with listening(elsewhere) as url:
        fake = Fake(1, (302, {"Location": url}, {}))
        with pytest.raises(Refused):
            download(fake)
    assert (fake.requests[0][1], elsewhere.requests) == (KEY, [])
