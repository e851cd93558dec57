"""What a restore keeps of the database that it replaces: users, keys, erasures, owner and mode."""

import os
import sqlite3
import stat
from contextlib import closing

import pytest
from support import old_schema
from support.backups import OWNER, back_up
from support.client import Api, full_key
from support.data import ALL_SCOPES
from support.files import query
from support.keys import new_key

import acare
from acare.auth import OPERATOR
from acare.errors import DatabaseRefused
from acare.maintenance import restore as module
from acare.maintenance.restore import restore
from acare.store.deleted import DeletedClients
from acare.store.search import open_database


@pytest.fixture
def since(path, tmp_path):
    """A backup, after which a key was revoked and two clients erased; and a valid key."""
    with acare.create_app(database=path, rate_limit="off") as app:
        good, bad = (
            new_key(app.keys, f"{name}@example.com", ALL_SCOPES, role="broker") for name in ("ana", "bob")
        )
        api = Api(app, good.key)
        erased = [api.create(first_name="Zaphodina")["id"] for _ in range(2)]
        api.put(erased[0], {"tags": ["vip"]})
        api.create()
        backup = back_up(path, tmp_path / "backups")
        app.keys.revoke(OPERATOR, bad.id)
        for client_id in erased:
            DeletedClients(app.database).erase(client_id)
    return backup, good.key


def people(app):
    """All that is stored about users and keys, apart from the number of clients."""
    users = [{**user, "clients": None} for user in app.users.list(OPERATOR)]
    return users, app.keys.list(OPERATOR)


def test_users_and_keys_are_not_restored(path, since):
    """Two users have exchanged their addresses, as a server of an embedding app can do."""
    with acare.create_app(database=path) as app:
        for user, email in (("ana", "old"), ("bob", "ana"), ("old", "bob")):
            app.users.change(f"{user}@example.com", email=f"{email}@example.com")
        new_key(app.keys, "carl@example.com", ALL_SCOPES, role="broker")
        app.users.change("ana@example.com", role="agent", disabled=True)
        before = people(app)
    restore(since[0], path)
    with acare.create_app(database=path) as app:
        assert people(app) == before


def test_users_that_only_the_backup_has_are_disabled_owners(path, since):
    """The address of one of them is now another user's."""
    path.unlink()
    with acare.create_app(database=path) as app:
        key = new_key(app.keys, "Ana@example.com", ALL_SCOPES, role="broker").key
    restore(since[0], path)
    with acare.create_app(database=path, rate_limit="off") as app:
        client, *_ = Api(app, key).get("/v1/clients").json["data"]["clients"]
        users = {user["email"]: user["disabled_at"] is None for user in app.users.list(OPERATOR)}
        assert app.keys.list(OPERATOR).total == 1
    others = {"bob@example.com": False, f"restored-{client['user_id']}-ana@example.com": False}
    assert users == {"Ana@example.com": True, **others}


def test_a_restore_says_what_came_back_and_what_did_not(run, path, tmp_path):
    with acare.create_app(database=path) as app:
        api = Api(app, full_key(app))
        changed, handed_over, deleted, erased, _ = [api.create()["id"] for _ in range(5)]
        agent = app.users.add("ana@example.com", "agent")
        backup = back_up(path, tmp_path / "backups")
        api.put(changed, {"notes": "x"})
        api.post({"user_id": agent.id}, 200, f"/v1/clients/{handed_over}/owner")
        api.delete(deleted)
        DeletedClients(app.database).erase(erased)
        api.create()
    *lines, renamed, where = run("restore", backup).out.splitlines()
    assert lines == [
        f"Restored {path} from {backup}: 4 clients.",
        "Users and keys are as before the restore: 2 users, 1 key.",
        "Clients changed since the backup, which are as in the backup again: 2.",
        "Clients deleted since the backup, which are back: 1.",
        "Clients created since the backup, which are only in the old database: 1.",
        "Clients that were erased again: 1.",
    ]
    assert renamed.startswith("The old database was renamed to ")
    assert where == "To see its clients, use 'acare find' or 'acare history' with --database and this name."


def test_nothing_of_the_erased_clients_is_in_the_restored_file(path, since):
    restore(since[0], path)
    assert b"Zaphodina" not in path.read_bytes()


def test_an_erasure_is_kept_in_a_backup_of_an_older_schema(path, tmp_path):
    old_schema.write_to(path)
    backup = back_up(path, tmp_path / "backups")
    ((client_id,),) = query(path, "SELECT id FROM clients LIMIT 1")
    with closing(open_database(path)) as database:
        DeletedClients(database).erase(client_id)
    restore(backup, path)
    assert (client_id,) in query(path, "SELECT client_id FROM erasures")
    assert (client_id,) not in query(path, "SELECT id FROM clients")


def test_a_database_of_an_older_schema_is_replaced(path, since):
    path.unlink()
    old_schema.write_to(path)
    ((clients,),) = query(path, "SELECT count(*) FROM clients")
    assert restore(since[0], path).kept.created == clients


def test_no_other_process_can_write_during_a_restore(path, since, monkeypatch):
    """It could revoke a key that the restored database would accept again."""

    def write_and_update(*arguments):
        with closing(sqlite3.connect(path, timeout=0)) as other, pytest.raises(sqlite3.OperationalError):
            other.execute("DELETE FROM users")
        return update(*arguments)

    update = module._update
    monkeypatch.setattr(module, "_update", write_and_update)
    restore(since[0], path)


# --- owner, group, mode


@pytest.mark.parametrize("replaced", [True, False], ids=["file", "folder"])
def test_owner_and_group_are_those_of_the_file_or_its_folder(path, since, replaced):
    if not replaced:
        path.unlink()
    os.chown(path if replaced else path.parent, *OWNER)
    restore(since[0], path)
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (*OWNER, 0o600)


def test_a_file_whose_owner_cannot_be_kept_is_not_replaced(path, since, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError

    before = path.stat().st_ino
    monkeypatch.setattr(module, "copy_owner", refuse)
    with pytest.raises(DatabaseRefused, match="its owner and group cannot be kept; it belongs to "):
        restore(since[0], path)
    assert path.stat().st_ino == before
