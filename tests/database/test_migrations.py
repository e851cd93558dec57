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
from support.backups import sign
from support.client import Api
from support.data import JORDAN
from support.files import edit, leave_in_log, query
from support.hosted import hosted_fields
from support.threads import in_threads

import acare
from acare.database import connection, file, migrations, schema
from acare.errors import DatabaseRefused
from acare.maintenance.backup import verify
from acare.maintenance.verification import verify_file
from acare.store.search import FUNCTIONS, open_database

NOW = schema.SCHEMA_VERSION

CLIENTS = 11  # of the older file


@pytest.fixture(params=old_schema.VERSIONS, ids=lambda version: f"schema {version}")
def version(request):
    return request.param


@pytest.fixture
def older(tmp_path, version):
    """A database of an older schema."""
    older = tmp_path / "acare.db"
    old_schema.write_to(older, version)
    return older


@pytest.fixture
def answers():
    return old_schema.answers()


@pytest.fixture
def migrated(older):
    """An app on what was a database of an older schema."""
    with acare.create_app(database=older, rate_limit="off") as app:
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


# --- from the older schema


def test_a_migrated_file_has_the_current_schema(older, version):
    assert (version_of(older), verify_file(older)) == (version, CLIENTS)
    migrations.migrate(older, FUNCTIONS)
    assert (version_of(older), file.check(older), verify_file(older)) == (NOW, NOW, CLIENTS)


CALLERS = {old_schema.BROKER, old_schema.ANA, old_schema.ANA_READS, old_schema.BEN}
REFUSED = {old_schema.REVOKED: 401, old_schema.EXPIRED: 401, old_schema.DISABLED: 401}


def read(api, query):
    """A list, with the fields that clients have in every version."""
    listed = api.list(query)
    return {**listed, "clients": [*map(hosted_fields, listed["clients"])]}


def test_every_caller_reads_the_clients_of_before(migrated, answers):
    for key in CALLERS:
        assert read(Api(migrated, key), "?limit=100") == answers["lists"][key[0]]
    for key, status in REFUSED.items():
        Api(migrated, key).get("/v1/clients", status=status)


def test_the_history_of_every_client_is_as_before(migrated, answers):
    broker = Api(migrated, old_schema.BROKER)
    assert read(broker, "?deleted=true&limit=100") == answers["deleted"]
    for client_id, versions in answers["history"].items():
        assert broker.get(f"/v1/clients/{client_id}/history").json["data"]["versions"] == versions


def test_an_index_with_other_words_is_replaced(older):
    """An index made with other words deletes the wrong ones."""
    with acare.create_app(database=older, rate_limit="off") as app:
        broker = Api(app, old_schema.BROKER)
        broker.put(broker.list("?q=oskar")["clients"][0]["id"], {"first_name": "Ole"})
        assert (broker.total("?q=oskar"), broker.total("?q=ole+mueller")) == (0, 1)
    assert verify_file(older) == CLIENTS


def test_a_cursor_of_before_yields_what_has_changed_since(migrated, answers):
    path = f"/v1/changes?after={answers['cursor']}"
    changes = Api(migrated, old_schema.BROKER).get(path).json["data"]["changes"]
    assert [[change["id"], change.get("removedAt")] for change in changes] == answers["changes"]


def test_idempotency_keys_of_before_still_hold(migrated):
    ana, ben = Api(migrated, old_schema.ANA), Api(migrated, old_schema.BEN)
    again = ana.ask("POST", "/v1/clients", old_schema.SENT, 201, Idempotency_Key="ana-4")
    assert again.headers["Idempotent-Replayed"] == "true"
    ana.ask("POST", "/v1/clients", JORDAN, 422, Idempotency_Key="ana-4")
    other = ben.ask("POST", "/v1/clients", JORDAN, 201, Idempotency_Key="ben-1")
    assert "Idempotent-Replayed" not in other.headers


@pytest.mark.parametrize("too_old", [3, 2, -1])
@pytest.mark.parametrize("line", [["key", "list", "--database"], ["verify"]], ids=str)
def test_a_file_of_an_older_schema_is_refused(older, line, too_old):
    edit(older, f"PRAGMA user_version = {too_old}")
    before = older.read_bytes()
    ended = command.run(*line, older)
    assert ended.is_refusal()
    assert f"its schema {too_old} is older than 4: first open or restore it once with" in ended.err
    assert "the commit 3b46be3c" in ended.err
    assert (older.read_bytes(), list(older.parent.glob("*schema*"))) == (before, [])


def test_a_backup_of_an_older_schema_is_refused(older, version, tmp_path):
    old_schema.write_to(backup := tmp_path / "backup.db")
    edit(backup, "PRAGMA user_version = 3")
    sign(backup)
    ended = command.run("restore", backup, "--database", older)
    assert (ended.is_refusal(), "the commit 3b46be3c" in ended.err, version_of(older)) == (
        True,
        True,
        version,
    )


# What 0.3.0 has of a client: its version, and whether a user made it and it has a time of import; the
# version that the last import wrote, and the one that it read; and whether it counts as written by an import.
IMPORTED = {
    "imported": ((3, False, True), (3, 3), True),
    "imported, and raised by a restore": ((9, False, False), (9, 3), True),
    "changed here since": ((4, True, False), (3, 3), False),
    "changed here by the operator": ((4, False, False), (3, 3), False),
    "changed on both sides alike": ((4, True, False), (4, 4), False),
    "created here": ((1, True, False), (None, None), False),
}

AS_BY_0_3_0 = """
DROP TRIGGER clients_new_version;
UPDATE clients
SET version = {}, made_by = iif({}, user_id, NULL), imported_at = iif({}, updated_at, NULL)
WHERE id = '{id}';
DELETE FROM client_sources WHERE client_id = '{id}';
INSERT INTO client_sources (client_id, version, source_version)
SELECT * FROM (VALUES ('{id}', {written}, {read})) WHERE {written} IS NOT NULL
"""


@pytest.mark.parametrize(("here", "remembered", "is_imported"), IMPORTED.values(), ids=IMPORTED)
def test_what_an_import_has_remembered_stays(tmp_path, here, remembered, is_imported):
    old_schema.write_to(path := tmp_path / "acare.db", 5)
    ((client_id,),) = query(path, "SELECT min(id) FROM clients")
    written, read = (each or "NULL" for each in remembered)
    edit(path, AS_BY_0_3_0.format(*here, id=client_id, written=written, read=read))
    migrations.migrate(path, FUNCTIONS)
    found = query(path, "SELECT min(id), source_version, imported_at IS NOT NULL FROM clients")
    assert found == [(client_id, remembered[1], is_imported)]


# --- the backup before it


def test_a_verified_backup_is_made_before_a_migration(older, version):
    before = schema_of(older)
    migrations.migrate(older, FUNCTIONS)
    made = backup_of(older)
    assert (verify(made), version_of(made), schema_of(made)) == (CLIENTS, version, before)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_the_backup_has_what_was_only_in_the_log(older):
    leave_in_log(older, "UPDATE api_keys SET name = 'In the log'")
    migrations.migrate(older, FUNCTIONS)
    for each in (older, backup_of(older)):
        assert set(query(each, "SELECT name FROM api_keys")) == {("In the log",)}


@pytest.mark.parametrize("problem", ["damage", "a full disk"])
def test_without_a_backup_nothing_is_migrated(older, version, monkeypatch, problem):
    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if problem == "damage":
        edit(older, "PRAGMA foreign_keys = OFF; DELETE FROM users")
    else:
        monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(
        DatabaseRefused, match={"damage": "foreign key", "a full disk": "No space left"}[problem]
    ):
        migrations.migrate(older, FUNCTIONS)
    assert (version_of(older), list(older.parent.glob("*schema*"))) == (version, [])


USE = """
import sqlite3, sys
database = sqlite3.connect("acare.db")
database.execute(f"PRAGMA locking_mode = {sys.argv[1]}")
print(database.execute("SELECT count(*) FROM users").fetchall())
input()
"""


@pytest.mark.parametrize("mode", ["NORMAL", "EXCLUSIVE"])
def test_no_file_is_migrated_while_another_process_has_it_open(older, version, monkeypatch, mode):
    """Its statements are for the older schema. Commands that only read work meanwhile, unless it migrates."""
    monkeypatch.setattr(migrations, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    with Popen([sys.executable, "-uc", USE, mode], cwd=older.parent, stdin=PIPE, stdout=PIPE) as process:
        process.stdout.readline()
        with pytest.raises(DatabaseRefused, match=rf"by process {process.pid}: stop it, or"):
            open_database(older)
        listed = command.run("user", "list", "--database", older)
        process.communicate(b"\n")
    assert "ana@example.com" in listed.out if mode == "NORMAL" else listed.is_refusal()
    assert (version_of(older), list(older.parent.glob("*schema*"))) == (version, [])


def test_only_one_of_two_migrations_at_once_runs(older, version):
    in_threads(2, lambda n: migrations.migrate(older, FUNCTIONS))
    assert (version_of(older), version_of(backup_of(older))) == (NOW, version)


KILLED = """
import os, sys
from pathlib import Path
from acare.database import migrations, schema
from acare.store.search import FUNCTIONS
def end(connection):
    connection.execute("PRAGMA cache_size = 1")  # pages are written before the COMMIT, as of a large file
    connection.execute("UPDATE users SET email = email || hex(zeroblob(99999))")
    os._exit(9)
schema.difference = end
migrations.migrate(Path(sys.argv[1]), FUNCTIONS)
"""


def test_a_killed_migration_of_a_copied_backup_is_repeated(older):
    """It is not in WAL mode, so a journal is left."""
    edit(older, "PRAGMA journal_mode = DELETE")
    assert subprocess.run([sys.executable, "-c", KILLED, older], check=False).returncode == 9
    assert older.with_name("acare.db-journal").exists()
    open_database(older).close()
    assert (version_of(older), verify_file(older)) == (NOW, CLIENTS)


# --- one transaction

FAILING = {
    "after a new table": "CREATE TABLE more (id);\n\nINSERT INTO missing VALUES (1);",
    "after a change of rows": "UPDATE clients SET notes = 'new';\n\nUPDATE clients SET version = 0;",
    "for rows that refer to deleted ones": "DELETE FROM users;",
    "for what it leaves": "ALTER TABLE users ADD COLUMN more TEXT;",
}


@pytest.mark.parametrize("script", FAILING.values(), ids=FAILING)
def test_a_failed_migration_leaves_the_file_unchanged(older, extend, script):
    before = older.read_bytes()
    extend(script)
    with pytest.raises(DatabaseRefused, match="failed and was undone"):
        migrations.migrate(older, FUNCTIONS)
    assert (older.read_bytes(), older.with_name("acare.db-wal").exists()) == (before, False)
    assert verify(backup_of(older)) == CLIENTS
