"""What a restore keeps of the database that it replaces: revocations, erasures, owner and mode."""

import os
import sqlite3
import stat
from contextlib import closing

import pytest
from support import old_schema
from support.backups import fill, names, sign
from support.client import Api
from support.files import edit
from support.keys import new_key

import acare
from acare.auth import OPERATOR
from acare.cli import main
from acare.database.database import Database
from acare.errors import DatabaseRefused
from acare.maintenance import restore as module
from acare.maintenance.backup import back_up
from acare.maintenance.erasures import ErasureStore
from acare.maintenance.restore import restore

ALL = {"all": ["read", "write"]}


@pytest.fixture
def since(path, tmp_path):
    """A backup, after which a key was revoked and two clients erased; a valid key, that key and a client."""
    with acare.create_app(database=path, rate_limit="off") as app:
        good, bad = (new_key(app.keys, f"{name}@example.com", ALL, role="broker") for name in ("ana", "bob"))
        api = Api(app, good.key)
        client, other = (api.create(first_name="Zaphodina") for _ in range(2))
        api.create()
        backup = back_up(path, tmp_path / "backups")
        app.keys.revoke(OPERATOR, bad.id)
        for each in (client, other):
            ErasureStore(app.database).erase(each["id"])
    return backup, good.key, bad.key, client["id"]


def state(path, since):
    """The status of requests with the good key, the bad key, and for the erased client."""
    _, good, bad, client_id = since
    with acare.create_app(database=path, rate_limit="off") as app:
        statuses = []
        for key, query in ((good, "/v1/clients"), (bad, "/v1/clients"), (good, f"/v1/clients/{client_id}")):
            answer = Api(app, key).web.get(query, headers={"X-API-Key": key}, expect_errors=True)
            statuses.append(answer.status_int)
        return statuses


def test_revoked_keys_stay_revoked_and_erased_clients_erased(path, since):
    restore(since[0], path)
    assert state(path, since) == [200, 401, 404]


def test_disabled_users_stay_disabled(path, since):
    with acare.create_app(database=path) as app:
        app.users.change("ana@example.com", disabled=True)
    restore(since[0], path)
    assert state(path, since)[0] == 401


def test_nothing_of_the_erased_clients_is_in_the_restored_file(path, since):
    restore(since[0], path)
    assert b"Zaphodina" not in path.read_bytes()


def test_restoring_over_an_unreadable_database_warns(path, since, capsys):
    path.write_bytes(b"x" * 8192)
    assert main(["restore", str(since[0]), "--database", str(path)]) == 0
    assert "could not be read" in capsys.readouterr().err


def test_an_erasure_is_kept_in_a_backup_of_an_older_schema(path, tmp_path):
    old_schema.write_to(path)
    backup = back_up(path, tmp_path / "backups")
    with closing(Database(path)) as database, database.read() as connection:
        ((client_id,),) = connection.execute("SELECT id FROM clients LIMIT 1").fetchall()
    with closing(Database(path)) as database:
        ErasureStore(database).erase(client_id)
    restore(backup, path)
    with closing(Database(path)) as database, database.read() as connection:
        assert connection.execute("SELECT id FROM clients WHERE id = ?", (client_id,)).fetchall() == []
        assert (client_id,) in connection.execute("SELECT client_id FROM erasures").fetchall()


def test_a_backup_that_cannot_be_migrated_is_refused(path, tmp_path):
    backup = tmp_path / "old.db"
    old_schema.write_to(backup)
    edit(backup, "CREATE TRIGGER other AFTER DELETE ON users BEGIN SELECT 1; END")
    sign(backup)
    fill(path, "Jordan")
    with pytest.raises(DatabaseRefused, match=r"old\.db: .*the trigger other"):
        restore(backup, path)
    assert names(path) == ["Jordan"]


def test_no_other_process_can_write_during_a_restore(path, since, monkeypatch):
    """It could revoke a key that the restored database would accept again."""

    def write_and_apply(*arguments):
        with closing(sqlite3.connect(path, timeout=0)) as other, pytest.raises(sqlite3.OperationalError):
            other.execute("DELETE FROM users")
        return apply(*arguments)

    apply = module._apply
    monkeypatch.setattr(module, "_apply", write_and_apply)
    restore(since[0], path)
    assert state(path, since)[1] == 401


# --- owner, group, mode


def owned(path):
    status = path.stat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


# Only root can give a file to another user.
USER, GROUP = (12345, 23456) if os.geteuid() == 0 else (os.getuid(), os.getgid())


def test_owner_and_group_are_those_of_the_replaced_file(path, since):
    os.chown(path, USER, GROUP)
    restore(since[0], path)
    assert owned(path) == (USER, GROUP, 0o600)


def test_without_a_file_owner_and_group_are_those_of_the_folder(path, since):
    path.unlink()
    os.chown(path.parent, USER, GROUP)
    restore(since[0], path)
    assert owned(path) == (USER, GROUP, 0o600)


def test_a_file_whose_owner_cannot_be_kept_is_not_replaced(path, since, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError

    before = path.stat().st_ino
    monkeypatch.setattr(module, "copy_owner", refuse)
    with pytest.raises(DatabaseRefused, match=r"belongs to .*; run the command as that user or as root"):
        restore(since[0], path)
    assert path.stat().st_ino == before
