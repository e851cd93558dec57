"""Users and API keys in a database."""

import pytest
from support.data import ALL_SCOPES
from support.keys import new_key

from acare import timestamps
from acare.auth import OPERATOR, Caller
from acare.errors import InvalidKey
from acare.store import purging
from acare.store.callers import CACHE_NANOSECONDS, Callers
from acare.store.keys import KeyStore
from acare.store.users import UserStore

ANA = "ana@example.com"
READ = {"clients": ["read"]}


@pytest.fixture
def callers(database):
    return Callers(database)


# --- making keys


def test_a_key_that_is_revoked_meanwhile_makes_no_key(keys, callers):
    maker = new_key(keys, ANA, {"all": ["write"]})
    caller = callers.with_key(maker.key)
    keys.revoke(OPERATOR, maker.id, made=True)
    with pytest.raises(InvalidKey):
        keys.create(caller)
    assert [key["id"] for key in keys.list(OPERATOR).rows] == [maker.id]


# --- purges and pages


def end(sql, *ended, column="revoked_at", time="2020-01-01T00:00:00.000Z"):
    for key in ended:
        sql(f"UPDATE api_keys SET {column} = '{time}' WHERE id = '{key.id}'")


def purge(database):
    purging.purge(database, 30)


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
def test_a_purge_deletes_keys_that_ended_before_its_date(keys, database, sql, column):
    old, recent, valid = (new_key(keys, ANA, {}) for _ in range(3))
    end(sql, old, column=column)
    end(sql, recent, column=column, time=timestamps.after(-29))
    purge(database)
    assert [key["id"] for key in keys.list(OPERATOR).rows] == [valid.id, recent.id]


def test_keys_made_with_a_purged_key_are_made_with_its_maker(keys, callers, database, sql):
    chain, caller = [], OPERATOR
    for _ in range(5):
        chain.append(new_key(keys, ANA, ALL_SCOPES, caller=caller))
        caller = callers.with_key(chain[-1].key)
    end(sql, chain[1], chain[2], chain[3])
    purge(database)
    last, first = keys.list(OPERATOR).rows
    assert (last["id"], last["made_with"], last["made_by"]) == (chain[4].id, first["id"], ANA)
    assert keys.revoke(OPERATOR, first["id"], made=True) == 2


# --- the cache of callers


def test_a_caller_is_cached_until_users_or_keys_change(database):
    """A change by another process counts after 10 ms."""
    now = [0]
    callers = Callers(database, clock=lambda: now[0])
    keys, users = KeyStore(database, callers.forget), UserStore(database, callers.forget)
    key = new_key(keys, ANA, READ)
    found = lambda: (isinstance(callers.with_key(key.key), Caller), callers.with_email(ANA) is not None)  # noqa: E731
    assert found() == (True, True)
    UserStore(database).change(ANA, disabled=True)  # as in another process
    now[0] = CACHE_NANOSECONDS - 1
    assert found() == (True, True)
    now[0] = CACHE_NANOSECONDS
    assert found() == (False, False)
    for disabled in (False, True, False):
        users.change(ANA, disabled=disabled)
        assert found() == (not disabled, not disabled)
    keys.revoke(OPERATOR, key.id)
    assert found() == (False, True)
