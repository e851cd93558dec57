"""Versions after a restore, as programs see them that remember a version and an ETag from before it."""

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


@pytest.fixture
def changed(serve, path, folder):
    """A backup with a client at version 1, of which a program remembers a later version 2."""
    with serve() as api:
        client_id = api.create(notes="in the backup")["id"]
        backup = back_up(path, folder)
        remembered = api.put(client_id, {"notes": "after the backup"}).json["data"]
    return backup, remembered


def test_every_new_version_but_the_first_is_above_the_floor(serve, path, changed):
    """The history compares it with the one before it."""
    backup, remembered = changed
    restore(backup, path)
    with serve() as api:
        other = api.post({"email": "b@example.com", "role": "broker"}, path="/v1/users").json["data"]["id"]
        assert api.create()["version"] == 1
        api.put(remembered["id"], {"notes": "x"})
        api.post({"to": other}, 200, f"/v1/users/{api.user_id()}/handover")
        api.delete(remembered["id"])
        assert api.post({}, 200, f"/v1/clients/{remembered['id']}/restore").json["data"]["version"] == 1004
        versions = api.get(f"/v1/clients/{remembered['id']}/history").json["data"]["versions"]
    assert [(each["version"], each["action"], len(each["changes"])) for each in versions] == [
        (1004, "restored", 0),
        (1003, "deleted", 0),
        (1003, "handed_over", 1),
        (1002, "updated", 1),
        (1, "created", 0),
    ]


@pytest.mark.parametrize(
    "how", ["purged", "missing", "damaged", "damaged keys", "damaged clients", "without users"]
)
def test_the_floor_is_1000_above_the_backup_whatever_is_replaced(serve, path, folder, how):
    with serve() as api:
        client_id = api.create()["id"]
        backup = back_up(path, folder)
        api.put(client_id, {"notes": "x"})
        api.delete(client_id)
        other = api.create()["id"]
    lose(path, how, b'"id":"' + other.encode())
    kept = restore(backup, path).kept
    assert (kept is None) == (how not in ("purged", "damaged clients"))
    assert kept is None or kept.created == (None if how == "damaged clients" else 1)
    with serve() as api:
        assert api.put(client_id, {"notes": "y"}).json["data"]["version"] == 1002


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_great_version_of_the_replaced_database_is_below_the_floor(serve, path, changed, is_deleted):
    """In its clients, or only in their history."""
    backup, remembered = changed
    edit(path, "UPDATE clients SET version = 5000")
    if is_deleted:
        with serve() as api:
            api.delete(remembered["id"])
    restore(backup, path)
    with serve() as api:
        assert api.put(remembered["id"], {"notes": "x"}).json["data"]["version"] == 5001


def test_the_floor_of_a_backup_is_raised_too(serve, path, folder, changed):
    """Made after a restore, which has raised no version yet."""
    restore(changed[0], path)
    again = back_up(path, folder)
    path.unlink()
    restore(again, path)
    with serve() as api:
        assert api.put(changed[1]["id"], {"notes": "x"}).json["data"]["version"] == 2002


def lose(path, how, text=None):
    if how == "purged":
        time.sleep(0.002)  # the deletions must be earlier than the purge
        with acare.create_app(database=path) as app:
            purge(app.database, 0)
    elif how == "damaged":
        path.write_bytes(b"x" * 8192)
    elif how in ("damaged keys", "damaged clients"):
        damage_page(path, text if how == "damaged clients" else b'{"all"')
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
