"""Versions after a restore, as programs see them that remember a version and an ETag from before it."""

import random
import time
from contextlib import contextmanager

import pytest
from support.backups import back_up
from support.client import Api, full_key
from support.files import edit

import acare
from acare.maintenance.restore import restore
from acare.store.purging import purge


@pytest.fixture
def key(path):
    with acare.create_app(database=path) as app:
        return full_key(app)


@pytest.fixture
def serve(path, key):
    @contextmanager
    def serve():
        with acare.create_app(database=path, rate_limit="off") as app:
            yield Api(app, key)

    return serve


def read(api, client_id):
    return api.get(f"/v1/clients/{client_id}").json["data"]


def newest_event(api, client_id):
    return api.get(f"/v1/clients/{client_id}/history").json["data"]["versions"][0]


@pytest.fixture
def changed(serve, path, folder):
    """A backup with a client at version 1, of which a program remembers a later version 2."""
    with serve() as api:
        client_id = api.create(notes="in the backup")["id"]
        backup = back_up(path, folder)
        remembered = api.put(client_id, {"notes": "after the backup"}).json["data"]
    return backup, remembered


def test_a_remembered_version_overwrites_nothing(serve, path, changed):
    backup, remembered = changed
    restore(backup, path)
    with serve() as api:
        current = api.put(remembered["id"], {"notes": "somebody's"}).json["data"]
        conflict = api.put(remembered["id"], {"notes": "mine", "version": 2}, 409).json["error"]["details"]
        assert conflict["currentVersion"] == current["version"] == 4
        assert read(api, remembered["id"])["notes"] == "somebody's"


def test_an_untouched_client_keeps_its_version(serve, path, folder):
    """Also a deleted one, for its restore."""

    def versions():
        return api.get(f"/v1/clients/{deleted}/history").json["data"]["versions"]

    with serve() as api:
        client_id, deleted = (api.create()["id"] for _ in range(2))
        api.delete(deleted)
        before = api.put(client_id, {"notes": "x"}).json["data"], versions()
        backup = back_up(path, folder)
    restore(backup, path)
    with serve() as api:
        assert (read(api, client_id), versions()) == before


def test_the_history_shows_a_rise_as_restored_by_the_operator(serve, path, changed):
    backup, remembered = changed
    restore(backup, path)
    with serve() as api:
        client = read(api, remembered["id"])
        rise = {"version": 3, "at": client["updated_at"], "by": None, "action": "restored", "changes": []}
        versions = api.get(f"/v1/clients/{client['id']}/history").json["data"]["versions"]
        assert (client["version"], versions) == (3, [rise])
        api.put(client["id"], {"notes": "x", "version": 3})
        versions = api.get(f"/v1/clients/{client['id']}/history").json["data"]["versions"]
        assert versions[1:] == [rise]
        assert (versions[0]["action"], versions[0]["changes"][0]["from"]) == ("updated", "in the backup")


@pytest.mark.parametrize("how", ["purged", "missing", "damaged", "damaged keys", "without users"])
def test_what_the_replaced_database_does_not_know_rises_by_1000(serve, path, folder, how):
    with serve() as api:
        ids = [api.create()["id"] for _ in range(2)]
        api.delete(ids[1])
        backup = back_up(path, folder)
        api.delete(ids[0])
    lose(path, how)
    restore(backup, path)
    with serve() as api:
        assert read(api, ids[0])["version"] == 1001
        assert newest_event(api, ids[0])["action"] == "restored"
        assert api.post({}, 200, f"/v1/clients/{ids[1]}/restore").json["data"]["version"] == 1001


def lose(path, how):
    if how == "purged":
        time.sleep(0.002)  # the deletions must be earlier than the purge
        with acare.create_app(database=path) as app:
            purge(app.database, 0)
    elif how == "damaged":
        path.write_bytes(b"x" * 8192)
    elif how == "damaged keys":
        damage_page(path, b'{"all"')
    else:
        path.unlink()
        if how == "without users":
            acare.create_app(database=path).close()


def damage_page(path, text):
    """Overwrite the page of the file that has this text; its other pages can be read."""
    edit(path, "PRAGMA journal_mode = DELETE")
    content = path.read_bytes()
    page = content.index(text) // 4096 * 4096
    path.write_bytes(content[:page] + b"\xff" * 4096 + content[page + 4096 :])


def test_clients_that_cannot_be_read_rise_by_1000(serve, path, folder):
    """Users and keys are before them in the file, and can be read."""
    with serve() as api:
        client_id = api.create()["id"]
        backup = back_up(path, folder)
    damage_page(path, b'"id":"' + client_id.encode())
    assert restore(backup, path).kept is not None
    with serve() as api:
        assert read(api, client_id)["version"] == 1001


def test_the_history_shows_deleted_clients_that_rise_as_restored(serve, path, folder):
    """Twice: the second backup is of the restored database."""

    def rise():
        backup = back_up(path, folder)
        with serve() as api:
            api.post({}, 200, f"/v1/clients/{client_id}/restore")
            api.delete(client_id)
        restore(backup, path)
        with serve() as api:
            versions = api.get(f"/v1/clients/{client_id}/history").json["data"]["versions"]
        return [(each["version"], each["action"], each["by"], each["changes"]) for each in versions]

    with serve() as api:
        client_id = api.create()["id"]
        api.delete(client_id)
        me = api.get("/v1/users/me").json["data"]["email"]
    assert rise() == [(2, "deleted", me, []), (2, "restored", None, [])]
    assert rise() == [(3, "deleted", me, []), (3, "restored", None, [])]


def test_no_version_has_two_contents_whatever_is_restored(serve, path, folder):
    """A program that remembers each version of each client never reads it with another content."""
    rng, remembered, backups = random.Random(40), {}, []

    def act(api, client_id, user_ids):
        action = rng.choice(["update", "update", "hand over", "delete", "restore"])
        if action == "delete":
            api.delete(client_id, "*")
        elif action == "restore":
            api.post({}, "*", f"/v1/clients/{client_id}/restore")
        else:
            value = {"notes": rng.choice("abc")} if action == "update" else {"user_id": rng.choice(user_ids)}
            path = f"/v1/clients/{client_id}" + ("" if action == "update" else "/owner")
            api.ask("PUT" if action == "update" else "POST", path, value, status="*")
        if (answer := api.get(f"/v1/clients/{client_id}", "*")).status_code == 200:
            client = answer.json["data"]
            assert remembered.setdefault((client_id, client["version"]), client) == client

    with serve() as api:
        ids = [api.create()["id"] for _ in range(5)]
        user_ids = [
            api.user_id(),
            api.post({"email": "b@example.com", "role": "agent"}, path="/v1/users").json["data"]["id"],
        ]
    for _ in range(10):
        backups.append(back_up(path, folder))
        with serve() as api:
            for _ in range(15):
                act(api, rng.choice(ids), user_ids)
        if rng.random() < 0.7:
            restore(rng.choice(backups), path)
    assert len(remembered) > 50
