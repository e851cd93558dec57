"""Migrating a file of an older schema: after a verified backup, in one transaction, or not at all."""

import errno
import json
import logging
import os
import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, nullcontext
from functools import partial

import pytest
from support import schema_1
from support.client import Api
from support.data import JORDAN
from support.files import edit, query
from support.terminal import on_terminal

import acare
from acare.cli import main
from acare.database import file, migrations, schema
from acare.database.migrations import MIGRATIONS
from acare.errors import DatabaseRefused
from acare.maintenance import backup
from acare.maintenance.backup import verify
from acare.maintenance.restore import restore
from acare.store.history import HistoryStore

NOW = schema.SCHEMA_VERSION
OLD = 1
ROWS = "SELECT json, made_by FROM clients ORDER BY seq"


@pytest.fixture
def path(tmp_path):
    """A database of schema 1."""
    path = tmp_path / "acare.db"
    schema_1.write_to(path)
    return path


@pytest.fixture
def migrated(path):
    """An app on what was a database of schema 1."""
    with acare.create_app(database=path, rate_limit="off") as app:
        yield app


def schema_of(path):
    return dict(query(path, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def tokens_of(path):
    return {name: schema.tokens(sql) for name, sql in schema_of(path).items()}


def version_of(path):
    return query(path, "PRAGMA user_version")[0][0]


def backup_of(path):
    (made,) = path.parent.glob(f"{path.name}.*db")
    return made


def adding(*statements):
    """The migrations, and these statements at the end of the one from schema 1."""
    return {**MIGRATIONS, OLD: "\n".join([MIGRATIONS[OLD], *statements])}


# --- from schema 1


def test_the_fixture_is_of_schema_1(path):
    names = schema_of(path)
    assert (version_of(path), file.check(path), verify(path, checksum=False)) == (1, 1, 7)
    assert {"retries", "retries_by_client", "clients_keep_updated"} <= names.keys()


def test_a_migrated_file_has_the_schema_of_a_new_one(path, tmp_path):
    with acare.create_app(database=tmp_path / "new.db"), acare.create_app(database=path):
        pass
    assert (version_of(path), file.check(path), verify(path, checksum=False)) == (NOW, NOW, 7)
    assert tokens_of(path) == tokens_of(tmp_path / "new.db")


CALLERS = {schema_1.BROKER: 7, schema_1.ANA: 2, schema_1.ANA_READS: 2, schema_1.BEN: 4}
REFUSED = {schema_1.REVOKED: 401, schema_1.EXPIRED: 401, schema_1.NO_SCOPE: 403}


def test_every_caller_reads_the_clients_of_before(migrated):
    for key, number in CALLERS.items():
        listed = Api(migrated, key).get("/v1/clients?limit=100").json["data"]
        assert listed == schema_1.answers()["lists"][key[0]]
        assert len(listed["clients"]) == number
    for key, status in REFUSED.items():
        Api(migrated, key).get("/v1/clients", status=status)


def test_keys_are_listed_as_before(migrated):
    listed = [{name: key[name] for name in key if name != "user_id"} for key in migrated.keys.list()]
    assert listed == schema_1.answers()["keys"]


def test_the_history_of_every_client_is_as_before(migrated):
    history = HistoryStore(migrated.database)
    for client_id, events in schema_1.answers()["history"].items():
        found = [
            [event.at, event.action, event.version, event.key, event.user, event.changes]
            for event in history.events(client_id)
        ]
        assert json.loads(json.dumps(found)) == events


def test_clients_are_placed_by_their_time_of_creation(path):
    deleted = "(SELECT json ->> '$.created_at' FROM client_history WHERE deleted)"
    edit(path, f"UPDATE clients SET created_at = {deleted}, updated_at = '2027' WHERE seq BETWEEN 2 AND 5")
    places = "SELECT id, seq FROM clients UNION SELECT client_id, seq FROM client_history ORDER BY seq"
    before = query(path, places)
    migrations.migrate(path)
    after = query(path, places)
    first, common, *last = (1795619403000 + late for late in (132, 145, 154, 162, 187))
    assert [client_id for client_id, _ in after] == [client_id for client_id, _ in before]
    assert [seq / 10_000 for _, seq in after] == [
        first,
        *(common + late / 10_000 for late in range(4)),
        *last,
    ]


def test_history_continues_after_a_migration(migrated):
    ana, history = Api(migrated, schema_1.ANA), HistoryStore(migrated.database)
    client = ana.get("/v1/clients").json["data"]["clients"][-1]
    stale = ana.put(client["id"], {"notes": "x", "version": 1}, status=409).json["error"]
    assert stale["details"]["currentVersion"] == 3
    ana.put(client["id"], {"notes": "new"})
    ana.delete(client["id"])
    assert [event.action for event in history.events(client["id"])][-2:] == ["updated", "deleted"]
    before = schema_1.answers()["history"].items()
    (deleted,) = [client_id for client_id, events in before if events[-1][1] == "deleted"]
    history.undelete(deleted)
    assert Api(migrated, schema_1.BEN).get(f"/v1/clients/{deleted}").json["data"]["first_name"] == "Dana"


SENT = {**JORDAN, "first_name": "Zoë", "client_type": "seller"}  # by Ana, with the key "ana-1"


def send(app, key, idempotency_key, body, status=201):
    headers = {"X-API-Key": key, "Idempotency-Key": idempotency_key}
    return Api(app, key).web.post_json("/v1/clients", body, headers=headers, status=status)


def test_idempotency_keys_of_before_still_hold(migrated):
    again = send(migrated, schema_1.ANA, "ana-1", SENT)
    kept = {client["id"] for client in schema_1.answers()["lists"]["2"]["clients"]}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.json["data"]["id"] in kept, again.json["data"]["version"]) == (True, 1)
    send(migrated, schema_1.ANA, "ana-1", JORDAN, status=422)
    expired, used = (send(migrated, schema_1.BEN, "ben-1", JORDAN).headers for _ in range(2))
    assert ("Idempotent-Replayed" in expired, "Idempotent-Replayed" in used) == (False, True)


OF_AN_OPERATOR = """
CREATE VIEW emails AS SELECT email FROM clients ORDER BY id;
CREATE INDEX source ON clients (source);
CREATE TABLE seen (keys);
CREATE TRIGGER see AFTER UPDATE OF email ON clients
BEGIN
    INSERT INTO seen SELECT count(*) FROM retries;
END;
"""


def test_what_an_operator_has_added_outlives_a_migration(path):
    edit(path, OF_AN_OPERATOR)
    emails, keys = query(path, "SELECT * FROM emails"), query(path, "SELECT count(*) FROM retries")
    migrations.migrate(path)
    assert query(path, "SELECT * FROM emails") == emails
    assert schema_of(path)["source"] == "CREATE INDEX source ON clients (source)"
    edit(path, "UPDATE clients SET email = 'new@example.com' WHERE seq = (SELECT max(seq) FROM clients)")
    assert query(path, "SELECT keys FROM seen") == keys


def test_a_migration_is_logged_with_its_backup(path, caplog):
    with caplog.at_level(logging.INFO, "acare.database"):
        migrations.migrate(path)
    assert caplog.messages == [
        f"migrating {path} from schema 1 to {NOW}, after a backup",
        f"migrated {path} from schema 1 to {NOW}; the backup is {backup_of(path)}",
    ]


def test_on_a_terminal_a_command_shows_that_it_migrates(path, tmp_path):
    with on_terminal(tmp_path, "key", "list") as terminal:
        terminal.wait_for(
            r"acare: migrating acare\.db .*\s+acare: migrated acare\.db .*acare\.db\.schema-1\.db"
        )


class Insecure(sqlite3.Connection):
    """As of an SQLite that does not overwrite deleted content by default; Debian's does."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.execute("PRAGMA secure_delete = OFF").fetchall()


def test_what_a_migration_deletes_is_overwritten(path, monkeypatch):
    assert b"never used" in path.read_bytes()
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Insecure))
    migrations.migrate(path, adding("DELETE FROM api_keys WHERE name = 'never used';"))
    assert b"never used" not in path.read_bytes()


def test_a_file_of_this_schema_is_left_as_it_is(path, tmp_path):
    migrations.migrate(path)
    backup_of(path).unlink()
    before = path.read_bytes()
    migrations.migrate(path, {OLD: "DROP TABLE clients;"})
    assert (path.read_bytes(), list(tmp_path.glob("*schema*.db"))) == (before, [])


# --- the backup before it


def test_a_verified_backup_is_made_before_a_migration(path):
    before = schema_of(path)
    migrations.migrate(path)
    made = backup_of(path)
    assert (verify(made), version_of(made), schema_of(made)) == (7, OLD, before)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_the_backup_can_be_restored_and_migrated_again(path):
    before = query(path, ROWS)
    migrations.migrate(path)
    edit(path, "DELETE FROM clients")
    restore(backup_of(path), path)
    migrations.migrate(path)
    assert query(path, ROWS) == before


def test_the_backup_has_what_was_only_in_the_log(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as killed:
        killed.execute("UPDATE clients SET first_name = 'In the log'")
        left = {each: path.with_name(each).read_bytes() for each in ("acare.db", "acare.db-wal")}
    for name, content in left.items():
        path.with_name(name).write_bytes(content)
    migrations.migrate(path)
    for each in (path, backup_of(path)):
        assert set(query(each, "SELECT first_name FROM clients")) == {("In the log",)}


@pytest.mark.parametrize("problem", ["damage", "a full disk"])
def test_without_a_backup_nothing_is_migrated(path, monkeypatch, problem):
    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if problem == "damage":
        edit(path, "UPDATE client_totals SET total = 7")
    else:
        monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(DatabaseRefused, match={"damage": "total", "a full disk": "No space left"}[problem]):
        migrations.migrate(path)
    assert (version_of(path), list(path.parent.glob("*schema*"))) == (OLD, [])


def test_the_backup_stays_while_another_has_the_file_open(path):
    """The new version is then only in the log, and the file itself still has the older one."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT * FROM clients").fetchall()
        for _ in range(2):
            migrations.migrate(path)
    assert (version_of(path), version_of(backup_of(path))) == (NOW, OLD)


@pytest.mark.parametrize("when", ["before the backup", "after the backup"])
def test_of_two_migrations_at_once_one_is_made(path, monkeypatch, when):
    step = adding("UPDATE clients SET last_name = last_name || '!';")
    copy_verified = migrations.copy_verified

    def be_overtaken(*arguments, **options):
        monkeypatch.setattr(migrations, "copy_verified", copy_verified)
        if when == "after the backup":
            copy_verified(*arguments, **options)
        migrations.migrate(path, step)
        if when == "before the backup":
            copy_verified(*arguments, **options)

    monkeypatch.setattr(migrations, "copy_verified", be_overtaken)
    # The backup of the second one may not be of the older schema any more; that is refused.
    with pytest.raises(DatabaseRefused) if when == "before the backup" else nullcontext():
        migrations.migrate(path, step)
    assert (version_of(path), version_of(backup_of(path))) == (NOW, OLD)
    assert set(query(path, "SELECT last_name FROM clients")) == {("Lee!",)}


# --- one transaction

FAILING = {
    "at once": "CREATE INDEX clients_by_seq ON clients (seq);",
    "after a new table": "CREATE TABLE more (id);\nINSERT INTO missing VALUES (1);",
    "after a change of rows": "UPDATE clients SET notes = 'new';\nUPDATE clients SET version = 0;",
    "after a removed table": "DROP TABLE client_totals;\nSELECT * FROM client_totals;",
    "for its syntax": f"{MIGRATIONS[OLD]}\nCREATE INDEX ON;",
    "for what it leaves": f"{MIGRATIONS[OLD]}\nDROP INDEX clients_by_type;",
    "for doing nothing": "SELECT 1;",
}


@pytest.mark.parametrize("step", FAILING.values(), ids=FAILING)
def test_a_failed_migration_leaves_the_file_unchanged(path, step):
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused):
        migrations.migrate(path, {OLD: step})
    assert (path.read_bytes(), path.with_name("acare.db-wal").exists()) == (before, False)
    assert verify(backup_of(path)) == 7
    migrations.migrate(path)
    assert version_of(path) == NOW


def test_other_connections_never_see_half_a_migration(path, monkeypatch):
    """A migration that reads, through another connection, what other connections see of it."""
    seen = []

    class Watched(sqlite3.Connection):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.create_function("look", 0, lambda: seen.append((version_of(path), schema_of(path))))

    before = version_of(path), schema_of(path)
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
        migrations.migrate(path, adding("SELECT look();", "CREATE TABLE more (id);"))
    assert seen == [before]
    assert "more" in schema_of(path)


@pytest.mark.parametrize(
    ("script", "difference"),
    [
        ("DROP INDEX client_history_by_end", "the index client_history_by_end is missing"),
        ("ALTER TABLE clients ADD COLUMN more TEXT", "the table clients has the unknown column more"),
    ],
)
def test_a_file_with_another_schema_1_is_refused_unchanged(path, script, difference):
    edit(path, script)
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused, match=difference):
        acare.create_app(database=path)
    assert path.read_bytes() == before


@pytest.fixture
def far(monkeypatch):
    """An acare that is two schemas ahead."""
    monkeypatch.setattr(schema, "SCHEMA_VERSION", NOW + 2)
    return {
        **MIGRATIONS,
        NOW: "CREATE TABLE first (id INTEGER PRIMARY KEY);",
        NOW + 1: "INSERT INTO first VALUES (1);\nALTER TABLE first RENAME TO second;",
    }


def test_several_migrations_run_in_their_order(path, far):
    migrations.migrate(path, dict(reversed(far.items())))
    assert (version_of(path), query(path, "SELECT id FROM second")) == (NOW + 2, [(1,)])


def test_several_migrations_are_made_together_or_not_at_all(path, far):
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused):
        migrations.migrate(path, {**far, NOW + 1: "INSERT INTO missing VALUES (1);"})
    assert path.read_bytes() == before


@pytest.mark.parametrize("missing", [OLD, NOW, NOW + 1])
def test_a_missing_migration_is_reported_before_any_change(path, far, missing):
    del far[missing]
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused, match=f"schema {OLD} "):
        migrations.migrate(path, far)
    assert (path.read_bytes(), list(path.parent.glob("*schema*"))) == (before, [])


# --- killed at any moment

# Run in another process, since it forks. Each child migrates a copy of the file and is killed: before
# the first statement, before the second, and so on; or by the kernel, when the log or the file grows beyond a
# limit that is higher with each child, so that the commit is cut at many places.
KILLED = """
import os, resource, shutil, signal, sqlite3, sys
from pathlib import Path
from acare.database import migrations

template, where, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
step = 0

class Killed(sqlite3.Connection):
    left = 0

    def execute(self, *arguments):
        Killed.left -= 1
        if Killed.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(*arguments)

def limit(script, statements=migrations._statements):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (step * 9000, -1))
    yield from statements(script)

while True:
    path = where / str(step) / "acare.db"
    path.parent.mkdir()
    shutil.copy(template, path)
    child = os.fork()
    if child == 0:
        if how == "statement":
            Killed.left, connect = step, sqlite3.connect
            sqlite3.connect = lambda *arguments, **options: connect(*arguments, factory=Killed, **options)
        else:
            migrations._statements = limit
        migrations.migrate(path)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    step += 1
"""


@pytest.mark.parametrize("how", ["statement", "write"])
def test_a_killed_migration_leaves_the_old_or_the_new_file(path, tmp_path, how):
    steps = tmp_path / "steps"
    steps.mkdir()
    subprocess.run([sys.executable, "-c", KILLED, path, steps, how], check=True, timeout=120)
    old, rows = tokens_of(path), query(path, ROWS)
    migrations.migrate(path)
    new, versions = tokens_of(path), []
    for step in sorted(steps.iterdir(), key=lambda step: int(step.name)):
        file.check(step / "acare.db")
        versions.append(version_of(step / "acare.db"))
        assert tokens_of(step / "acare.db") == {OLD: old, NOW: new}[versions[-1]]
        migrations.migrate(step / "acare.db")
        assert (tokens_of(step / "acare.db"), query(step / "acare.db", ROWS)) == (new, rows)
        assert verify(step / "acare.db.schema-1.db") == 7
    assert (versions[0], versions[-1], versions == sorted(versions)) == (OLD, NOW, True)
    assert len(versions) > 10


# --- how a migration may be written

TRIGGER = """
-- Of every client: its name before the change; with a semicolon.
CREATE TABLE names_before (name TEXT);
CREATE TRIGGER keep_name AFTER UPDATE OF first_name ON clients
BEGIN
    INSERT INTO names_before VALUES (OLD.first_name);
    INSERT INTO names_before VALUES (';');
END;
"""
SCRIPTS = {
    "in one line": "CREATE TABLE first (id); CREATE TABLE last (id);",
    "over several lines": "CREATE TABLE first (\n    id\n);\nCREATE TABLE\n    last (id);",
    "without a semicolon at its end": "CREATE TABLE first (id);\nCREATE TABLE last (id)",
    "with comments": "-- The first; of two\nCREATE TABLE first (id);\nCREATE TABLE last (id); -- it\n-- End",
    "with a trigger": f"CREATE TABLE first (id);\n{TRIGGER}\nCREATE TABLE last (id);\n",
    "with a semicolon in a text": "CREATE TABLE first (id DEFAULT 'a;\nb');\nCREATE TABLE last (id);",
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_migration_can_contain_triggers_and_comments(path, script):
    migrations.migrate(path, adding(script))
    assert {"first", "last"} <= schema_of(path).keys()


# --- on the command line


@pytest.mark.parametrize("problem", ["too old", "a failure"])
def test_a_failed_migration_is_reported_in_one_line(path, capsys, monkeypatch, problem):
    if problem == "too old":
        edit(path, "PRAGMA user_version = 0")
    else:
        monkeypatch.setitem(migrations.MIGRATIONS, OLD, FAILING["at once"])
    before = path.read_bytes()
    code = main(["key", "list", "--database", str(path)])
    assert (code, path.read_bytes()) == (1, before)
    printed = capsys.readouterr()
    assert re.fullmatch(r"acare: \S*acare\.db: .*schema \d .*\n", printed.out + printed.err)


def test_an_older_file_can_be_backed_up_and_verified(path, tmp_path, capsys):
    made = backup.back_up(path, tmp_path / "backups")
    assert main(["verify", str(made)]) == 0
    assert capsys.readouterr().out == (
        f"{made}: OK, 7 clients; schema 1, which is migrated to {NOW} when the file is opened\n"
    )
