"""Random timelines with two restores: a program that remembers every version gets only true answers."""

import random
import shutil
import time

import pytest
from support.backups import back_up
from support.client import Api, full_key

import acare
from acare.fields import FIELD_NAMES
from acare.maintenance.restore import restore
from acare.store.purging import purge

ACTS = 12  # before the first backup, and after each backup and restore


class Program:
    """Uses any version that it has ever read. It fails at an answer that is not true."""

    def __init__(self, rng):
        self.rng, self.remembered, self.statuses = rng, {}, set()

    def read(self, api, client_id):
        """The client, or None. No version of it was ever read with another content."""
        answer = api.get(f"/v1/clients/{client_id}", "*")
        if answer.status_code == 404:
            return None
        client = answer.json["data"]
        assert self.remembered.setdefault((client_id, client["version"]), client) == client
        return client

    def act(self, api, owners):
        (client_id, version), known = self.rng.choice([*self.remembered.items()])
        current, path = self.read(api, client_id), f"/v1/clients/{client_id}"
        fields, owner = {"notes": self.rng.choice("abc")}, {"user_id": self.rng.choice(owners)}
        lock = {"version": version}
        if current is None:
            api.post({}, "*", f"{path}/restore")
        else:
            act = self.rng.choice(
                [
                    lambda: self.ask(api, known, current, 304, "GET", path, If_None_Match=f'"{version}"'),
                    lambda: self.ask(api, known, current, 409, "PUT", path, fields | lock),
                    lambda: self.ask(api, known, current, 412, "PUT", path, fields, If_Match=f'"{version}"'),
                    lambda: self.ask(api, known, current, 409, "POST", f"{path}/owner", owner | lock),
                    lambda: api.put(client_id, fields),
                    lambda: api.delete(client_id),
                ]
            )
            act()
        self.read(api, client_id)

    def ask(self, api, known, current, status, *request, **headers):
        """A request with the version of ``known``; the answer must tell whether that is still current."""
        answer = api.ask(*request, status="*", **headers)
        self.statuses.add(answer.status_code)
        assert (answer.status_code == status) == ((known == current) == (status == 304))
        assert answer.status_code in (200, status)
        if answer.status_code in (409, 412):
            details = answer.json["error"]["details"]
            changed = [name for name in FIELD_NAMES if known[name] != current[name]]
            assert details["currentVersion"] == current["version"]
            assert details["changedFields"] in (changed, None)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A database with four clients, a key, and two owners."""
    path = tmp_path_factory.mktemp("prepared") / "acare.db"
    with acare.create_app(database=path, rate_limit="off") as app:
        key = full_key(app)
        other = app.users.add("b@example.com", "agent").id
        owners = [Api(app, key).user_id(), other]
        ids = [Api(app, key).create()["id"] for _ in range(4)]
    return path, key, owners, ids


@pytest.fixture
def timeline(prepared, path, folder):
    """Lives through two restores of any backup. Before the first one, the old file may be lost."""
    source, key, owners, ids = prepared

    def go_on(program):
        with acare.create_app(database=path, rate_limit="off") as app:
            api = Api(app, key)
            for client_id in ids:
                program.read(api, client_id)
            for _ in range(ACTS):
                program.act(api, owners)
            if program.rng.random() < 0.3:
                time.sleep(0.002)  # what was deleted must be older than the purge
                purge(app.database, 0)

    def live(program):
        shutil.copyfile(source, path)
        go_on(program)
        backups = []
        for restores in range(2):
            backups.append(back_up(path, folder))
            go_on(program)
            if not restores and program.rng.random() < 0.2:
                path.unlink()
            restore(program.rng.choice(backups), path)
            go_on(program)
        return program.statuses

    return live


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_every_answer_to_a_remembered_version_is_true(timeline, first):
    statuses = [timeline(Program(random.Random(seed))) for seed in range(first, first + 10)]
    assert set.union(*statuses) == {200, 304, 409, 412}
