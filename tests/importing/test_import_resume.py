"""An import that was interrupted is completed by the same command; a server on the same file goes on."""

import itertools
import json
import os
import signal
import subprocess
import time
import urllib.request

import pytest
from support.importing import HEADER, USER, Agency
from support.server import command, serving

from acare.clients import ImportRow
from acare.errors import UserError
from acare.fields import validate_create
from acare.importing import imports
from acare.store import sequence

ROWS = 3000
MANY = int(os.environ.get("ACARE_TEST_IMPORT_ROWS", "5000"))  # a million takes some minutes

# Each transaction is short, and says when it is on disk.
SLOW = """
import acare.importing.imports as imports
imports.BATCH_SECONDS = 0.001
write = imports.Import._write_batch
def tell(*arguments):
    print("batch", flush=True)
    return write(*arguments)
imports.Import._write_batch = tell
"""


def rows(count):
    return f"{HEADER},email\n" + "".join(f"A{n},B,buyer,c{n % (count - 5)}@b\n" for n in range(count))


def kill_after(agency, batches, *arguments):
    line = command("import", *arguments, "--database", agency.database, before=SLOW)
    with subprocess.Popen(line, stdout=subprocess.PIPE) as process:
        for _ in range(batches):
            assert process.stdout.readline() == b"batch\n"
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(("policy", "created"), [("create", ROWS), ("skip", ROWS - 5), ("update", ROWS - 5)])
def test_a_killed_import_is_completed_with_every_row_once(agency, policy, created):
    arguments = (agency.write(rows(ROWS)), "--user", USER, "--on-duplicate", policy, "--json")
    for batches in (1, 2, 4):
        kill_after(agency, batches, *arguments)
    assert 0 < len(agency.clients()) < ROWS
    report = json.loads(agency.run("import", *arguments).out)
    clients = agency.clients()
    assert (report["created"], len(clients)) == (created, created)
    assert len({client["first_name"] for client in clients}) == created
    assert sum(client["version"] for client in clients) == (ROWS if policy != "skip" else created)


def test_records_with_ids_are_completed_too(agency, tmp_path):
    agency.load(rows(ROWS), "--on-duplicate", "create")
    old = agency.run("export").out
    (tmp_path / "other").mkdir()
    other = Agency(tmp_path / "other")
    arguments = (other.write(old, "in.jsonl"), "--user", USER)
    kill_after(other, 4, *arguments)
    assert 0 < len(other.clients()) < ROWS
    ended = other.run("import", *arguments)
    assert ended.code == 0, ended.out
    assert [client["id"] for client in other.clients()] == [
        json.loads(line)["id"] for line in old.splitlines()
    ]


def test_rows_that_were_refused_before_the_kill_stay_refused(agency, tmp_path):
    old = agency.create(first_name="A", last_name="B", client_type="buyer")
    with agency.app() as app:
        app.clients.update(agency.caller, old["id"], {"source": "web"})
    content = f"id,version,{HEADER}\n{old['id']},1,Edited,B,buyer\n,,C,D,renter\n"
    content += "".join(f",,A{n},B,buyer\n" for n in range(2000))
    refused = tmp_path / "refused.csv"
    arguments = (agency.write(content), "--user", USER, "--on-duplicate", "update", "--skip-bad", refused)
    kill_after(agency, 3, *arguments)
    before = refused.read_text()
    ended = agency.run("import", *arguments)
    assert (ended.code, refused.read_text(), before.count("\n")) == (0, before, 3), ended.err
    clients = agency.clients()
    assert (len(clients), clients[0]["first_name"]) == (2001, "A")


def write_one_by_one(app, emails, between, with_ids=False):
    """Import a client for each address, each in a transaction of its own; the last progress."""
    key = bytes(32)
    importing = imports.Import(app.database, key, "skip", clock=itertools.count().__next__, sleep=between)
    values = {"first_name": "A", "last_name": "B", "client_type": "buyer"}
    rows = [
        ImportRow(
            line,
            {**values, "email": email},
            {"owner": USER, **({"id": f"00000000-0000-7000-8000-{line:012}"} if with_ids else {})},
            {},
        )
        for line, email in enumerate(emails, 2)
    ]
    *_, last = importing.write(rows, importing.progress(key))
    return last


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("ahead", [0, 1])
def test_an_import_that_runs_twice_at_once_writes_each_row_once(agency, ahead, restarted):
    with agency.app() as app:
        first, second = (
            imports.Import(app.database, bytes(32), "create", clock=itertools.count().__next__) for _ in "12"
        )
        rows = [
            ImportRow(
                line, {"first_name": "A", "last_name": "B", "client_type": "buyer"}, {"owner": USER}, {}
            )
            for line in range(4)
        ]
        old = first.progress(bytes(32))
        for _ in range(ahead):
            old = next(first.write(rows, old))
        if restarted:
            second.restart()
        taken = second.progress(bytes(32))
        assert [*second.write(rows, taken)][-1].created == 4
        with pytest.raises(UserError, match="another process"):
            next(first.write(rows, old))
    assert len(agency.clients()) == 4 + (ahead if restarted else 0)


def test_others_get_a_turn_after_each_transaction(agency):
    pauses = []
    with agency.app() as app:
        write_one_by_one(app, ["a@b", "c@d", "e@f"], pauses.append)
    assert pauses == [imports.PAUSE_SECONDS] * 3


@pytest.mark.parametrize("with_ids", [False, True])
def test_a_client_that_is_created_meanwhile_is_a_duplicate(agency, with_ids):
    body = validate_create({"first_name": "X", "last_name": "Y", "client_type": "buyer", "email": "c@d"})
    with agency.app() as app:
        last = write_one_by_one(
            app, ["a@b", "c@d"], lambda _: app.clients.create(agency.caller, body), with_ids
        )
    assert (last.created, last.skipped) == (1, 1)


def test_the_clients_of_an_import_are_no_duplicates_of_its_rows_with_ids(agency):
    with agency.app() as app:
        last = write_one_by_one(app, ["a@b", "a@b", "a@b"], lambda _: None, with_ids=True)
    assert (last.created, last.skipped) == (3, 0)


def test_the_clients_of_an_import_that_begins_again_are_duplicates(agency):
    with agency.app() as app:
        write_one_by_one(app, ["a@b"], lambda _: None)
        imports.Import(app.database, bytes(32), "skip").restart()
        last = write_one_by_one(app, ["a@b"], lambda _: None, with_ids=True)
    assert (last.created, last.skipped) == (0, 1)


@pytest.mark.parametrize(
    "kept",
    ["created_at 2024-01-01T00:00:00.000Z", "id 00000000-0000-7000-8000-{:012}"],
    ids=["time", "address"],
)
def test_thousands_with_one_time_or_address_take_no_longer(agency, kept):
    values = {"first_name": "A", "last_name": "B", "client_type": "buyer", "email": "none@b"}
    name, text = kept.split()
    count = 1000 if name == "id" else sequence.PLACES + 1000
    rows = [ImportRow(line, values, {"owner": USER, name: text.format(line)}, {}) for line in range(count)]
    steps, counted = [], [0]
    with agency.app() as app:
        app.database.write(lambda connection: connection.set_progress_handler(lambda: steps.append(1), 100))
        clock = itertools.count(0, imports.BATCH_SECONDS / 100).__next__
        policy = "skip" if name == "id" else "create"
        importing = imports.Import(app.database, bytes(32), policy, clock=clock, sleep=lambda _: None)
        for _ in importing.write(iter(rows), importing.progress(bytes(32))):
            counted.append(len(steps))
    first, *_, last = (after - before for before, after in itertools.pairwise(counted[:-1]))
    assert last < 1.5 * first


def test_a_complete_import_is_not_repeated_unless_told(agency):
    content = rows(20)
    assert agency.report(content, "--on-duplicate", "create")["created"] == 20
    again = agency.report(content, "--on-duplicate", "create")
    assert (again["created"], "--again" in again["note"], len(agency.clients())) == (20, True, 20)
    agency.report(content, "--on-duplicate", "create", "--again")
    assert len(agency.clients()) == 40


def test_an_import_with_other_valid_rows_does_not_go_on(agency, tmp_path):
    content = f"{HEADER},owner\n" + "A,B,buyer,\n" * 2000 + "C,D,buyer,new@example.com\n"
    arguments = (
        agency.write(content),
        "--user",
        USER,
        "--on-duplicate",
        "create",
        "--skip-bad",
        tmp_path / "r",
    )
    kill_after(agency, 2, *arguments)
    agency.run("key", "create", "--user", "new@example.com")
    ended = agency.run("import", *arguments)
    assert ended.code == 1
    assert "--again" in ended.err


def test_the_server_writes_while_an_import_does(agency):
    arguments = ("--user", USER, "--on-duplicate", "create", "--database", agency.database)
    line = command("import", agency.write(rows(8000)), *arguments, before="print('begins', flush=True)")
    key = agency.run("key", "create", "--user", USER).out.strip()
    with serving(agency.database) as (_, address), subprocess.Popen(line, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        waits = []
        while process.poll() is None:
            began = time.monotonic()
            create(address, key)
            waits.append(time.monotonic() - began)
        assert process.returncode == 0
    assert len(agency.clients()) == 8000 + len(waits)
    assert len(waits) > 3
    assert max(waits) < 3


def create(address, key):
    body = json.dumps({"first_name": "X", "last_name": "Y", "client_type": "buyer"}).encode()
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{address}/v1/clients", body, headers)
    assert urllib.request.urlopen(request, timeout=10).status == 201


def test_each_transaction_is_short(agency, monkeypatch):
    began, lasted = [], []
    write = imports.Import._write_batch

    def timed(*arguments):
        began.append(time.thread_time())
        done = write(*arguments)
        lasted.append(time.thread_time() - began[-1])
        return done

    monkeypatch.setattr(imports.Import, "_write_batch", timed)
    assert agency.load(rows(4000), "--on-duplicate", "create").code == 0
    assert max(lasted) < 0.05


def test_many_rows_are_imported_in_little_memory(agency):
    path = agency.write(rows(MANY))
    line = command(
        "import", path, "--user", USER, "--on-duplicate", "skip", "--quiet", "--database", agency.database
    )
    process = subprocess.Popen(line)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert usage.ru_maxrss < 300 * 1024  # KiB
