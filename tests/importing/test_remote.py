"""``acare import URL``: the clients of another server, which a stand-in for the hosted service has."""

import json
import os

import pytest
from support.data import ALL_FIELDS
from support.hosted import ANA, BEN, KEY, SHOWN, Hosted, by_id, listening
from support.importing import USER
from support.server import serving

from acare.database.copying import silent
from acare.errors import Refused
from acare.fields import ALL_NAMES, HOSTED_NAMES
from acare.importing import download as download_module
from acare.importing import remote
from acare.importing.download import Download
from acare.importing.remote import Remote


def test_the_clients_of_another_acare_arrive_as_they_are(agency, other, tmp_path):
    agency.create(**ALL_FIELDS)
    row = "Pat Kim,buyer,2024-01-01,{}\n"
    agency.load(
        "Name,Type,Created,Notes\n" + "".join(map(row.format, range(250))), "--on-duplicate", "create"
    )
    (tmp_path / "key.txt").write_text(agency.run("key", "create", "--user", USER).out)
    with serving(agency.database) as (_, address):
        ended = other.run(
            "import", f"http://{address}/v1/clients", "--key-file", tmp_path / "key.txt", "--user", USER
        )
    assert ended.code == 0, ended.out
    assert other.run("export").out.replace(other.user_id, agency.user_id) == agency.run("export").out


@pytest.mark.parametrize("url", ["http://ana:secret@127.0.0.1:1", "HTTPS://127.0.0.1:1/v1/clients?q=secret"])
def test_a_password_or_a_query_in_the_url_is_refused_and_not_printed(agency, url):
    ended = agency.run("import", url, "--key-file", "key.txt")
    assert (ended.code, "must have no user name, password or query" in ended.err) == (2, True)
    assert "secret" not in ended.out + ended.err


def test_a_full_disk_during_a_download_names_the_file(mover, hosted, tmp_path, monkeypatch):
    hosted.create(1)
    keep = Download._keep

    def fails(download, client):
        with open("/dev/full", "wb") as disk:
            os.dup2(disk.fileno(), download._file.fileno())
        keep(download, client)

    monkeypatch.setattr(Download, "_keep", fails)
    ended = mover.run("--download", tmp_path / "kept")
    assert (ended.code, f"{tmp_path}/kept: No space left on device" in ended.err) == (1, True)


@pytest.mark.parametrize("option", ["--proof", "--rejects", "--download"])
def test_a_file_that_cannot_be_written_is_named_first(mover, hosted, option):
    ended = mover.run(option, mover.agency.folder / "missing" / "file")
    assert (ended.is_refusal(), "missing" in ended.err, hosted.requests) == (True, True, [])


def test_rejects_that_exist_are_noticed_before_a_download(mover, hosted, tmp_path):
    (tmp_path / "rejects").write_text("precious")
    assert "rejects: File exists" in mover.run("--rejects", tmp_path / "rejects").err
    assert (hosted.requests, (tmp_path / "rejects").read_text()) == ([], "precious")


# --- fields that the list lacks


def test_the_last_line_says_what_was_accepted_as_missing(mover, hosted):
    hosted.shown = sorted(HOSTED_NAMES - {"user_id", "tags"})
    hosted.create(1)
    refused = mover.run("--allow-missing", "tags")
    assert (refused.code, "--allow-missing user_id imports the clients" in refused.out) == (1, True)
    ended = mover.run("--allow-missing", "tags,user_id")
    assert ended.out.splitlines()[-1].endswith("The source lacks tags (1 client), user_id (1 client).")
    assert (ended.code, len(mover.here())) == (0, 1)


# --- owners


def test_a_dry_run_lists_the_owners_of_the_source(mover, hosted):
    hosted.fill(3)
    ended = mover.run("--dry-run", "--value", f"user_id:{ANA}={USER}")
    assert f"    owner {ANA}: 2 clients -> {USER}\n    owner {BEN}: 1 client -> --user\n" in ended.out
    assert "Owners without --value user_id:UUID=EMAIL: 1 client; new ones go to --user.\n" in ended.out


# --- the rate limit


def test_a_download_keeps_to_its_share_of_the_rate_limit(mover, hosted):
    hosted.limit = 100
    hosted.fill(412)
    ended = mover.run()
    assert ended.code == 0
    assert "The list lacks created_at, notes," in ended.err
    assert ": 412 of 412 clients are read one by one.\n" in ended.err
    assert (
        "With 80% of the 100 requests that are allowed in 15 minutes, this takes about 75 min.\n" in ended.err
    )
    assert (hosted.refused, hosted.waited()) == (0, 5 * 900)


# --- a server that fails


def download(hosted, tmp_path, progress=silent):
    """The records of a download, oldest first."""
    with listening(hosted) as url, (tmp_path / "kept").open("w+b") as file:
        found = Download(Remote(url, KEY), file, progress)
        found.run()
        return list(map(json.loads, found))


@pytest.fixture
def fails(hosted, tmp_path, monkeypatch):
    """The error of a download from a server that gives an answer to every request."""
    monkeypatch.setattr(remote.time, "sleep", hosted.sleep)

    def fails(answer):
        hosted.create(1)
        hosted.script = [answer] * 20
        with pytest.raises(Refused) as error:
            download(hosted, tmp_path)
        assert str(error.value).startswith("http://127.0.0.1:")
        return str(error.value)

    return fails


@pytest.mark.parametrize(
    ("script", "pauses"),
    [
        ([(429, {"Retry-After": "7"}, {})], 7),
        ([(503, {"Retry-After": "3"}, {}), (502, {}, {})], 3 + 4),
        ([(429, {"Retry-After": "99999"}, {})], 3600),
        ([(200, {"Content-Length": "50"}, b'{"data": ')], 2),
        ([(None, {}, b"")], 2),
    ],
)
def test_a_download_waits_and_tries_again(mover, hosted, script, pauses):
    hosted.create(1)
    hosted.before = lambda path: hosted.script.extend(script if len(hosted.requests) == 3 else ())
    assert mover.run().code == 0
    assert hosted.waited() == pauses


def test_a_download_tries_ten_times_again(fails, hosted):
    assert "503" in fails((503, {"Retry-After": "2"}, {}))
    assert (len(hosted.requests), hosted.waited()) == (11, 20)


@pytest.mark.parametrize("change", ["created", "deleted"])
def test_changes_meanwhile_hide_no_client(hosted, tmp_path, change):
    hosted.listed = None
    ids = hosted.fill(450)

    def before(path):
        if path.endswith("page=3") and len(hosted.clients) == 450:
            if change == "deleted":
                for client_id in ids[-20:]:
                    hosted.delete(client_id)
            else:
                hosted.create(900)

    hosted.before = before
    records = download(hosted, tmp_path)
    assert {record["id"] for record in records} == hosted.clients.keys()


def test_a_client_that_changes_meanwhile_is_read_again(hosted, tmp_path):
    changed = hosted.create(1)

    def before(path):
        if changed in path and hosted.clients[changed]["version"] == 1:
            hosted.before = lambda path: None
            later = dict(hosted.clients[changed])
            hosted.script = [lambda: hosted.change(changed, phone="9") or (200, {}, {"data": later})]

    hosted.before = before
    assert [record["phone"] for record in download(hosted, tmp_path)] == ["9"]


def test_a_client_that_is_deleted_meanwhile_is_left_out(mover, hosted):
    ids = hosted.fill(3)
    hosted.before = lambda path: hosted.clients.pop(ids[1], None) if ids[0] in path else None
    assert mover.run().code == 0
    assert mover.here().keys() == {ids[0], ids[2]}


def page(**meta):
    """The answer to a request for clients, without one."""
    return 200, {}, {"data": {"clients": [], "meta": {"total": 9, "totalPages": 1, **meta}}}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((401, {}, {}), "401"),
        ((404, {}, {}), "there is no /v1/clients"),
        ((200, {}, b"[" * 100_000), "nested too deeply"),
        (page(totalPages="x"), "unexpected response"),
        (page(total=5000, totalPages=50), "page 1 of 50 has 0 of 5000 clients"),
    ],
)
def test_an_unexpected_response_ends_the_download(fails, answer, text):
    assert text in fails(answer)


@pytest.mark.parametrize(("first", "most", "pages"), [(100, 10_000_000, 13), (10**9, 500, 6)])
def test_a_list_without_an_end_is_refused(fails, hosted, monkeypatch, first, most, pages):
    """Each page has more clients, and names one more page."""
    monkeypatch.setattr(download_module, "_MAX_CLIENTS", most)

    def answer():
        number = len(hosted.requests)
        row = dict.fromkeys(ALL_NAMES)
        clients = [{**row, "id": f"{number} {each}"} for each in range(100)]
        meta = {"total": first + 100 * number - 100, "totalPages": number + 1}
        return 200, {}, {"data": {"clients": clients, "meta": meta}}

    assert "the list of clients does not end" in fails(answer)
    assert len(hosted.requests) == pages


def test_only_the_server_gets_the_key(fails):
    elsewhere = Hosted()
    with listening(elsewhere) as url:
        assert "302" in fails((302, {"Location": url}, {}))
    assert elsewhere.requests == []


# --- --download


def test_an_interrupted_download_goes_on(mover, hosted, tmp_path):
    ids = hosted.fill(5)
    kept = tmp_path / "kept.jsonl"
    hosted.before = lambda path: hosted.script.append((400, {}, {})) if ids[1] in path else None
    assert mover.run("--download", kept).code == 1
    with kept.open("ab") as file:
        file.write(b'{"id": "cut')
    assert kept.stat().st_mode & 0o777 == 0o600
    hosted.before, hosted.requests = lambda path: None, []
    ended = mover.run("--download", kept)
    assert (ended.code, mover.differences(), len(by_id(hosted.requests))) == (0, {}, 2)
    assert ": 2 of 5 clients are read one by one.\n" in ended.err


def test_a_kept_client_that_the_list_shows_changed_is_read_again(mover, hosted, tmp_path):
    changed, deleted = hosted.create(1), hosted.create(2)
    mover.run("--download", tmp_path / "kept", "--dry-run")
    hosted.change(changed, phone="5")
    hosted.delete(deleted)
    mover.run("--download", tmp_path / "kept")
    assert (mover.differences(), mover.here().keys()) == ({}, {changed})


def test_another_file_is_not_taken_for_a_download(mover, tmp_path):
    (tmp_path / "notes.txt").write_text("precious\n")
    ended = mover.run("--download", tmp_path / "notes.txt")
    assert (ended.is_refusal(), (tmp_path / "notes.txt").read_text()) == (True, "precious\n")


# --- the proof


def test_a_proof_ends_every_run(mover, hosted, tmp_path):
    hosted.create(1)
    equal, refused = hosted.create(2, first_name="=1+1"), hosted.create(3, client_type="renter")
    ended = mover.run("--rejects", tmp_path / "rejects", "--proof", tmp_path / "proof.csv")
    assert "Compared with the source: 3 clients there, 2 here\n    2 equal\n    1 only there\n" in ended.out
    lines = (tmp_path / "proof.csv").read_text().splitlines()
    assert lines[0] == "id,name,found,fields"
    assert {f"{equal},'=1+1 Lee,equal,", f"{refused},Client3 Lee,only there,"} <= set(lines)


def test_the_proof_of_a_blocked_run_is_of_what_stays_here(mover, hosted, tmp_path):
    hosted.create(1)
    mover.run()
    hosted.create(2)
    hosted.shown = SHOWN
    ended = mover.run("--on-duplicate", "update", "--proof", tmp_path / "proof.csv")
    assert "2 clients there, 1 here\n    1 equal\n    1 only there\n" in ended.out
    assert "Client2 Lee,only there," in (tmp_path / "proof.csv").read_text()
    assert ended.code == 1


def test_a_proof_is_of_what_was_read(mover, hosted):
    hosted.create(1, last_name=" Lee ", tags=None)
    assert "    1 different: last_name 1\n" in mover.run().out


def test_the_proof_compares_owners_that_are_mapped(mover, hosted, agency):
    agency.run("user", "add", "ben@example.com")
    hosted.create(0)
    mover.run()
    ended = mover.run("--on-duplicate", "skip", "--value", f"user_id:{ANA}=ben@example.com")
    assert "    1 different: user_id 1\n" in ended.out


def test_the_proof_survives_an_owner_that_is_no_text(mover, hosted):
    client_id = hosted.create(1)
    mover.run()
    hosted.change(client_id, owner={"email": "ana@example.com"})
    ended = mover.run("--on-duplicate", "skip")
    assert "    1 different: version 1, updated_at 1, user_id 1\n" in ended.out
