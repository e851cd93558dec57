"""Clients in a database: every method, the plans of their statements, and what the schema refuses."""

from __future__ import annotations

import itertools
import json
import random
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from acare.auth import Caller, operator_for
from acare.clients import Precondition
from acare.errors import (
    ClientNotFound,
    IdempotencyKeyReused,
    InvalidInput,
    PreconditionFailed,
    StaleVersion,
    VersionConflict,
)
from acare.fields import CLIENT_TYPES, FIELDS, STATUSES, clean_new, clean_update
from acare.store import clients as statements
from acare.store import idempotency, pagination
from acare.store import keys as key_statements
from acare.store.clients import ClientStore
from acare.store.database import Database
from acare.store.keys import KeyStore

JORDAN = {"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}
NOBODY = "00000000-0000-4000-8000-000000000000"
BROKER = operator_for(NOBODY, "broker")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "acare.db")) as database:
        yield database


@pytest.fixture
def store(database: Database) -> ClientStore:
    return ClientStore(database)


@pytest.fixture
def user(database: Database) -> Caller:
    return operator_for(KeyStore(database).create("ana@example.com", {}).user_id)


@pytest.fixture
def other_user(database: Database) -> Caller:
    return operator_for(KeyStore(database).create("ben@example.com", {}).user_id)


@pytest.fixture
def sql(database: Database) -> Callable[..., list[tuple[Any, ...]]]:
    """Runs one statement as a hand would that edits the file."""

    def run(statement: str, *values: object) -> list[tuple[Any, ...]]:
        return database.write(lambda connection: connection.execute(statement, values).fetchall())

    return run


Sql = Callable[..., list[tuple[Any, ...]]]


def new(**fields: object) -> dict[str, Any]:
    return clean_new({**JORDAN, **fields})


def ids(rows: list[str]) -> list[str]:
    return [json.loads(row)["id"] for row in rows]


# --- create


def test_a_new_client_has_the_id_that_was_made_for_it(database: Database, user: Caller) -> None:
    store = ClientStore(database, new_id=lambda: NOBODY)
    assert store.create(user, new()).id == NOBODY


def test_a_new_client_is_at_version_one(store: ClientStore, user: Caller) -> None:
    assert json.loads(store.create(user, new()).json)["version"] == 1


def test_a_new_client_has_the_twenty_fields(store: ClientStore, user: Caller) -> None:
    assert list(json.loads(store.create(user, new()).json)) == [
        "id",
        "user_id",
        *(field.name for field in FIELDS),
        "version",
        "created_at",
        "updated_at",
    ]


def test_a_new_client_has_what_was_sent_and_the_rest_unset(store: ClientStore, user: Caller) -> None:
    record = json.loads(store.create(user, new(phone="(661) 555-0142", budget_min=1)).json)
    del record["id"], record["created_at"], record["updated_at"]
    assert record == {
        **dict.fromkeys(("email", "source", "budget_max", "pre_approval_amount", "notes")),
        **JORDAN,
        "user_id": user.user_id,
        "phone": "(661) 555-0142",
        "status": "active",
        "budget_min": 1,
        "preferred_locations": [],
        "property_preferences": {},
        "pre_approved": False,
        "tags": [],
        "version": 1,
    }


def test_a_new_client_is_created_now(store: ClientStore, user: Caller, sql: Sql) -> None:
    record = json.loads(store.create(user, new()).json)
    ((age,),) = sql("SELECT 86400 * (julianday('now') - julianday(?))", record["created_at"])
    assert 0 <= round(age, 2) < 5
    assert record["updated_at"] == record["created_at"]


def test_a_timestamp_has_milliseconds_and_z(store: ClientStore, user: Caller) -> None:
    created_at = json.loads(store.create(user, new()).json)["created_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created_at)


def test_created_at_does_not_go_back_when_the_clock_does(store: ClientStore, user: Caller, sql: Sql) -> None:
    future = "2999-12-31T23:59:59.999Z"
    store.create(user, new())
    sql("UPDATE clients SET created_at = ?, updated_at = ?", future, future)
    record = json.loads(store.create(user, new()).json)
    assert (record["created_at"], record["updated_at"]) == (future, future)


def test_a_client_of_an_unknown_user_is_refused(store: ClientStore) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        store.create(operator_for(NOBODY), new())


# --- get


def test_a_client_is_got_as_it_was_created(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    assert store.get(BROKER, row.id).json == row.json


def test_a_client_is_got_by_the_user_whose_it_is(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    assert store.get(user, row.id).json == row.json


@pytest.mark.parametrize("client_id", [NOBODY, "", "nonsense", "\ud7ff", "x" * 10_000])
def test_an_unknown_client_is_not_found(store: ClientStore, client_id: str) -> None:
    with pytest.raises(ClientNotFound):
        store.get(BROKER, client_id)


def test_a_client_of_somebody_else_is_not_found(store: ClientStore, user: Caller, other_user: Caller) -> None:
    row = store.create(user, new())
    with pytest.raises(ClientNotFound):
        store.get(other_user, row.id)


# --- update


def test_an_update_changes_what_was_sent_and_keeps_the_rest(store: ClientStore, user: Caller) -> None:
    before = json.loads(store.create(user, new(phone="1", notes="kept")).json)
    after = json.loads(store.update(BROKER, before["id"], {"phone": "2"}).json)
    assert after == {**before, "phone": "2", "version": 2, "updated_at": after["updated_at"]}


def test_an_update_gives_the_record_that_is_got_afterwards(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    assert store.update(BROKER, row.id, {"phone": "2"}) == store.get(BROKER, row.id)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_can_be_updated_alone(store: ClientStore, user: Caller, field: Any) -> None:
    sent: dict[str, Any] = {
        "email": "new@example.com",
        "phone": "555",
        "client_type": "both",
        "status": "closed",
        "budget_min": 1,
        "budget_max": 2.5,
        "preferred_locations": ["Lamont"],
        "property_preferences": {"pool": {"deep": True}},
        "pre_approved": True,
        "pre_approval_amount": 3,
        "tags": ["vip"],
    }
    value = sent.get(field.name, "something else")
    row = store.create(user, new())
    updated = store.update(BROKER, row.id, clean_update({field.name: value})[0])
    assert json.loads(updated.json)[field.name] == value


def test_an_update_counts_the_version_up(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    versions = [store.update(BROKER, row.id, {"phone": "2"}).version for _ in range(3)]
    assert versions == [2, 3, 4]


def test_an_update_with_the_version_of_the_record_is_done(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    assert store.update(BROKER, row.id, {"phone": "2"}, version=1).version == 2


@pytest.mark.parametrize("attempted", [1, 3, 2**63 - 1, 2**63, 10**30])
def test_an_update_with_another_version_is_a_conflict(
    store: ClientStore, user: Caller, attempted: int
) -> None:
    row = store.create(user, new())
    store.update(BROKER, row.id, {"phone": "2"})
    with pytest.raises(VersionConflict) as conflict:
        store.update(BROKER, row.id, {"phone": "3"}, version=attempted)
    assert (conflict.value.current, conflict.value.attempted) == (2, attempted)


def test_of_a_conflict_nothing_is_written(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    current = store.update(BROKER, row.id, {"phone": "2"})
    with pytest.raises(VersionConflict):
        store.update(BROKER, row.id, {"phone": "3"}, version=1)
    assert store.get(BROKER, row.id) == current


@pytest.mark.parametrize("version", [None, 1, 2])
def test_an_unknown_client_cannot_be_updated(store: ClientStore, version: int | None) -> None:
    with pytest.raises(ClientNotFound):
        store.update(BROKER, NOBODY, {"phone": "2"}, version=version)


@pytest.mark.parametrize("version", [None, 1, 2])
def test_a_client_of_somebody_else_cannot_be_updated(
    store: ClientStore, user: Caller, other_user: Caller, version: int | None
) -> None:
    row = store.create(user, new())
    with pytest.raises(ClientNotFound):
        store.update(other_user, row.id, {"phone": "2"}, version=version)
    assert store.get(BROKER, row.id).json == row.json


def test_crossed_budgets_name_the_field_that_was_sent(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new(budget_min=100))
    with pytest.raises(InvalidInput) as invalid:
        store.update(BROKER, row.id, {"budget_max": 99})
    assert [problem.field for problem in invalid.value.problems] == ["budget_max"]


def test_of_budgets_that_cross_nothing_is_written(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new(budget_min=100))
    with pytest.raises(InvalidInput):
        store.update(BROKER, row.id, {"budget_max": 99, "notes": "lost"})
    assert store.get(BROKER, row.id).json == row.json


def test_a_stale_version_is_told_before_budgets_that_cross(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new(budget_min=100))
    store.update(BROKER, row.id, {"phone": "2"})
    with pytest.raises(VersionConflict):
        store.update(BROKER, row.id, {"budget_max": 99}, version=1)


def test_updated_at_does_not_go_back_when_the_clock_does(store: ClientStore, user: Caller, sql: Sql) -> None:
    row, future = store.create(user, new()), "2999-12-31T23:59:59.999Z"
    sql("UPDATE clients SET updated_at = ?", future)
    assert json.loads(store.update(BROKER, row.id, {"phone": "2"}).json)["updated_at"] == future


@pytest.mark.parametrize(("matches", "version"), [([1], None), ([1], 1), ([7, 1, 9], None), (None, 1)])
def test_an_update_whose_conditions_hold_is_done(
    store: ClientStore, user: Caller, matches: list[int] | None, version: int | None
) -> None:
    row = store.create(user, new())
    assert (
        store.update(
            BROKER, row.id, {"phone": "2"}, version=version, precondition=Precondition(matches)
        ).version
        == 2
    )


@pytest.mark.parametrize(
    ("matches", "version", "error", "attempted"),
    [
        ([2], None, PreconditionFailed, 2),
        ([], None, PreconditionFailed, None),
        ([7, 9, 8], None, PreconditionFailed, 9),
        ([2], 1, PreconditionFailed, 2),
        ([1], 2, VersionConflict, 2),
        ([2], 3, PreconditionFailed, 2),
        ([2**63], None, PreconditionFailed, 2**63),
    ],
)
def test_an_update_whose_conditions_do_not_hold_is_refused(
    store: ClientStore,
    user: Caller,
    matches: list[int],
    version: int | None,
    error: type[StaleVersion],
    attempted: int | None,
) -> None:
    row = store.create(user, new())
    with pytest.raises(error) as refused:
        store.update(BROKER, row.id, {"phone": "2"}, version=version, precondition=Precondition(matches))
    assert (refused.value.current, refused.value.attempted) == (1, attempted)
    assert store.get(BROKER, row.id).json == row.json


def test_a_conflict_tells_which_fields_have_changed_since(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new(notes="old", phone="1"))
    store.update(BROKER, row.id, {"phone": "2"})
    now = json.loads(store.update(BROKER, row.id, {"notes": "new", "tags": "[]"}).json)
    with pytest.raises(VersionConflict) as conflict:
        store.update(BROKER, row.id, {"source": "x"}, version=1)
    assert (conflict.value.changed_fields, conflict.value.changed_at) == (
        ["phone", "notes"],
        now["updated_at"],
    )


@pytest.mark.parametrize("version", [3, 2**63])
def test_a_conflict_with_an_unknown_version_has_no_fields(
    store: ClientStore, user: Caller, version: int
) -> None:
    row = store.create(user, new())
    with pytest.raises(VersionConflict) as conflict:
        store.update(BROKER, row.id, {"source": "x"}, version=version)
    assert conflict.value.changed_fields is None


def test_of_many_who_update_with_one_version_one_wins(store: ClientStore, user: Caller) -> None:
    row, start = store.create(user, new()), threading.Barrier(8)
    won: list[int] = []
    lost: list[VersionConflict] = []

    def update(n: int) -> None:
        start.wait(10)
        try:
            won.append(store.update(BROKER, row.id, {"notes": str(n)}, version=1).version)
        except VersionConflict as conflict:
            lost.append(conflict)

    threads = [threading.Thread(target=update, args=(n,), daemon=True) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (won, [conflict.current for conflict in lost]) == ([2], [2] * 7)


class Meddling(Precondition):
    """A precondition that never holds; another write happens whenever it is judged."""

    meddle: Callable[[], object]

    def holds(self, version: int) -> bool:
        self.meddle()
        return False


def test_a_failed_read_describes_the_version_that_it_judged(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    precondition = Meddling(allowed=[7])
    precondition.meddle = lambda: store.update(BROKER, row.id, {"phone": "2"})
    with pytest.raises(PreconditionFailed) as refused:
        store.get(BROKER, row.id, precondition)
    assert (refused.value.current, refused.value.attempted) == (1, 7)


@pytest.mark.parametrize("allowed", [None, [1]])
@pytest.mark.parametrize("excluded", [[1], [3, 1]])
def test_a_write_to_an_excluded_version_is_refused(
    store: ClientStore, user: Caller, allowed: list[int] | None, excluded: list[int]
) -> None:
    row = store.create(user, new())
    precondition = Precondition(allowed, excluded)
    for write in (
        lambda: store.update(BROKER, row.id, {"phone": "2"}, precondition=precondition),
        lambda: store.delete(BROKER, row.id, precondition),
    ):
        with pytest.raises(PreconditionFailed) as refused:
            write()
        assert (refused.value.current, refused.value.attempted) == (1, None)
    assert store.get(BROKER, row.id).json == row.json


def test_a_write_to_a_version_that_is_not_excluded_is_made(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    store.update(BROKER, row.id, {"phone": "2"}, precondition=Precondition(excluded=[2, 3]))
    store.delete(BROKER, row.id, Precondition(excluded=[1]))
    with pytest.raises(ClientNotFound):
        store.get(BROKER, row.id)


# --- delete


def test_a_client_that_was_deleted_is_not_found(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    store.delete(BROKER, row.id)
    with pytest.raises(ClientNotFound):
        store.get(BROKER, row.id)


def test_a_client_that_was_deleted_cannot_be_deleted_again(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    store.delete(user, row.id)
    with pytest.raises(ClientNotFound):
        store.delete(user, row.id)


def test_a_client_that_was_deleted_cannot_be_updated(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    store.delete(BROKER, row.id)
    with pytest.raises(ClientNotFound):
        store.update(BROKER, row.id, {"phone": "2"}, version=1)


def test_deleting_leaves_the_others(store: ClientStore, user: Caller) -> None:
    first, second = store.create(user, new()), store.create(user, new())
    store.delete(BROKER, first.id)
    assert store.page(BROKER, page=1, limit=25) == (1, [second.json])


def test_a_client_of_somebody_else_cannot_be_deleted(
    store: ClientStore, user: Caller, other_user: Caller
) -> None:
    row = store.create(user, new())
    with pytest.raises(ClientNotFound):
        store.delete(other_user, row.id)
    assert store.get(BROKER, row.id).json == row.json


def test_a_client_is_deleted_at_a_version_that_matches(store: ClientStore, user: Caller) -> None:
    row = store.create(user, new())
    store.delete(BROKER, row.id, Precondition([1]))
    with pytest.raises(ClientNotFound):
        store.get(BROKER, row.id)


@pytest.mark.parametrize("matches", [[], [2], [2, 3]])
def test_a_client_is_not_deleted_at_another_version(
    store: ClientStore, user: Caller, matches: list[int]
) -> None:
    row = store.create(user, new())
    with pytest.raises(PreconditionFailed):
        store.delete(BROKER, row.id, Precondition(matches))
    assert store.get(BROKER, row.id).json == row.json


# --- create again


def test_a_creation_that_is_tried_again_makes_nothing_new(store: ClientStore, user: Caller) -> None:
    first, again = (store.create(user, new(), idempotency_key="one") for _ in range(2))
    assert (first.replayed, again) == (False, first._replace(replayed=True))
    assert store.page(BROKER, page=1, limit=25) == (1, [first.json])


def test_a_replayed_creation_returns_the_original_client(store: ClientStore, user: Caller) -> None:
    first = store.create(user, new(), idempotency_key="one")
    store.update(BROKER, first.id, {"phone": "2"})
    assert store.create(user, new(), idempotency_key="one").json == first.json


def test_an_idempotency_key_creates_one_client_only(store: ClientStore, user: Caller) -> None:
    store.create(user, new(), idempotency_key="one")
    with pytest.raises(IdempotencyKeyReused):
        store.create(user, new(phone="2"), idempotency_key="one")


def test_the_retry_keys_of_two_users_are_two(store: ClientStore, user: Caller, other_user: Caller) -> None:
    first, second = (store.create(who, new(), idempotency_key="one") for who in (user, other_user))
    assert (second.replayed, second.id == first.id) == (False, False)


def test_a_retry_key_may_be_used_anew_after_a_day(store: ClientStore, user: Caller, sql: Sql) -> None:
    first = store.create(user, new(), idempotency_key="one")
    sql("UPDATE idempotency_keys SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-24 hours')")
    second = store.create(user, new(phone="2"), idempotency_key="one")
    assert (second.replayed, second.id == first.id) == (False, False)


def test_a_creation_that_fails_leaves_its_retry_key_free(store: ClientStore, user: Caller) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.create(user, {**new(), "client_type": "lender"}, idempotency_key="one")
    assert store.create(user, new(), idempotency_key="one").replayed is False


def test_of_many_who_create_with_one_retry_key_one_does(store: ClientStore, user: Caller) -> None:
    start = threading.Barrier(8)
    made: list[tuple[str, bool]] = []

    def create() -> None:
        start.wait(10)
        created = store.create(user, new(), idempotency_key="one")
        made.append((created.id, created.replayed))

    threads = [threading.Thread(target=create, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (len(made), len({client_id for client_id, _ in made})) == (8, 1)
    assert sorted(replayed for _, replayed in made) == [False] + [True] * 7


# --- page


def test_of_nothing_there_is_an_empty_page(store: ClientStore) -> None:
    assert store.page(BROKER, page=1, limit=25) == (0, [])


def test_the_newest_client_comes_first(store: ClientStore, user: Caller) -> None:
    made = [store.create(user, new()).json for _ in range(3)]
    assert store.page(BROKER, page=1, limit=25).rows == made[::-1]


def test_the_order_is_not_that_of_the_last_update(store: ClientStore, user: Caller) -> None:
    made = [store.create(user, new()).id for _ in range(3)]
    store.update(BROKER, made[0], {"phone": "2"})
    assert ids(store.page(BROKER, page=1, limit=25).rows) == made[::-1]


@pytest.mark.parametrize("page", [2, 3, 10**22])
def test_a_page_past_the_end_has_the_total_and_no_rows(store: ClientStore, user: Caller, page: int) -> None:
    store.create(user, new())
    assert store.page(BROKER, page=page, limit=25) == (1, [])


def test_a_page_shows_a_user_their_own_clients(store: ClientStore, user: Caller, other_user: Caller) -> None:
    mine = store.create(user, new())
    store.create(other_user, new())
    assert store.page(user, page=1, limit=25) == (1, [mine.json])


def test_rows_and_total_are_of_one_snapshot(store: ClientStore, database: Database, user: Caller) -> None:
    made = [store.create(user, new()).json for _ in range(3)]

    def create_before_the_rows(statement: str) -> None:
        if statement.lstrip().startswith("SELECT json"):
            store.create(user, new())

    with database.read() as connection:  # the one that the page will borrow
        connection.set_trace_callback(create_before_the_rows)
    page = store.page(BROKER, page=1, limit=2)
    connection.set_trace_callback(None)
    assert page == (3, made[:0:-1])


class Model:
    """Clients as a plain list, newest last, with the same random changes made to it as to the store."""

    def __init__(self, store: ClientStore, users: list[Caller], seed: int) -> None:
        self.store, self.users, self.chance = store, users, random.Random(seed)
        self.clients: list[dict[str, Any]] = []

    def change(self) -> None:
        kind = self.chance.random()
        client = self.chance.choice(self.clients) if self.clients else None
        if client is None or kind < 0.55:
            fields = {"client_type": self._type(), "status": self._status()}
            row = self.store.create(self.chance.choice(self.users), new(**fields))
            self.clients.append(json.loads(row.json))
        elif kind < 0.8:
            changes = {"client_type": self._type(), "status": self._status()}
            client |= json.loads(self.store.update(BROKER, client["id"], changes).json)
        else:
            self.store.delete(BROKER, client["id"])
            self.clients.remove(client)

    def _type(self) -> str:
        return self.chance.choice(CLIENT_TYPES)

    def _status(self) -> str:
        return self.chance.choice(STATUSES)

    def newest_first(self, user_id: str | None, client_type: str | None, status: str | None) -> list[str]:
        wanted = {"user_id": user_id, "client_type": client_type, "status": status}
        return [
            client["id"]
            for client in reversed(self.clients)
            if all(value in (None, client[name]) for name, value in wanted.items())
        ]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_page_of_every_filter_is_a_slice_of_the_whole(
    store: ClientStore, user: Caller, other_user: Caller, seed: int
) -> None:
    model = Model(store, [user, other_user], seed)
    for _ in range(400):
        model.change()
    for caller, client_type, status in itertools.product(
        (BROKER, user, other_user, operator_for(NOBODY)), (None, *CLIENT_TYPES), (None, *STATUSES)
    ):
        whole = model.newest_first(caller.owner_id, client_type, status)
        for limit in (1 + model.chance.randrange(5), 25, 100):
            for page in range(1, len(whole) // limit + 3):
                found = store.page(caller, page=page, limit=limit, client_type=client_type, status=status)
                skipped = (page - 1) * limit
                assert (found.total, ids(found.rows)) == (len(whole), whole[skipped : skipped + limit])


def test_created_at_never_goes_back_along_the_list(
    store: ClientStore, user: Caller, other_user: Caller, sql: Sql
) -> None:
    model = Model(store, [user, other_user], seed=3)
    newest = "WHERE seq = (SELECT max(seq) FROM clients)"
    for n in range(200):
        model.change()
        if n == 100:  # the clock was an hour ahead, and was set right
            sql(f"UPDATE clients SET updated_at = '2999', created_at = '2999' {newest}")
    created = [json.loads(row)["created_at"] for row in store.page(BROKER, page=1, limit=100).rows]
    assert created == sorted(created, reverse=True)


# --- totals


def test_totals_kept_by_triggers_equal_a_count(
    store: ClientStore, database: Database, user: Caller, other_user: Caller
) -> None:
    chance, users = random.Random(4), [user.user_id, other_user.user_id]
    store.create(user, new())
    copy = (
        "INSERT INTO clients (id, user_id, first_name, last_name, client_type, status, preferred_locations,"
        " property_preferences, pre_approved, tags, version, created_at, updated_at) "
        "SELECT ?, ?, first_name, last_name, ?, ?, '[]', '{}', 0, '[]', 1, created_at, updated_at "
        "FROM clients LIMIT 1"
    )
    some = "WHERE seq % ? = ? AND random() % 2"

    def work(connection: sqlite3.Connection) -> None:
        for n in range(4000):
            kind = chance.random()
            values = chance.choice(users), chance.choice(CLIENT_TYPES), chance.choice(STATUSES)
            spread = chance.randrange(50, 500)
            at = spread, chance.randrange(spread)
            if kind < 0.7:
                connection.execute(copy, (f"{n:036}", *values))
            elif kind < 0.8:
                connection.execute(
                    f"UPDATE clients SET user_id=?, client_type=?, status=? {some}", values + at
                )
            elif kind < 0.9:
                connection.execute(
                    f"UPDATE clients SET status = ?, version = version + 1 {some}", values[2:] + at
                )
            else:
                connection.execute(f"DELETE FROM clients {some} AND seq > 1", at)

    database.write(work)
    kinds = "user_id, client_type, status"
    with database.read() as connection:
        counted = connection.execute(f"SELECT {kinds}, count(*) FROM clients GROUP BY {kinds}").fetchall()
        kept = connection.execute(f"SELECT {kinds}, total FROM client_totals WHERE total > 0").fetchall()
    assert len(counted) == 18
    assert sorted(kept) == sorted(counted)


def test_the_totals_of_a_write_that_fails_are_undone(
    store: ClientStore, database: Database, user: Caller
) -> None:
    row = store.create(user, new())

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM clients")
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        database.write(work)
    assert store.page(BROKER, page=1, limit=25) == (1, [row.json])


# --- JSON

NASTY = [
    'a "quoted" word',
    "O'Brien; DROP TABLE clients;--",
    "back\\slash \\n \\u0041 \\",
    "</script><!-- & -->",
    "Zoë 王 مرحبا 🏡 👩‍👩‍👧 e\u0301",
    "line\u2028and\u2029separators\u00a0\ufeff",
    "%s {0} :name ?1 $1 /* -- */",
    "null",
    "\U0010ffff\uffff\ufffe",
]


@pytest.mark.parametrize("text", [*NASTY, "two\nlines\r\n\tand a tab", " spaces around "])
def test_the_json_of_a_client_has_its_notes_as_they_are(store: ClientStore, user: Caller, text: str) -> None:
    assert json.loads(store.create(user, new(notes=text)).json)["notes"] == text


@pytest.mark.parametrize("text", NASTY)
def test_json_keeps_texts_in_lists_and_objects(store: ClientStore, user: Caller, text: str) -> None:
    sent = {
        "first_name": text,
        "tags": [text, "other"],
        "preferred_locations": [text],
        "property_preferences": {text: [text, {text: None}], "property_types": [text]},
    }
    record = json.loads(store.create(user, new(**sent)).json)
    assert {name: record[name] for name in sent} == sent


@pytest.mark.parametrize("number", [0, 1, 10**12, 999_999_999_999, 0.5, 450_000.55, 0.1, 1e-7])
def test_the_json_of_a_client_has_numbers_as_they_are(
    store: ClientStore, user: Caller, number: int | float
) -> None:
    found = json.loads(store.create(user, new(budget_max=number)).json)["budget_max"]
    assert (found, type(found)) == (number, type(number))


def test_the_json_of_a_client_agrees_with_its_columns(store: ClientStore, user: Caller, sql: Sql) -> None:
    chance = random.Random(5)
    for n in range(60):
        row = store.create(
            user,
            new(
                last_name=chance.choice(NASTY),
                notes="\n".join(chance.choices(NASTY, k=3)),
                tags=chance.sample(NASTY, 3),
                property_preferences={chance.choice(NASTY): chance.choices(NASTY)},
                budget_max=chance.choice((None, n, n + 0.25)),
                pre_approved=chance.random() < 0.5,
            ),
        )
        if n % 2:
            row = store.update(BROKER, row.id, clean_update({"source": chance.choice(NASTY)})[0])
        record = json.loads(row.json)
        columns = ", ".join(record)
        (values,) = sql(f"SELECT {columns} FROM clients WHERE id = ?", row.id)
        stored = dict(zip(record, values, strict=True))
        for name in ("tags", "preferred_locations", "property_preferences"):
            stored[name] = json.loads(stored[name])
        stored["pre_approved"] = bool(stored["pre_approved"])
        assert record == stored


# --- plans


def plan(database: Database, statement: str) -> list[str]:
    """How SQLite would go about it, one step each."""
    names = dict.fromkeys(re.findall(r":(\w+)", statement))
    with database.read() as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", names)]


STATEMENTS = {
    **{
        name: text
        for module in (statements, idempotency)
        for name, text in vars(module).items()
        if isinstance(text, str) and re.match(r"\s*(SELECT|UPDATE|DELETE)\b", text) and "{" not in text
    },
    "AUTHENTICATE": key_statements.AUTHENTICATE,
    "TOUCH": key_statements.TOUCH,
    **{
        f"UPDATE {field.name}": statements.UPDATE.format(assignments=f"{field.name} = :{field.name}")
        for field in FIELDS
    },
    **{f"PAGE {sorted(way)} {order}": text for (way, order), text in pagination.PAGE.items()},
}


def reads_too_much(step: str) -> bool:
    """Whether a step reads a whole table, or sorts. A covering index is read to the page and no further."""
    whole = "SCAN" in step and "COVERING INDEX" not in step and "VIRTUAL TABLE" not in step
    return whole or "TEMP B-TREE" in step


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_no_statement_reads_a_whole_table_or_sorts(database: Database, statement: str) -> None:
    assert [step for step in plan(database, statement) if reads_too_much(step)] == []


def test_the_statements_on_a_requests_way_are_looked_at() -> None:
    assert {"GET", "DELETE", "RECALL"} < STATEMENTS.keys()


@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize("way", list(pagination.TOTAL), ids=lambda way: str(sorted(way)))
def test_a_page_is_found_in_an_index_that_has_all_its_filters(
    database: Database, way: frozenset[str], order: str
) -> None:
    *_, step = plan(database, pagination.PAGE[way, order])
    columns = {"user_id" if name == "owner_id" else name for name in way}
    assert "COVERING INDEX" in step
    assert set(re.findall(r"(\w+)=\?", step)) == columns


@pytest.mark.parametrize("way", list(pagination.TOTAL), ids=lambda way: str(sorted(way)))
def test_a_total_reads_the_few_rows_of_the_totals_alone(database: Database, way: frozenset[str]) -> None:
    (step,) = plan(database, pagination.TOTAL[way])
    assert "client_totals" in step


def test_the_statements_ask_in_every_way_there_is() -> None:
    names = ("owner_id", "client_type", "status")
    ways = {frozenset(way) for n in range(4) for way in itertools.combinations(names, n)}
    assert (set(pagination.TOTAL), set(pagination.PAGE)) == (
        ways,
        set(itertools.product(ways, ("ASC", "DESC"))),
    )


# --- what the schema refuses, whoever writes

REFUSED = [
    ("id", "too-short"),
    ("id", None),
    ("user_id", NOBODY),
    ("user_id", None),
    ("first_name", ""),
    ("first_name", "x" * 101),
    ("first_name", None),
    ("first_name", b"bytes"),
    ("last_name", ""),
    ("last_name", "x" * 101),
    ("last_name", None),
    ("email", "x" * 255),
    ("phone", "1" * 41),
    ("client_type", "lender"),
    ("client_type", "BUYER"),
    ("client_type", None),
    ("status", "gone"),
    ("status", None),
    ("source", "x" * 101),
    ("budget_min", -1),
    ("budget_min", -0.01),
    ("budget_min", 10**12 + 1),
    ("budget_min", "100"),
    ("budget_min", "many"),
    ("budget_min", b"100"),
    ("budget_min", 301),  # above the budget_max of 300
    ("budget_max", -1),
    ("budget_max", 10**12 + 1),
    ("budget_max", float("inf")),
    ("budget_max", "500"),
    ("budget_max", 99),  # below the budget_min of 100
    ("pre_approval_amount", -1),
    ("pre_approval_amount", 10**12 + 1),
    ("pre_approval_amount", "100"),
    ("pre_approved", 2),
    ("pre_approved", None),
    ("pre_approved", "yes"),
    ("preferred_locations", "{}"),
    ("preferred_locations", "[1"),
    ("preferred_locations", None),
    ("property_preferences", "[]"),
    ("property_preferences", "null"),
    ("property_preferences", "{"),
    ("property_preferences", None),
    ("tags", '"vip"'),
    ("tags", ""),
    ("tags", "{}"),
    ("tags", None),
    ("notes", "x" * 10_001),
    ("version", 0),
    ("version", -1),
    ("version", None),
    ("version", "two"),
    ("created_at", None),
    ("updated_at", "1999-12-31T23:59:59.999Z"),  # before it was created
    ("updated_at", None),
]


@pytest.mark.parametrize(("column", "value"), REFUSED)
def test_the_schema_refuses_a_value_that_breaks_a_vital_rule(
    store: ClientStore, user: Caller, sql: Sql, column: str, value: object
) -> None:
    row = store.create(user, new(budget_min=100, budget_max=300))
    with pytest.raises((sqlite3.IntegrityError, sqlite3.OperationalError)) as refused:
        sql(f"UPDATE clients SET {column} = ?", value)
    assert re.search("constraint failed|malformed JSON|cannot store|cannot hold BLOB", str(refused.value))
    assert store.get(BROKER, row.id).json == row.json


def test_the_schema_refuses_an_id_that_is_there(database: Database, user: Caller) -> None:
    store = ClientStore(database, new_id=lambda: NOBODY)
    store.create(user, new())
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        store.create(user, new())


def test_the_schema_refuses_to_delete_a_user_who_has_clients(
    store: ClientStore, user: Caller, sql: Sql
) -> None:
    store.create(user, new())
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        sql("DELETE FROM users WHERE id = ?", user.user_id)


def test_the_schema_refuses_a_json_that_somebody_wrote(store: ClientStore, user: Caller, sql: Sql) -> None:
    store.create(user, new())
    with pytest.raises(sqlite3.OperationalError, match="generated column"):
        sql("UPDATE clients SET json = '{}'")


def test_the_schema_takes_the_longest_that_the_fields_take(store: ClientStore, user: Caller) -> None:
    sent = {
        "first_name": "🏡" * 100,
        "last_name": "é" * 100,
        "email": f"{'x' * 242}@example.com",
        "phone": "1" * 40,
        "source": "王" * 100,
        "budget_min": 10**12,
        "budget_max": 10**12,
        "preferred_locations": ["🏡" * 200] * 50,
        "property_preferences": {"x": "x" * 8184},
        "pre_approval_amount": 10**12,
        "notes": "🏡" * 10_000,
        "tags": ["🏡" * 50] * 50,
    }
    record = json.loads(store.create(user, new(**sent)).json)
    assert {name: record[name] for name in sent} == sent


@pytest.mark.parametrize("client_type", CLIENT_TYPES)
@pytest.mark.parametrize("status", STATUSES)
def test_the_schema_takes_every_type_and_status(
    store: ClientStore, user: Caller, client_type: str, status: str
) -> None:
    record = json.loads(store.create(user, new(client_type=client_type, status=status)).json)
    assert (record["client_type"], record["status"]) == (client_type, status)
