"""Optimistic locking, under load: nobody's change is lost, nobody wins twice."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from acare.auth import Caller, operator_for
from acare.errors import VersionConflict
from acare.fields import clean_new
from acare.store.clients import ClientStore
from acare.store.database import Database
from acare.store.keys import KeyStore

JORDAN = {"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}
ROUNDS = 200
THREADS = 16


class Connection:
    """A caller over HTTP, on one connection that stays open."""

    def __init__(self, url: str, key: str) -> None:
        self._http = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        self._http.request(method, path, json.dumps(body), self._headers)
        answer = self._http.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self._http.close()


class Race:
    """Sixteen callers who all update one client with the version that it has, round after round."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        with closing(Connection(url, key)) as connection:
            _, created = connection.ask("POST", "/v1/clients", JORDAN)
        self._path = f"/v1/clients/{created['data']['id']}"
        self._barrier = threading.Barrier(THREADS)
        self.answers: list[list[tuple[int, Any]]] = [[] for _ in range(ROUNDS)]

    def run(self) -> None:
        threads = [threading.Thread(target=self._race, args=(n,), daemon=True) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    def _race(self, number: int) -> None:
        with closing(Connection(self._url, self._key)) as connection:
            for round_number, answers in enumerate(self.answers):
                self._barrier.wait(10)
                body = {"notes": f"{number} in {round_number}", "version": round_number + 1}
                answers.append(connection.ask("PUT", self._path, body))

    def record(self) -> dict[str, Any]:
        with closing(Connection(self._url, self._key)) as connection:
            return connection.ask("GET", self._path)[1]["data"]


@pytest.fixture
def race(start: Callable[..., Any]) -> Race:
    server = start("--rate-limit", "off")
    race = Race(server.url, server.key)
    race.run()
    return race


def test_of_sixteen_who_update_one_version_one_wins_in_every_round(race: Race) -> None:
    statuses = [Counter(status for status, _ in answers) for answers in race.answers]
    assert statuses == [{200: 1, 409: THREADS - 1}] * ROUNDS
    for number, answers in enumerate(race.answers, start=1):
        told = [body["error"] for status, body in answers if status == 409]
        assert {error["code"] for error in told} == {"VERSION_CONFLICT"}
        assert {error["details"]["currentVersion"] for error in told} == {number + 1}
        assert {error["details"]["attemptedVersion"] for error in told} == {number}
    won = [body["data"] for status, body in race.answers[-1] if status == 200]
    assert won == [race.record()]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ClientStore]:
    with closing(Database(tmp_path / "acare.db")) as database:
        yield ClientStore(database)


@pytest.fixture
def user(store: ClientStore) -> Caller:
    return operator_for(KeyStore(store._database).create("ana@example.com", {}).user_id)


def in_threads(number: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def test_every_update_without_a_version_counts(store: ClientStore, user: Caller) -> None:
    client_id = store.create(user, clean_new(JORDAN)).id
    versions: list[int] = []

    def update(thread: int) -> None:
        for n in range(100):
            versions.append(store.update(user, client_id, {"notes": f"{thread} {n}"}).version)

    in_threads(8, update)
    assert sorted(versions) == list(range(2, 802))
    assert store.get(user, client_id).version == 801


def test_whoever_reads_changes_and_tries_again_loses_nothing(store: ClientStore, user: Caller) -> None:
    client_id = store.create(user, clean_new({**JORDAN, "budget_min": 0})).id

    def add_one(thread: int) -> None:
        done = 0
        while done < 25:
            row = store.get(user, client_id)
            try:
                budget = json.loads(row.json)["budget_min"] + 1
                store.update(user, client_id, {"budget_min": budget}, version=row.version)
            except VersionConflict:
                continue
            done += 1

    in_threads(8, add_one)
    assert json.loads(store.get(user, client_id).json)["budget_min"] == 200
