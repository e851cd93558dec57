"""Migrating a file of an older schema: after a verified backup, in one transaction, or not at all."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from subprocess import PIPE, Popen

import pytest
from support import command, old_schema
from support.client import Api
from support.data import JORDAN, UNKNOWN_ID
from support.files import edit, leave_in_log, query
from support.threads import in_threads

import acare
from acare.auth import OPERATOR
from acare.database import connection, file, migrations, schema
from acare.database.database import Database
from acare.errors import DatabaseRefused
from acare.maintenance.backup import verify
from acare.maintenance.verification import verify_file

NOW = schema.SCHEMA_VERSION
VERSIONS = range(schema.OLDEST_VERSION, NOW)


@pytest.fixture(params=VERSIONS)
def old(request):
    """Every older schema."""
    return request.param


@pytest.fixture
def path(tmp_path, old):
    """A database of an older schema."""
    path = tmp_path / "acare.db"
    old_schema.write_to(path, old)
    return path


@pytest.fixture
def answers(old):
    return old_schema.answers(old)


@pytest.fixture
def migrated(path):
    """An app on what was a database of an older schema."""
    with acare.create_app(database=path, rate_limit="off") as app:
        yield app


@pytest.fixture
def extend(tmp_path, monkeypatch):
    """Adds statements at the end of the last migration."""

    def extend_it(text):
        monkeypatch.setattr(migrations, "FOLDER", shutil.copytree(migrations.FOLDER, tmp_path / "scripts"))
        with (migrations.FOLDER / f"{NOW - 1}_to_{NOW}.sql").open("a", encoding="utf-8") as last:
            last.write(f"\n{text}")

    return extend_it


def schema_of(path):
    return dict(query(path, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def version_of(path):
    return query(path, "PRAGMA user_version")[0][0]


def backup_of(path):
    (made,) = path.parent.glob(f"{path.name}.*db")
    return made


# --- from every older schema


def test_a_migrated_file_has_the_current_schema(path, old):
    assert (version_of(path), verify_file(path)) == (old, 8)
    migrations.migrate(path)
    assert (version_of(path), file.check(path), verify_file(path)) == (NOW, NOW, 8)


CALLERS = {old_schema.BROKER, old_schema.ANA, old_schema.ANA_READS, old_schema.BEN}
REFUSED = {old_schema.REVOKED: 401, old_schema.EXPIRED: 401, old_schema.DISABLED: 401}


def test_every_caller_reads_the_clients_of_before(migrated, answers):
    for key in CALLERS:
        assert Api(migrated, key).get("/v1/clients?limit=100").json["data"] == answers["lists"][key[0]]
    for key, status in REFUSED.items():
        Api(migrated, key).get("/v1/clients", status=status)


def test_the_history_of_every_client_is_as_before(migrated, answers):
    for client_id, events in answers["history"].items():
        found = [
            [
                *(event[name] for name in ("at", "action", "version", "by")),
                {change["field"]: [change["from"], change["to"]] for change in event["changes"]},
            ]
            for event in migrated.history.stored(client_id).history
        ]
        assert found == events


@pytest.mark.parametrize("old", [2], indirect=True)
def test_a_change_by_a_user_of_an_embedding_app_is_the_users(path):
    user, client_id = "01a21b92-345a-73de-896f-7cc8532a316b", "01a21b92-34b0-7236-ab5e-d3cf90d69ada"
    host_key = f"'{UNKNOWN_ID}', '{user}', randomblob(32), 'host', '{{}}'"
    edit(path, f"INSERT INTO api_keys (id, user_id, sha256, preview, scopes) VALUES ({host_key})")
    edit(path, f"UPDATE clients SET made_by = '{UNKNOWN_ID}' WHERE id = '{client_id}'")
    migrations.migrate(path)
    assert query(path, f"SELECT made_by FROM clients WHERE id = '{client_id}'") == [(user,)]
    assert query(path, "SELECT * FROM api_keys WHERE preview = 'host'") == []


@pytest.mark.parametrize("old", [2], indirect=True)
def test_the_feed_begins_with_the_clients_in_their_order(path):
    migrations.migrate(path)
    in_order = query(path, "SELECT id, version, user_id FROM clients ORDER BY seq")
    rows = query(path, "SELECT client_id, version, user_id FROM client_changes ORDER BY revision")
    assert (rows, len(rows)) == (in_order, 8)


@pytest.mark.parametrize("old", [3], indirect=True)
def test_a_cursor_of_before_yields_what_has_changed_since(migrated, answers):
    path = f"/v1/changes?after={answers['cursor']}"
    changes = Api(migrated, old_schema.BROKER).get(path).json["data"]["changes"]
    assert [[change["id"], change.get("removedAt")] for change in changes] == answers["changes"]


def test_history_continues_after_a_migration(migrated, answers):
    broker, history = Api(migrated, old_schema.BROKER), migrated.history
    before = answers["history"].items()
    (imported,) = [
        client_id for client_id, events in before if len(events) == 2 and events[0][1] == "imported"
    ]
    deleted, *_ = [client_id for client_id, events in before if events[-1][1] == "deleted"]
    broker.delete(imported)
    for client_id in (imported, deleted):
        history.restore(OPERATOR, client_id)
        broker.get(f"/v1/clients/{client_id}")
    actions = [event["action"] for event in history.stored(imported).history]
    assert actions == ["imported", "updated", "deleted", "restored"]


SENT = {**JORDAN, "first_name": "Zoë", "client_type": "seller"}  # by Ana, with the key "ana-1"


def send(app, key, idempotency_key, body, status=201):
    headers = {"X-API-Key": key, "Idempotency-Key": idempotency_key}
    return Api(app, key).web.post_json("/v1/clients", body, headers=headers, status=status)


def test_idempotency_keys_of_before_still_hold(migrated):
    again = send(migrated, old_schema.ANA, "ana-1", SENT)
    assert again.headers["Idempotent-Replayed"] == "true"
    send(migrated, old_schema.ANA, "ana-1", JORDAN, status=422)
    assert "Idempotent-Replayed" not in send(migrated, old_schema.BEN, "ben-1", JORDAN).headers


def test_what_a_migration_deletes_is_overwritten(path, extend):
    assert b"never used" in path.read_bytes()
    extend("DELETE FROM api_keys WHERE name = 'never used';")
    migrations.migrate(path)
    assert b"never used" not in path.read_bytes()


@pytest.mark.parametrize("version", [1, 0, -1])
@pytest.mark.parametrize("line", [["key", "list", "--database"], ["verify"]], ids=str)
def test_a_file_of_schema_1_or_less_is_refused(path, line, version):
    edit(path, f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    ended = command.run(*line, path)
    assert ended.is_refusal()
    assert f"its schema {version} is too old for this version of acare" in ended.err
    assert (path.read_bytes(), list(path.parent.glob("*schema*"))) == (before, [])


# --- the backup before it


def test_a_verified_backup_is_made_before_a_migration(path, old):
    before = schema_of(path)
    migrations.migrate(path)
    made = backup_of(path)
    assert (verify(made), version_of(made), schema_of(made)) == (8, old, before)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_the_backup_of_a_linked_file_is_next_to_the_file(path, tmp_path):
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    migrations.migrate(link)
    assert backup_of(path).exists()


def test_the_backup_has_what_was_only_in_the_log(path):
    leave_in_log(path, "UPDATE api_keys SET name = 'In the log'")
    migrations.migrate(path)
    for each in (path, backup_of(path)):
        assert set(query(each, "SELECT name FROM api_keys")) == {("In the log",)}


@pytest.mark.parametrize("problem", ["damage", "a full disk"])
def test_without_a_backup_nothing_is_migrated(path, old, monkeypatch, problem):
    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if problem == "damage":
        edit(path, "PRAGMA foreign_keys = OFF; DELETE FROM users")
    else:
        monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(
        DatabaseRefused, match={"damage": "foreign key", "a full disk": "No space left"}[problem]
    ):
        migrations.migrate(path)
    assert (version_of(path), list(path.parent.glob("*schema*"))) == (old, [])


USE = """
import sqlite3, sys
database = sqlite3.connect("acare.db")
database.execute(f"PRAGMA locking_mode = {sys.argv[1]}")
print(database.execute("SELECT count(*) FROM users").fetchall())
input()
"""


@pytest.mark.parametrize("mode", ["NORMAL", "EXCLUSIVE"])
def test_no_file_is_migrated_while_another_process_has_it_open(path, old, monkeypatch, mode):
    """Its statements are for the older schema. Commands that only read work meanwhile, unless it migrates."""
    monkeypatch.setattr(migrations, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    with Popen([sys.executable, "-uc", USE, mode], cwd=path.parent, stdin=PIPE, stdout=PIPE) as process:
        process.stdout.readline()
        with pytest.raises(DatabaseRefused, match=rf"by process {process.pid} \(python.*\): stop that, or"):
            Database(path)
        listed = command.run("user", "list", "--database", path)
        process.communicate(b"\n")
    assert "ana@example.com" in listed.out if mode == "NORMAL" else listed.is_refusal()
    assert (version_of(path), list(path.parent.glob("*schema*"))) == (old, [])


def test_only_one_of_two_migrations_at_once_runs(path, old):
    in_threads(2, lambda n: migrations.migrate(path))
    assert (version_of(path), version_of(backup_of(path))) == (NOW, old)


KILLED = """
import os, sys
from pathlib import Path
from acare.database import migrations, schema
def end(connection):
    connection.execute("PRAGMA cache_size = 1")  # pages are written before the COMMIT, as of a large file
    connection.execute("UPDATE users SET email = email || hex(zeroblob(99999))")
    os._exit(9)
schema.difference = end
migrations.migrate(Path(sys.argv[1]))
"""


def test_a_killed_migration_of_a_copied_backup_is_repeated(path):
    """It is not in WAL mode, so a journal is left."""
    edit(path, "PRAGMA journal_mode = DELETE")
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == 9
    assert path.with_name("acare.db-journal").exists()
    Database(path).close()
    assert (version_of(path), verify_file(path)) == (NOW, 8)


# --- one transaction

FAILING = {
    "after a new table": "CREATE TABLE more (id);\n\nINSERT INTO missing VALUES (1);",
    "after a change of rows": "UPDATE clients SET notes = 'new';\n\nUPDATE clients SET version = 0;",
    "for its syntax": "CREATE INDEX ON;",
    "for rows that refer to deleted ones": "DELETE FROM users;",
    "for a time in another format": "UPDATE users SET created_at = '2026';",
    "for what it leaves": "ALTER TABLE users ADD COLUMN more TEXT;",
}


@pytest.mark.parametrize("script", FAILING.values(), ids=FAILING)
def test_a_failed_migration_leaves_the_file_unchanged(path, extend, script):
    before = path.read_bytes()
    extend(script)
    with pytest.raises(DatabaseRefused, match="failed and was undone"):
        migrations.migrate(path)
    assert (path.read_bytes(), path.with_name("acare.db-wal").exists()) == (before, False)
    assert verify(backup_of(path)) == 8
