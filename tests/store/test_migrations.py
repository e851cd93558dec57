"""Bringing a file of an older schema to this one: after a backup, in one transaction, or not at all.

The older schema is made up: this one without an index.
"""

import errno
import os
import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, suppress

import pytest
from support.client import Api
from support.data import JORDAN

import acare
from acare.auth import operator_for
from acare.cli import main
from acare.errors import DatabaseRefused
from acare.fields import clean_new
from acare.store import backup, file, migrations
from acare.store.backup import verify
from acare.store.restore import restore

NOW = file.SCHEMA_VERSION
OLD = NOW - 1
MISSING = "clients_by_status"
STEP = f"CREATE INDEX {MISSING} ON clients (status);"


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """The bytes of a database of the older schema with a client in it."""
    path = tmp_path_factory.mktemp("older") / "acare.db"
    with acare.create_app(database=path, rate_limit="off") as app:
        user = app.keys.create("ana@example.com", {"all": ["read", "write"]}).user_id
        app.clients.create(operator_for(user), clean_new(JORDAN))
    edit(path, f"DROP INDEX {MISSING}; PRAGMA user_version = {OLD}")
    return path.read_bytes()


@pytest.fixture
def path(tmp_path, older):
    path = tmp_path / "acare.db"
    path.write_bytes(older)
    return path


def edit(path, script):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(script)


def ask(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def schema_of(path):
    return dict(ask(path, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def version_of(path):
    return ask(path, "PRAGMA user_version")[0][0]


def backup_of(path):
    (made,) = path.parent.glob(f"{path.name}.*db")
    return made


def test_an_older_file_becomes_one_of_this_schema(path, tmp_path):
    with acare.create_app(database=tmp_path / "new.db"):
        pass
    migrations.migrate(path, {OLD: STEP})
    assert version_of(path) == NOW
    assert schema_of(path).keys() == schema_of(tmp_path / "new.db").keys()


def test_an_upgrade_keeps_every_client(path):
    before = ask(path, "SELECT * FROM clients")
    migrations.migrate(path, {OLD: STEP})
    assert ask(path, "SELECT * FROM clients") == before


def test_an_older_file_is_upgraded_when_it_is_opened(path, monkeypatch):
    monkeypatch.setitem(migrations.MIGRATIONS, OLD, STEP)
    with acare.create_app(database=path, rate_limit="off") as app:
        broker = Api(app, app.keys.create("broker@example.com", {"all": ["read"]}, role="broker").key)
        assert broker.get("/v1/clients?status=active").json["data"]["meta"]["total"] == 1
    assert version_of(path) == NOW


def test_a_file_of_this_schema_is_left_as_it_is(path, tmp_path):
    migrations.migrate(path, {OLD: STEP})
    backup_of(path).unlink()
    before = path.read_bytes()
    migrations.migrate(path, {OLD: "DROP TABLE clients;"})
    assert (path.read_bytes(), list(tmp_path.glob("*schema*.db"))) == (before, [])


# --- the backup before it


def test_before_an_upgrade_a_backup_is_made_that_verifies(path):
    migrations.migrate(path, {OLD: STEP})
    assert verify(backup_of(path)) == 1


def test_the_backup_is_of_the_older_schema(path):
    before = schema_of(path)
    migrations.migrate(path, {OLD: STEP})
    assert (version_of(backup_of(path)), schema_of(backup_of(path))) == (OLD, before)


def test_the_backup_can_be_read_by_its_owner_alone(path):
    migrations.migrate(path, {OLD: STEP})
    assert stat.S_IMODE(backup_of(path).stat().st_mode) == 0o600


def test_the_backup_can_be_restored_and_upgraded_again(path):
    before = ask(path, "SELECT * FROM clients")
    migrations.migrate(path, {OLD: STEP})
    edit(path, "DELETE FROM clients")
    restore(backup_of(path), path)
    migrations.migrate(path, {OLD: STEP})
    assert ask(path, "SELECT * FROM clients") == before


def test_the_backup_has_what_a_killed_server_left_in_the_log(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as killed:
        killed.execute("UPDATE clients SET first_name = 'In the log'")
        left = {each: path.with_name(each).read_bytes() for each in ("acare.db", "acare.db-wal")}
    for name, content in left.items():
        path.with_name(name).write_bytes(content)
    migrations.migrate(path, {OLD: STEP})
    for each in (path, backup_of(path)):
        assert ask(each, "SELECT first_name FROM clients") == [("In the log",)]


def test_a_database_that_is_damaged_is_not_upgraded(path):
    edit(path, "UPDATE client_totals SET total = 7")
    with pytest.raises(DatabaseRefused):
        migrations.migrate(path, {OLD: STEP})
    assert (version_of(path), list(path.parent.glob("*schema*"))) == (OLD, [])


def test_without_room_for_the_backup_there_is_no_upgrade(path, monkeypatch):
    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(DatabaseRefused, match="No space left"):
        migrations.migrate(path, {OLD: STEP})
    assert (version_of(path), list(path.parent.glob("*schema*"))) == (OLD, [])


def test_the_backup_of_the_older_schema_stays_while_somebody_has_the_file_open(path):
    """The new version then stands in the log alone, so that the file itself still tells the older one."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT * FROM clients").fetchall()
        for _ in range(2):
            migrations.migrate(path, {OLD: STEP})
    assert (version_of(path), version_of(backup_of(path))) == (NOW, OLD)


@pytest.mark.parametrize("when", ["before the backup", "after the backup"])
def test_of_two_who_upgrade_at_once_one_does(path, monkeypatch, when):
    step = {OLD: "UPDATE clients SET last_name = last_name || '!';"}
    copy_verified = migrations.copy_verified

    def be_overtaken(*arguments, **options):
        monkeypatch.setattr(migrations, "copy_verified", copy_verified)
        if when == "after the backup":
            copy_verified(*arguments, **options)
        migrations.migrate(path, step)
        if when == "before the backup":
            copy_verified(*arguments, **options)

    monkeypatch.setattr(migrations, "copy_verified", be_overtaken)
    with suppress(DatabaseRefused):  # the one who comes too late may say so
        migrations.migrate(path, step)
    assert (version_of(path), version_of(backup_of(path))) == (NOW, OLD)
    assert ask(path, "SELECT last_name FROM clients") == [("Lee!",)]


# --- one transaction

FAILING = {
    "at once": "CREATE INDEX clients_by_seq ON clients (seq);",
    "after a new table": "CREATE TABLE more (id);\nINSERT INTO nowhere VALUES (1);",
    "after a change of rows": f"UPDATE clients SET notes = 'new';\n{STEP}\nUPDATE clients SET version = 0;",
    "after a removed table": "DROP TABLE client_totals;\nSELECT * FROM client_totals;",
    "for its syntax": f"{STEP}\nCREATE INDEX ON;",
}


@pytest.mark.parametrize("step", FAILING.values(), ids=FAILING)
def test_a_step_that_fails_leaves_the_file_as_it_was(path, step):
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused):
        migrations.migrate(path, {OLD: step})
    assert path.read_bytes() == before
    assert not path.with_name("acare.db-wal").exists()


def test_a_step_that_fails_leaves_the_verified_backup(path):
    with pytest.raises(DatabaseRefused):
        migrations.migrate(path, {OLD: FAILING["at once"]})
    assert verify(backup_of(path)) == 1


def test_after_a_step_that_failed_the_upgrade_can_be_tried_again(path):
    with pytest.raises(DatabaseRefused):
        migrations.migrate(path, {OLD: FAILING["for its syntax"]})
    migrations.migrate(path, {OLD: STEP})
    assert (version_of(path), MISSING in schema_of(path)) == (NOW, True)


def test_nobody_sees_half_an_upgrade(path):
    """A step that reads, through another connection, what everybody else sees of it."""
    seen = []

    class Steps(dict):
        def __getitem__(self, version):
            return f"{STEP}\nSELECT look();\nCREATE TABLE more (id);"

    real = sqlite3.connect

    def connect(*arguments, **options):
        connection = real(*arguments, **options)
        connection.create_function("look", 0, lambda: seen.append((version_of(path), len(schema_of(path)))))
        return connection

    before = version_of(path), len(schema_of(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations.sqlite3, "connect", connect)
        migrations.migrate(path, Steps({OLD: ""}))
    assert seen == [before]
    assert len(schema_of(path)) == before[1] + 2


@pytest.fixture
def far(monkeypatch):
    """An acare that is two schemas ahead."""
    monkeypatch.setattr(file, "SCHEMA_VERSION", NOW + 2)
    return {
        OLD: STEP,
        NOW: "CREATE TABLE first (id INTEGER PRIMARY KEY);",
        NOW + 1: "INSERT INTO first VALUES (1);\nALTER TABLE first RENAME TO second;",
    }


def test_several_steps_are_done_in_their_order(path, far):
    migrations.migrate(path, dict(reversed(far.items())))
    assert (version_of(path), ask(path, "SELECT id FROM second")) == (NOW + 2, [(1,)])


def test_of_several_steps_none_is_done_if_the_last_fails(path, far):
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused):
        migrations.migrate(path, {**far, NOW + 1: "INSERT INTO nowhere VALUES (1);"})
    assert path.read_bytes() == before


@pytest.mark.parametrize("missing", [OLD, NOW, NOW + 1])
def test_a_step_that_is_missing_is_told_before_anything_is_done(path, far, missing):
    del far[missing]
    before = path.read_bytes()
    with pytest.raises(DatabaseRefused, match=f"schema {OLD} "):
        migrations.migrate(path, far)
    assert (path.read_bytes(), list(path.parent.glob("*schema*"))) == (before, [])


# --- how a step may be written

TRIGGER = """
-- Of every client: what was its name before; and not one more.
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
def test_a_step_is_any_script(path, script):
    migrations.migrate(path, {OLD: script})
    assert {"first", "last"} <= schema_of(path).keys()


# --- on the command line


@pytest.mark.parametrize("command", ["serve --listen 127.0.0.1:0", "key list"])
def test_a_file_that_is_too_old_is_refused_in_one_line(path, command):
    before = path.read_bytes()
    whole = [sys.executable, "-m", "acare", *command.split(), "--database", path]
    done = subprocess.run(whole, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, path.read_bytes()) == (1, "", before)
    assert re.fullmatch(rf"acare: \S*acare\.db: .*schema {OLD} .*\n", done.stderr)


def test_an_upgrade_that_fails_is_told_in_one_line(path, capsys, monkeypatch):
    monkeypatch.setitem(migrations.MIGRATIONS, OLD, FAILING["at once"])
    code = main(["key", "list", "--database", str(path)])
    assert (code, version_of(path)) == (1, OLD)
    assert re.fullmatch(r"acare: \S*acare\.db: .+\n", capsys.readouterr().err)


def test_an_older_file_can_be_backed_up_and_verified(path, tmp_path):
    assert verify(backup.back_up(path, tmp_path / "backups")) == 1
