"""Users and API keys in a database."""

import time

import pytest
from support.keys import new_key
from support.threads import Held

from acare.auth import OPERATOR, Caller
from acare.database.database import CACHE_NANOSECONDS
from acare.errors import InvalidKey
from acare.store.keys import KeyStore

ANA = "ana@example.com"
READ = {"clients": ["read"]}
CACHED = 2 * CACHE_NANOSECONDS / 1e9  # seconds


@pytest.fixture
def clock(database):
    """A store whose time is what the list has."""
    now = ["2026-07-15T14:32:10.000Z"]
    return now, KeyStore(database, now=lambda: now[0])


def only(keys):
    """The only key, after the writes that are queued."""
    keys._database.write(lambda connection: None)
    (key,) = keys.list(OPERATOR)
    return key


# --- expire, revoke, list


@pytest.mark.parametrize(("now", "valid"), [("09.999Z", True), ("10.000Z", False), ("10.001Z", False)])
def test_a_key_is_expired_from_that_millisecond_on(clock, now, valid):
    times, keys = clock
    key = new_key(keys, ANA, READ, expires_at="2026-07-15T14:32:10.000Z").key
    times[0] = f"2026-07-15T14:32:{now}"
    assert isinstance(keys.authenticate(key), Caller) == valid


def test_a_key_that_is_revoked_again_keeps_the_time(keys, sql):
    key_id = new_key(keys, ANA, READ).id
    keys.revoke(OPERATOR, key_id)
    sql("UPDATE api_keys SET revoked_at = '2020-01-01T00:00:00.000Z'")
    keys.revoke(OPERATOR, key_id)
    assert only(keys)["revoked_at"] == "2020-01-01T00:00:00.000Z"


def test_a_key_that_is_revoked_meanwhile_makes_no_key(keys):
    maker = new_key(keys, ANA, {"all": ["write"]})
    caller = keys.authenticate(maker.key)
    keys.revoke(OPERATOR, maker.id, made=True)
    with pytest.raises(InvalidKey):
        keys.create(caller)
    assert only(keys)["id"] == maker.id


# --- the time of the last use


def test_the_use_of_a_key_is_recorded_to_the_minute(keys, sql):
    key = new_key(keys, ANA, READ).key
    for _ in range(2):
        keys.authenticate(key)
        ((age,),) = sql("SELECT 1440 * (julianday('now') - julianday(last_used_at)) FROM api_keys")
        assert (0 <= age < 1.1, only(keys)["last_used_at"][-8:]) == (True, ":00.000Z")
        sql("UPDATE api_keys SET last_used_at = '2020-01-01T00:00:00.000Z'")
        keys._minutes.clear()  # a later minute
        time.sleep(CACHED)


def test_one_note_a_key_and_minute_is_queued(clock, database):
    """While the disk is stuck, keys are found without waiting for it."""
    now, keys = clock
    made = [new_key(keys, ANA, READ).key for _ in range(2)]
    lengths = []
    with Held(database._writer) as held:
        for second in ("14:32:10", "14:32:59", "14:33:00"):
            now[0] = f"2026-07-15T{second}.000Z"
            for n in range(6):
                assert isinstance(keys.authenticate(made[n % 2]), Caller)
            lengths.append(held.queued())
            time.sleep(CACHED)
    assert lengths == [2, 2, 4]


def test_failing_to_record_a_use_is_not_raised(keys, database):
    made = new_key(keys, ANA, READ)
    keys.list(OPERATOR)  # so that a reader is open
    database.path.rename(database.path.with_name("away.db"))
    assert isinstance(keys.authenticate(made.key), Caller)
