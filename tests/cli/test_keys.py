"""``acare key create``, ``list`` and ``revoke``."""

import json
import os
import re
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from support.data import UNKNOWN_ID
from support.http import HttpCaller
from support.sockets import wait_for

import acare
from acare.database.database import Database

ANA = "ana@example.com"


@pytest.fixture
def listed(run):
    """All keys, as ``acare key list --json`` prints them."""
    return lambda: json.loads(run("key", "list", "--json").out)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "acare.db"


# --- create


def test_only_the_key_is_on_stdout(run, listed, path):
    printed = run("key", "create", "--user", ANA)
    assert re.fullmatch(r"[0-9a-f]{64}\n", printed.out)
    assert printed.out.strip() not in printed.err
    assert f"Created key {listed()[0]['id']} of {ANA} (agent)" in printed.err
    with acare.create_app(database=path) as app:
        assert app.keys.authenticate(printed.out.strip()) is not None


def test_create_says_what_else_it_created(run, path):
    first, second = (run("key", "create", "--user", ANA).err for _ in range(2))
    assert first.splitlines()[:2] == [
        f"Created the database {path}: there was none.",
        f"Created the user {ANA} (agent).",
    ]
    assert ("the database" in second, "the user" in second, f"in {path}." in second) == (False, False, True)


def test_the_stored_spelling_of_the_address_is_printed(run):
    run("key", "create", "--user", "Dana@Example.com")
    assert "of Dana@Example.com (agent)" in run("key", "create", "--user", "dana@example.COM").err


@pytest.mark.parametrize(("role", "other"), [("agent", "broker"), ("broker", "agent")])
def test_a_user_keeps_the_role_of_the_first_key(run, listed, role, other):
    run("key", "create", "--user", ANA, "--role", role)
    run("key", "create", "--user", ANA.upper())
    printed = run("key", "create", "--user", ANA, "--role", other, status=1)
    assert re.fullmatch(rf"acare: .*ana@example\.com.*{role}.*\n", printed.err)
    assert [(key["email"], key["role"]) for key in listed()] == [(ANA, role)] * 2


def test_a_key_may_have_a_name_and_an_end(run, listed):
    run("key", "create", "--user", ANA, "--expires-in-days", 365, "--name", "Zoë's CRM sync")
    run("key", "create", "--user", ANA)
    named, plain = listed()
    created, expires = (datetime.fromisoformat(named[name]) for name in ("created_at", "expires_at"))
    assert abs(expires - created - timedelta(days=365)) < timedelta(seconds=1)
    assert (named["name"], plain["name"], plain["expires_at"]) == ("Zoë's CRM sync", None, None)


@pytest.mark.parametrize(
    ("scopes", "stored"),
    [
        ([], {"clients": ["read", "write"]}),
        (["clients:read"], {"clients": ["read"]}),
        (["all:read", "clients:write"], {"all": ["read"], "clients": ["write"]}),
        (["clients:read,write", "clients:write,delete"], {"clients": ["read", "write", "delete"]}),
        (["none"], {}),
        (["none", "clients:read"], {"clients": ["read"]}),
    ],
)
def test_scopes_add_up_to_one_object(run, listed, scopes, stored):
    run("key", "create", "--user", ANA, *(word for scope in scopes for word in ("--scope", scope)))
    assert listed()[0]["scopes"] == stored


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff"), "two\nlines", "a\x1b[31mred"])
def test_a_name_must_be_one_line_of_text(run, name):
    printed = run("key", "create", "--user", ANA, "--name", name, status=2)
    assert re.fullmatch(r"acare key create: .*--name.*\n", printed.err)


# --- list and revoke


def test_the_list_shows_each_key_in_a_line(run, listed):
    key = run("key", "create", "--user", ANA, "--name", "sync", "--scope", "clients:read").out.strip()
    run("key", "create", "--user", "dana@example.com", "--role", "broker")
    text = run("key", "list").out
    first, second = text.splitlines()
    assert all(part in first for part in (listed()[0]["id"], ANA, "agent", "sync", "valid"))
    assert all(part in second for part in (listed()[1]["id"], "dana@example.com", "broker", "valid"))
    assert (key in text, f"{key[:8]}…{key[-4:]}" in text) == (False, True)
    assert key not in run("key", "list", "--json").out
    assert listed()[0].keys() == {
        "id", "user_id", "email", "role", "name", "preview", "scopes", "state",
        "created_at", "expires_at", "revoked_at", "last_used_at",
    }  # fmt: skip


def test_a_list_without_keys_is_empty(run, listed, path):
    Database(path).close()
    assert (run("key", "list").out, listed()) == ("", [])


def test_a_revoked_key_stays_revoked(run, listed):
    run("key", "create", "--user", ANA)
    key_id = listed()[0]["id"]
    run("key", "revoke", key_id)
    before = listed()
    run("key", "revoke", key_id)
    assert (before[0]["state"], listed()) == ("revoked", before)


def test_an_id_that_no_key_has_is_a_failure(run, path):
    Database(path).close()
    assert UNKNOWN_ID in run("key", "revoke", UNKNOWN_ID, status=1).err


def test_keys_work_while_a_server_runs(start, run, tmp_path):
    """A new key and a revocation take effect with the next request; the use of a key is recorded."""
    server, where = start(), ("--database", tmp_path / "served.db")
    key = run("key", "create", "--user", ANA, *where).out.strip()
    with closing(HttpCaller(server.url, key)) as ana, closing(HttpCaller(server.url, server.key)) as first:
        assert (ana.ask()[0], first.ask()[0]) == (200, 200)

        def ana_key():
            keys = json.loads(run("key", "list", "--json", *where).out)
            return next(key for key in keys if key["email"] == ANA)

        wait_for(lambda: ana_key()["last_used_at"] is not None)
        run("key", "revoke", ana_key()["id"], *where)
        assert (ana.ask()[0], first.ask()[0]) == (401, 200)
