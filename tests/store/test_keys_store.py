"""Users and API keys in a database."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from acare.errors import StoreUnavailable, UserError
from acare.store.database import Database
from acare.store.keys import KeyStore

KEY = "0123456789abcdef" * 4
READ = {"clients": ["read"]}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "acare.db")) as database:
        yield database


@pytest.fixture
def keys(database: Database) -> KeyStore:
    return KeyStore(database)


@pytest.fixture
def sql(database: Database) -> Callable[..., list[tuple[Any, ...]]]:
    def run(statement: str, *values: object) -> list[tuple[Any, ...]]:
        return database.write(lambda connection: connection.execute(statement, values).fetchall())

    return run


Sql = Callable[..., list[tuple[Any, ...]]]


def only(keys: KeyStore) -> dict[str, Any]:
    """The only key, after the writes that are queued."""
    keys._database.write(lambda connection: None)
    (key,) = keys.list()
    return key


# --- create


def test_a_new_key_is_64_lower_case_hex_characters(keys: KeyStore) -> None:
    key = keys.create("ana@example.com", READ).key
    assert (len(key), set(key) <= set("0123456789abcdef")) == (64, True)


def test_no_two_new_keys_are_the_same(keys: KeyStore) -> None:
    assert len({keys.create("ana@example.com", READ).key for _ in range(20)}) == 20


def test_the_preview_is_the_first_8_and_last_4_characters(database: Database) -> None:
    made = KeyStore(database, new_key=lambda: KEY).create("ana@example.com", READ)
    assert made.preview == "01234567…cdef"


def test_a_new_user_is_an_agent(keys: KeyStore) -> None:
    assert keys.create("ana@example.com", READ).role == "agent"


def test_a_new_user_has_the_role_that_was_asked_for(keys: KeyStore) -> None:
    assert keys.create("ana@example.com", READ, role="broker").role == "broker"


@pytest.mark.parametrize("email", ["ana@example.com", "ANA@Example.COM"])
def test_a_second_key_is_of_the_same_user(keys: KeyStore, email: str) -> None:
    first = keys.create("ana@example.com", READ, role="broker")
    second = keys.create(email, READ)
    assert (second.user_id, second.role) == (first.user_id, "broker")


def test_a_second_key_may_name_the_role_that_its_user_has(keys: KeyStore) -> None:
    first = keys.create("ana@example.com", READ, role="broker")
    assert keys.create("ana@example.com", READ, role="broker").user_id == first.user_id


def test_a_second_key_cannot_change_the_role_of_its_user(keys: KeyStore) -> None:
    keys.create("ana@example.com", READ, role="agent")
    with pytest.raises(UserError, match=r"ana@example\.com has the role agent"):
        keys.create("ana@example.com", READ, role="broker")


def test_of_a_key_that_is_refused_nothing_is_made(keys: KeyStore) -> None:
    keys.create("ana@example.com", READ, role="agent")
    with pytest.raises(UserError):
        keys.create("ana@example.com", READ, role="broker")
    assert len(keys.list()) == 1


def test_a_key_that_cannot_be_stored_leaves_no_user_behind(database: Database, sql: Sql) -> None:
    keys = KeyStore(database, new_key=lambda: KEY)
    keys.create("ana@example.com", READ)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        keys.create("ben@example.com", READ)
    assert sql("SELECT email FROM users") == [("ana@example.com",)]


def test_keys_made_at_once_for_a_new_user_are_of_one_user(keys: KeyStore) -> None:
    users: list[str] = []
    start = threading.Barrier(8)

    def create() -> None:
        start.wait(10)
        users.append(keys.create("ana@example.com", READ).user_id)

    threads = [threading.Thread(target=create, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (len(users), len(set(users))) == (8, 1)


# --- what is stored


def test_the_key_itself_is_nowhere_in_the_files(database: Database, keys: KeyStore) -> None:
    key = keys.create("ana@example.com", READ, name="intranet").key
    keys.authenticate(key)
    found = b"".join(path.read_bytes() for path in database.path.parent.iterdir())
    assert b"intranet" in found  # so it is the right files that are looked at
    for start in range(0, 64, 16):
        assert key[start : start + 16].encode() not in found
        assert bytes.fromhex(key)[start // 2 : start // 2 + 8] not in found


def test_the_sha256_of_the_key_is_stored(database: Database, sql: Sql) -> None:
    KeyStore(database, new_key=lambda: KEY).create("ana@example.com", READ)
    assert sql("SELECT sha256 FROM api_keys") == [(hashlib.sha256(KEY.encode()).digest(),)]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("users", "role", "owner"),
        ("users", "id", "short"),
        ("users", "email", None),
        ("api_keys", "sha256", b"short"),
        ("api_keys", "sha256", None),
        ("api_keys", "user_id", "0" * 36),
        ("api_keys", "scopes", "[]"),
        ("api_keys", "scopes", "nonsense"),
        ("api_keys", "id", "short"),
    ],
)
def test_the_schema_refuses_a_value_that_breaks_a_vital_rule(
    keys: KeyStore, sql: Sql, table: str, column: str, value: object
) -> None:
    keys.create("ana@example.com", READ)
    with pytest.raises((sqlite3.IntegrityError, sqlite3.OperationalError)) as refused:
        sql(f"UPDATE {table} SET {column} = ?", value)
    assert "constraint failed" in str(refused.value) or "malformed JSON" in str(refused.value)


# --- authenticate


def test_a_key_tells_who_holds_it(keys: KeyStore) -> None:
    made = keys.create("ana@example.com", {"clients": ["read", "write"]}, role="broker")
    caller = keys.authenticate(made.key)
    assert caller is not None
    assert (caller.user_id, caller.role, caller.key_id, caller.key_preview, dict(caller.scopes)) == (
        made.user_id,
        "broker",
        made.id,
        made.preview,
        {"clients": {"read", "write"}},
    )


def test_each_key_has_its_own_scopes(keys: KeyStore) -> None:
    reader, nobody = keys.create("ana@example.com", READ), keys.create("ana@example.com", {})
    found = [dict(keys.authenticate(made.key).scopes) for made in (reader, nobody)]  # type: ignore[union-attr]
    assert found == [{"clients": {"read"}}, {}]


@pytest.mark.parametrize(
    "key",
    [
        "",
        KEY.upper(),
        KEY[:-1],
        KEY + "0",
        KEY + "\n",
        f" {KEY}",
        "g" * 64,
        "٠" * 64,
        "\udcff" * 64,
        "0" * 64,
        KEY[::-1],
        "x" * 100_000,
    ],
)
def test_a_key_that_is_malformed_or_unknown_is_nobodys(database: Database, key: str) -> None:
    keys = KeyStore(database, new_key=lambda: KEY)
    keys.create("ana@example.com", READ)
    assert keys.authenticate(key) is None


def test_a_key_is_known_to_another_process_at_once(database: Database, keys: KeyStore) -> None:
    keys.any()
    with closing(Database(database.path)) as other:
        key = KeyStore(other).create("ana@example.com", READ).key
    assert keys.authenticate(key) is not None


# --- expire


@pytest.mark.parametrize(("days", "hours"), [(1, 24), (365, 8760)])
def test_a_key_expires_after_its_days(keys: KeyStore, sql: Sql, days: int, hours: int) -> None:
    keys.create("ana@example.com", READ, expires_in_days=days)
    ((left,),) = sql("SELECT 24 * (julianday(expires_at) - julianday('now')) FROM api_keys")
    assert left == pytest.approx(hours, abs=0.01)


def test_a_key_never_expires_unless_it_was_told_to(keys: KeyStore) -> None:
    keys.create("ana@example.com", READ)
    assert only(keys)["expires_at"] is None


def test_a_key_that_is_to_expire_is_valid_until_then(keys: KeyStore) -> None:
    key = keys.create("ana@example.com", READ, expires_in_days=1).key
    assert (keys.authenticate(key) is None, only(keys)["state"]) == (False, "valid")


@pytest.mark.parametrize("ago", ["-0 seconds", "-1 day"])
def test_a_key_that_has_expired_is_nobodys(keys: KeyStore, sql: Sql, ago: str) -> None:
    key = keys.create("ana@example.com", READ, expires_in_days=1).key
    sql("UPDATE api_keys SET expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)", ago)
    assert (keys.authenticate(key), only(keys)["state"]) == (None, "expired")


# --- revoke


def test_a_key_that_was_revoked_is_nobodys(keys: KeyStore) -> None:
    made = keys.create("ana@example.com", READ)
    keys.authenticate(made.key)
    keys.revoke(made.id)
    assert (keys.authenticate(made.key), only(keys)["state"]) == (None, "revoked")


def test_revoking_a_key_leaves_the_others_of_its_user(keys: KeyStore) -> None:
    first, second = (keys.create("ana@example.com", READ) for _ in range(2))
    keys.revoke(first.id)
    assert keys.authenticate(second.key) is not None


def test_revoking_a_key_again_keeps_the_first_time(keys: KeyStore, sql: Sql) -> None:
    key_id = keys.create("ana@example.com", READ).id
    keys.revoke(key_id)
    sql("UPDATE api_keys SET revoked_at = '2020-01-01T00:00:00.000Z'")
    keys.revoke(key_id)
    assert only(keys)["revoked_at"] == "2020-01-01T00:00:00.000Z"


@pytest.mark.parametrize("key_id", ["", "nonsense", "0" * 36, KEY])
def test_a_key_that_is_not_there_cannot_be_revoked(keys: KeyStore, key_id: str) -> None:
    keys.create("ana@example.com", READ)
    with pytest.raises(UserError, match="there is no key"):
        keys.revoke(key_id)


# --- list


def test_keys_are_listed_in_the_order_of_their_creation(keys: KeyStore) -> None:
    made = [keys.create(f"{name}@example.com", READ).id for name in "cab"]
    assert [key["id"] for key in keys.list()] == made


def test_a_listed_key_tells_all_but_itself(keys: KeyStore) -> None:
    made = keys.create("ana@example.com", READ, role="broker", name="intranet")
    listed = only(keys)
    assert listed.pop("created_at").endswith("Z")
    assert listed == {
        "id": made.id,
        "user_id": made.user_id,
        "email": "ana@example.com",
        "role": "broker",
        "name": "intranet",
        "preview": made.preview,
        "scopes": READ,
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
        "state": "valid",
    }


def test_there_is_no_key_in_a_new_database(keys: KeyStore) -> None:
    assert (keys.any(), keys.list()) == (False, [])


def test_a_key_that_was_revoked_is_still_a_key(keys: KeyStore) -> None:
    keys.revoke(keys.create("ana@example.com", READ).id)
    assert keys.any() is True


# --- when it was used


def test_the_use_of_a_key_is_noted_to_the_minute(keys: KeyStore, sql: Sql) -> None:
    keys.authenticate(keys.create("ana@example.com", READ).key)
    ((age,),) = sql("SELECT 1440 * (julianday('now') - julianday(last_used_at)) FROM api_keys")
    assert 0 <= age < 1.1
    assert only(keys)["last_used_at"].endswith(":00.000Z")


def test_the_use_of_a_key_is_noted_once_a_minute(keys: KeyStore, database: Database) -> None:
    key = keys.create("ana@example.com", READ).key
    keys.authenticate(key)
    noted = only(keys)["last_used_at"]
    version = "PRAGMA data_version"
    with database.read() as connection:
        before = connection.execute(version).fetchone()
        keys.authenticate(key)
        now = only(keys)["last_used_at"]
        assert connection.execute(version).fetchone() == before or now != noted


class Held:
    """While this lasts, the writer is busy, as it is when the disk is stuck."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._busy, self._released = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=database.write, args=(self._work,), daemon=True)

    def _work(self, connection: sqlite3.Connection) -> None:
        self._busy.set()
        self._released.wait(10)

    def queued(self) -> int:
        return self._database._writer._queue.qsize()

    def __enter__(self) -> Held:
        self._thread.start()
        assert self._busy.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._thread.join(10)


def test_a_key_is_found_while_the_disk_is_stuck(keys: KeyStore, database: Database) -> None:
    made = keys.create("ana@example.com", READ)
    with Held(database):
        found: list[object] = []
        thread = threading.Thread(target=lambda: found.append(keys.authenticate(made.key)), daemon=True)
        thread.start()
        thread.join(5)
        assert found != [None]
        assert len(found) == 1
    assert only(keys)["last_used_at"] is not None


def test_one_note_a_key_and_minute_is_queued(database: Database) -> None:
    now = ["2026-07-15T14:32:10.000Z"]
    keys = KeyStore(database, now=lambda: now[0])
    made = [keys.create("ana@example.com", READ).key for _ in range(2)]
    lengths = []
    with Held(database) as held:
        for second in ("14:32:10", "14:32:59", "14:33:00"):
            now[0] = f"2026-07-15T{second}.000Z"
            for key in made * 10:
                keys.authenticate(key)
            lengths.append(held.queued())
    assert lengths == [2, 2, 4]


def test_keys_used_at_once_are_noted_once(database: Database) -> None:
    keys = KeyStore(database, now=lambda: "2026-07-15T14:32:10.000Z")
    key = keys.create("ana@example.com", READ).key
    with Held(database) as held:
        threads = [threading.Thread(target=keys.authenticate, args=(key,)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert held.queued() == 1


def test_a_note_that_was_dropped_is_queued_by_the_next_use(
    keys: KeyStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keys.create("ana@example.com", READ)
    with monkeypatch.context() as patch:
        patch.setattr(database, "write_later", lambda work: False)
        assert keys.authenticate(made.key) is not None
    keys.authenticate(made.key)
    assert only(keys)["last_used_at"] is not None


def test_a_note_that_fails_is_logged_once_and_not_raised(
    keys: KeyStore, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    made = [keys.create("ana@example.com", READ) for _ in range(3)]
    keys.any()  # so that a reader is open
    database.path.rename(database.path.with_name("away.db"))
    assert None not in [keys.authenticate(key.key) for key in made * 10]
    with pytest.raises(StoreUnavailable):
        database.write(lambda connection: None)
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == ["a queued write failed: The database file is missing or was replaced."]


def test_the_next_use_of_a_key_is_noted_again(keys: KeyStore, sql: Sql) -> None:
    key = keys.create("ana@example.com", READ).key
    sql("UPDATE api_keys SET last_used_at = '2020-01-01T00:00:00.000Z'")
    keys.authenticate(key)
    assert only(keys)["last_used_at"] > "2020"


def test_an_attempt_with_a_revoked_key_is_not_noted_as_use(keys: KeyStore) -> None:
    made = keys.create("ana@example.com", READ)
    keys.revoke(made.id)
    keys.authenticate(made.key)
    assert only(keys)["last_used_at"] is None
