"""Killed at any moment, the server keeps what it has answered and leaves nothing half done.

A real ``acare serve`` takes writes from eight threads until SIGKILL, and is started again on the same file;
then what it finds there is held against what it had answered. ``ACARE_TEST_KILLS`` says how often.
"""

import functools
import http.client
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest
from conftest import JORDAN

import acare
from acare.errors import DatabaseRefused
from acare.fields import clean_new
from acare.store import backup

KILLS = int(os.environ.get("ACARE_TEST_KILLS", "1"))
FEWER_KILLS = (KILLS + 1) // 2  # for what is killed in fewer places
WRITERS = 8
MOST_CLIENTS = 12  # that a writer keeps, so that a check stays quick however many kills there were

ALWAYS_CHECKPOINT = "import acare.store.wal as wal; wal.CHECKPOINT_AFTER = 1"


def command(*arguments, before=""):
    """The command line of a real ``acare`` that first runs the Python in ``before``."""
    code = f"{before}\nimport sys\nfrom acare.cli import main\nsys.exit(main())"
    return [sys.executable, "-c", code, *map(str, arguments)]


@contextmanager
def serving(database, *arguments, before="", prefix=()):
    """A real ``acare serve`` on the file; its process and its address. Killed at the end.

    ``prefix`` is a command line that runs it.
    """
    where = ("--database", database, "--listen", "127.0.0.1:0", "--rate-limit", "off")
    line = [*prefix, *command("serve", *where, *arguments, before=before)]
    path = database.with_name("server.log")
    with (
        path.open("a") as log,
        subprocess.Popen(line, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            address = re.search(r"http://([^/\s]+)", process.stdout.readline().decode())
            assert address, f"it does not start: {path.read_text().splitlines()[-1:]}"
            yield process, address[1]
        finally:
            process.kill()


@contextmanager
def begun(*arguments):
    """A real ``acare`` that is about to run the command: all is imported."""
    line = command(*arguments, before="import acare.cli; print('begins', flush=True)")
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout.readline() == b"begins\n"
            yield process
        finally:
            process.kill()


def make_key(database):
    with acare.create_app(database=database) as app:
        return app.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker").key


# --- the model: what was answered, and so what may be there

GONE = 0  # the version of a client that is not there


def content(name, version):
    """All that a client of this name is at this version: so a row tells by itself whether it is whole."""
    drawn = random.Random(f"{name} {version}")
    return {
        "first_name": name,
        "last_name": f"at version {version}",
        "client_type": drawn.choice(["buyer", "seller", "both"]),
        "status": drawn.choice(["active", "inactive", "closed"]),
        "budget_min": version,
        "tags": [name, str(version)],
        "notes": f"{name} at version {version}\n" * drawn.randrange(1, 200),  # of up to two pages
    }


def is_whole(record, name, version):
    wanted = {**content(name, version), "version": version}
    return {key: record[key] for key in wanted} == wanted


@dataclass
class Known:
    """What is known of one client: its record as last answered, and the versions that it may have now.

    One version, if every write was answered. Two while a write is under way, before or after it.
    """

    record: dict | None = None
    versions: set[int] = field(default_factory=lambda: {GONE})


class Killed(Exception):
    """The server did not answer, or not in full."""


class Writer:
    """Creates, updates and deletes clients of its own, one after another, so that their order is known."""

    def __init__(self, number, key):
        self.number = number
        self.headers = {"X-API-Key": key, "Content-Type": "application/json"}
        self.known = {}  # by name
        self.made = 0
        self.unanswered = None  # the name of a client whose creation was not answered
        self.acknowledged = 0
        self.wrong = []  # answers that should not be
        self.over = threading.Event()  # from here on there may be no answer
        self._random = random.Random(number)

    def write_until_killed(self, address):
        with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
            ask = functools.partial(self.ask, connection)
            try:
                if self.unanswered:
                    self.create(ask, self.unanswered)  # again, and there must not be two
                while not self.wrong:
                    self.write(ask)
            except Killed:
                pass

    def write(self, ask):
        there = [name for name, known in self.known.items() if known.versions != {GONE}]
        kind = self._random.choice(["create", "update", "update", "update", "delete"])
        if not there or (kind == "create" and len(there) < MOST_CLIENTS):
            self.made += 1
            self.create(ask, f"writer-{self.number}-client-{self.made}")
        elif kind == "delete":
            self.delete(ask, self._random.choice(there))
        else:
            self.update(ask, self._random.choice(there))

    def create(self, ask, name):
        before = self.known.get(name)
        known = self.known[name] = Known(versions={GONE, 1})
        self.unanswered = name
        known.record = ask("POST", "/v1/clients", content(name, 1), status=201, retry_key=name)
        self.unanswered = None
        known.versions = {1}
        self.expect(known, name, 1)
        if before and before.record != known.record:
            self.wrong.append(f"{name}: is {before.record}, was answered again as {known.record}")

    def update(self, ask, name):
        known = self.known[name]
        (version,) = known.versions
        known.versions = {version, version + 1}
        changes = {**content(name, version + 1), "version": version}
        known.record = ask("PUT", f"/v1/clients/{known.record['id']}", changes)
        known.versions = {version + 1}
        self.expect(known, name, version + 1)

    def delete(self, ask, name):
        known = self.known[name]
        (version,) = known.versions
        known.versions = {version, GONE}
        ask("DELETE", f"/v1/clients/{known.record['id']}")
        known.versions = {GONE}

    def ask(self, connection, method, path, body=None, status=200, retry_key=None):
        """The data of the answer, which is acknowledged by this. Killed, if it does not come in full."""
        headers = self.headers | ({"Idempotency-Key": retry_key} if retry_key else {})
        try:
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            if not self.over.is_set():
                self.wrong.append(f"{method} {path}: no answer, and the server lives: {error!r}")
            raise Killed from error
        if answer.status != status:
            self.wrong.append(f"{method} {path}: {answer.status} {text}")
            raise Killed
        self.acknowledged += 1
        return json.loads(text)["data"]

    def expect(self, known, name, version):
        if not is_whole(known.record, name, version):
            self.wrong.append(f"{name}: answered {known.record} for version {version}")

    def learn(self, name, record):
        """Take what is there for what is known; one that is gone must not come back."""
        if record is None:
            del self.known[name]
        else:
            self.known[name] = Known(record, {record["version"]})


# --- the check: what is there


@dataclass
class Findings:
    """What was wrong after a kill; ``lost`` are the writes that had been acknowledged."""

    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def check(database, writers):
    """Hold the file against what the writers know, and tell them what became of their last write."""
    findings = Findings(broken=damage(database) + gaps(database))
    found = read_clients(database)
    for writer in writers:
        findings.broken += writer.wrong
        for name, known in list(writer.known.items()):
            record = found.pop(name, None)
            version = record["version"] if record else GONE
            if version not in known.versions:
                findings.lost.append(f"{name}: is at {version} of {known.versions} ({GONE}: not there)")
            elif record and not is_whole(record, name, version):
                findings.broken.append(f"{name}: is not whole: {record}")
            elif record and known.versions == {version} and record != known.record:
                findings.broken.append(f"{name}: is {record}, was answered as {known.record}")
            writer.learn(name, record)
    findings.broken += [f"{name}: is there, but was deleted or never made" for name in found]
    return findings


@contextmanager
def reading(database):
    """A connection to one snapshot of a file that a server has open, which is not in the server's way."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("BEGIN")
        yield connection


def read_clients(database):
    with reading(database) as connection:
        records = [json.loads(text) for (text,) in connection.execute("SELECT json FROM clients")]
    clients = {record["first_name"]: record for record in records}
    assert len(clients) == len(records), "two clients of one name"
    return clients


def damage(database):
    """What SQLite finds wrong in the file, and totals that are not what a count gives."""
    kinds = "user_id, client_type, status"
    with reading(database) as connection:
        integrity = [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
        orphans = [f"orphan: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
        counted = set(connection.execute(f"SELECT {kinds}, count(*) FROM clients GROUP BY {kinds}"))
        kept = set(connection.execute(f"SELECT {kinds}, total FROM client_totals WHERE total <> 0"))
    return integrity + orphans + [f"total: {row}" for row in sorted(counted ^ kept)]


def gaps(database):
    """Clients whose versions do not follow one another from 1, or of which one is not whole."""
    with reading(database) as connection:
        now = {client_id: json.loads(text) for client_id, text in connection.execute(NOW)}
        past = [json.loads(text) for (text,) in connection.execute(PAST)]
        deleted = {client_id for (client_id,) in connection.execute(DELETED)}
    versions = {}
    for record in [*past, *now.values()]:
        versions.setdefault(record["id"], []).append(record["version"])
    broken = [record for record in past if not is_whole(record, record["first_name"], record["version"])]
    return (
        [f"{client_id}: versions {found}" for client_id, found in versions.items() if has_gap(found)]
        + [f"is not whole: {record}" for record in broken]
        + [
            f"{client_id}: is deleted and not, or neither"
            for client_id in versions.keys() ^ now.keys() ^ deleted
        ]
    )


NOW = "SELECT id, json FROM clients"
PAST = "SELECT json FROM client_history ORDER BY version"
DELETED = "SELECT client_id FROM client_history WHERE deleted"


def forget_deleted(database):
    """As ``acare purge`` does, so that a check stays quick."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("DELETE FROM client_history WHERE client_id NOT IN (SELECT id FROM clients)")


def has_gap(versions):
    return versions != list(range(1, len(versions) + 1))


# --- the server


def write_until(address, writers, seconds, end):
    """Let all write at once, and after so many seconds call ``end``, which ends the server."""
    over = threading.Event()
    threads = []
    for writer in writers:
        writer.over = over
        threads.append(threading.Thread(target=writer.write_until_killed, args=(address,)))
        threads[-1].start()
    time.sleep(seconds)
    over.set()
    end()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    "before", ["", ALWAYS_CHECKPOINT], ids=["at any moment", "in the middle of a checkpoint"]
)
def test_a_killed_server_has_lost_nothing_that_it_answered(tmp_path, before):
    database = tmp_path / "served.db"
    key = make_key(database)
    writers = [Writer(number, key) for number in range(WRITERS)]
    moments = random.Random(1)
    kills = 0
    while True:
        with serving(database, before=before) as (process, address):  # it finds its way in what is left
            findings = check(database, writers)
            forget_deleted(database)
            if findings != Findings() or kills == KILLS:
                break
            write_until(address, writers, moments.uniform(0.01, 0.3), process.kill)
            kills += 1
    acknowledged = sum(writer.acknowledged for writer in writers)
    print(f"\n{kills} kills, {acknowledged} writes acknowledged, {len(findings.lost)} lost")
    assert findings == Findings()
    assert acknowledged > kills  # it was not all in vain


def test_a_server_killed_while_it_starts_has_lost_nothing_that_was_answered(tmp_path):
    database = tmp_path / "served.db"
    key = make_key(database)
    writers = [Writer(number, key) for number in range(WRITERS)]
    with serving(database) as (process, address):
        write_until(address, writers, 0.2, process.kill)
    moments = random.Random(2)
    for _ in range(FEWER_KILLS):
        with begun("serve", "--database", database, "--listen", "127.0.0.1:0") as process:
            time.sleep(moments.uniform(0, 0.04))
            process.kill()
    with serving(database):
        assert check(database, writers) == Findings()


def test_a_file_whose_header_is_ahead_of_it_is_opened_with_what_is_in_the_log(tmp_path):
    whole, cut_off = tmp_path / "whole.db", tmp_path / "cut-off.db"
    with acare.create_app(database=whole) as app:
        user_id = app.keys.create("ana@example.com", {}).user_id
        for number in range(20):
            app.clients.create(user_id, clean_new(content(f"client-{number}", 1)))
        for ending in ("", "-wal"):
            shutil.copy(f"{whole}{ending}", f"{cut_off}{ending}")
    with whole.open("rb") as checkpointed, cut_off.open("r+b") as begun:
        begun.write(checkpointed.read(4096))  # the first page, and then came the end
    with acare.create_app(database=cut_off) as app:
        assert app.clients.page(None, page=1, limit=1).total == 20


# --- a backup


MULTIPLY = """
WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 3000)
INSERT INTO clients (
    id, user_id, first_name, last_name, client_type, status, preferred_locations, property_preferences,
    pre_approved, notes, tags, version, created_at, updated_at
)
SELECT
    printf('%036d', n), users.id, 'n' || n, 'Lee', 'buyer', 'active', '[]', '{}',
    0, hex(zeroblob(2000)), '[]', 1, '2026-07-15T14:32:10.000Z', '2026-07-15T14:32:10.000Z'
FROM counter, users
"""


def make_large(database):
    """Fill the file with so many clients that a backup takes a while."""
    with acare.create_app(database=database) as app:
        app.database.write(lambda connection: connection.execute(MULTIPLY))


def everything(database):
    """All clients, as whoever opens the file finds them."""
    with reading(database) as connection:
        return connection.execute("SELECT seq, json FROM clients ORDER BY seq").fetchall()


def is_accepted(path, *, checksum=True):
    try:
        backup.verify(path, checksum=checksum)
    except DatabaseRefused:
        return False
    return True


def assert_only_whole_backups(folder, *contents):
    """What looks like a backup is one; and whatever ``acare verify`` takes has one of these contents."""
    files = list(folder.iterdir()) if folder.exists() else []
    unproven = [file.name for file in files if file.match("[!.]*.db") and not is_accepted(file)]
    accepted = [file for file in files if is_accepted(file, checksum=False)]
    assert unproven == []
    assert [file.name for file in accepted if everything(file) not in contents] == []


def test_a_killed_backup_leaves_nothing_that_is_taken_for_one_and_harms_nobody(tmp_path):
    database, folder = tmp_path / "served.db", tmp_path / "backups"
    key = make_key(database)
    make_large(database)
    moments = random.Random(3)
    killed = 0
    with serving(database) as (_, address), closing(http.client.HTTPConnection(address)) as connection:
        writer = Writer(0, key)
        for number in range(FEWER_KILLS):
            with begun("backup", folder, "--database", database) as process:
                time.sleep(moments.uniform(0, 0.3))
                process.kill()
                killed += process.wait() != 0
            assert_only_whole_backups(folder, everything(database))
            shutil.rmtree(folder, ignore_errors=True)
            writer.create(functools.partial(writer.ask, connection), f"client-{number}")
    assert killed > 0
    assert damage(database) == []
    assert len(everything(database)) == 3000 + FEWER_KILLS


# Run in a process of its own, since it forks. Each child has a folder with a backup and makes another that
# takes its place; the first child dies before the first step that gives or takes a name, the next before the
# second, and so on.
DIE_AT_EACH_STEP = """
import itertools, os, sys, time
from pathlib import Path
from acare.store.backup import back_up

def dying(call, steps, last):
    def step(*arguments, **options):
        if next(steps) == last:
            os._exit(9)
        return call(*arguments, **options)
    return step

for last in itertools.count():
    folder = Path(sys.argv[2], str(last))
    child = os.fork()
    if child == 0:
        back_up(Path(sys.argv[1]), folder)
        time.sleep(0.002)  # so that the next one has another name
        steps = itertools.count()
        for name in ("replace", "unlink"):
            setattr(os, name, dying(getattr(os, name), steps, last))
        back_up(Path(sys.argv[1]), folder, keep=1)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


def add_client(database):
    with acare.create_app(database=database) as app:
        user_id = app.keys.create("ana@example.com", {}).user_id
        app.clients.create(user_id, clean_new(JORDAN))


def test_a_backup_that_dies_while_it_takes_the_place_of_another_leaves_one_of_them(tmp_path):
    database, left = tmp_path / "acare.db", tmp_path / "left"
    add_client(database)
    subprocess.run([sys.executable, "-c", DIE_AT_EACH_STEP, database, left], check=True, timeout=60)
    folders = list(left.iterdir())
    assert len(folders) > 3
    for folder in folders:
        assert_only_whole_backups(folder, everything(database))
        assert list(folder.glob("acare-*Z.db")) != []


def test_a_file_whose_last_transaction_was_cut_off_is_not_accepted(tmp_path):
    database, cut_off = tmp_path / "acare.db", tmp_path / "cut-off.db"
    add_client(database)
    with closing(sqlite3.connect(backup.back_up(database, tmp_path), isolation_level=None)) as connection:
        (path,) = (row[2] for row in connection.execute("PRAGMA database_list"))
        connection.execute("PRAGMA cache_size = 1")  # so that it writes into the file before the commit
        connection.execute("BEGIN")
        connection.execute("UPDATE users SET email = 'not committed'")
        connection.execute("UPDATE clients SET notes = hex(zeroblob(5000))")
        for ending in ("", "-journal"):
            shutil.copy(f"{path}{ending}", f"{cut_off}{ending}")
    assert not is_accepted(cut_off, checksum=False)
