"""``acare key create``, ``list`` and ``revoke``."""

import json
import re
from datetime import datetime, timedelta

import pytest
from support.client import Api
from support.files import edit

import acare
from acare.auth import Caller

ANA = "ana@example.com"


@pytest.fixture
def listed(run):
    """All keys, as ``acare key list --json`` prints them."""
    return lambda: json.loads(run("key", "list", "--json").out)


@pytest.fixture(autouse=True)
def path(tmp_path, new_database):
    """A database without users."""
    (tmp_path / "acare.db").write_bytes(new_database)
    return tmp_path / "acare.db"


# --- create


def test_only_the_key_is_on_stdout(run, listed, path):
    printed = run("key", "create", "--user", ANA)
    assert re.fullmatch(r"[0-9a-f]{64}\n", printed.out)
    assert printed.out.strip() not in printed.err
    assert f"Created key {listed()[0]['id']} of {ANA} (agent)" in printed.err
    with acare.create_app(database=path) as app:
        assert isinstance(app.callers.with_key(printed.out.strip()), Caller)


def test_a_key_can_have_a_name_and_an_expiry(run, listed):
    run("key", "create", "--user", ANA, "--expires-in-days", 365, "--name", "Zoë's CRM sync")
    run("key", "create", "--user", ANA)
    plain, named = listed()
    created, expires = (datetime.fromisoformat(named[name]) for name in ("created_at", "expires_at"))
    assert abs(expires - created - timedelta(days=365)) < timedelta(seconds=1)
    assert (named["name"], plain["name"], plain["expires_at"]) == ("Zoë's CRM sync", None, None)


@pytest.mark.parametrize(
    ("scopes", "stored"),
    [
        ([], {"clients": ["read", "write"]}),
        (["clients:read,write", "clients:write,delete"], {"clients": ["read", "write", "delete"]}),
    ],
)
def test_repeated_scopes_are_combined(run, listed, scopes, stored):
    run("key", "create", "--user", ANA, *(word for scope in scopes for word in ("--scope", scope)))
    assert listed()[0]["scopes"] == stored


@pytest.mark.parametrize(("role", "scope"), [("broker", "all:read,write"), ("agent", "clients:read,write")])
def test_the_first_key_of_a_broker_has_all_scopes(run, role, scope):
    for each in (scope, "clients:read,write"):
        assert f"with the scopes {each} in" in run("key", "create", "--user", ANA, "--role", role).err


def test_a_scope_that_permits_nothing_is_refused(run, listed, path):
    said = run("key", "create", "--user", ANA, "--scope", "users:read,write", status=2).err
    assert "users:read, which permits nothing" in said
    run("key", "create", "--user", ANA)
    edit(path, """UPDATE api_keys SET scopes = '{"users": ["read"]}'""")
    assert listed()[0]["scopes"] == {"users": ["read"]}  # stored by an earlier version


# --- invitations, and keys that programs have already


def test_an_invitation_is_printed_as_a_link(run, listed, path):
    link = run("key", "create", "--user", ANA, "--invitation", "--url", "https://clients.example/north/").out
    start, _, invitation = link.strip().partition("/#invite=")
    assert (start, listed()[0]["invitation"]) == ("https://clients.example/north", True)
    with acare.create_app(database=path) as app:
        assert Api(app, invitation).post({}, 201, "/v1/keys/redeem").json["data"]["email"] == ANA


def test_a_redeemed_invitation_is_listed_as_used_not_as_revoked(run, listed, path):
    used, revoked = (run("key", "create", "--user", ANA, "--invitation").out.strip() for _ in range(2))
    run("key", "revoke", listed()[0]["id"])
    with acare.create_app(database=path) as app:
        Api(app, revoked).post({}, 401, "/v1/keys/redeem")
        Api(app, used).post({}, 201, "/v1/keys/redeem")
    assert [key["state"] for key in listed()] == ["valid", "revoked", "used"]


ADOPTED = "fedcba9876543210" * 4


def test_a_key_that_programs_have_is_adopted(run, path, tmp_path):
    (tmp_path / "key").write_text(f"{ADOPTED}\n")
    printed = run("key", "create", "--user", ANA, "--key-file", tmp_path / "key")
    assert (printed.out, ADOPTED in printed.err) == ("", False)
    with acare.create_app(database=path) as app:
        assert Api(app, ADOPTED).get("/v1/clients").json["data"]["clients"] == []


@pytest.mark.parametrize("content", ["", ADOPTED.upper(), f"{ADOPTED} {ADOPTED}"])
def test_a_key_of_another_form_is_not_adopted(run, listed, tmp_path, content):
    (tmp_path / "key").write_text(content)
    said = run("key", "create", "--user", ANA, "--key-file", tmp_path / "key", status=2).err
    assert said.endswith("acare: --key-file must be one key, of 64 lower-case hex digits\n")
    assert listed() == []


def test_an_existing_key_is_not_adopted(run, listed, tmp_path):
    key = run("key", "create", "--user", ANA).out
    (tmp_path / "key").write_text(key)
    said = run("key", "create", "--user", "ben@example.com", "--key-file", tmp_path / "key", status=1).err
    assert said.endswith("acare: the key already exists\n")
    assert (key.strip() in said, len(listed())) == (False, 1)


# --- list and revoke


def test_the_list_shows_each_key_in_a_line(run, listed):
    key = run("key", "create", "--user", ANA, "--name", "sync", "--scope", "clients:read").out.strip()
    made = run("key", "create", "--user", "dana@example.com", "--role", "broker").out
    other = f"{made[:8]}…{made.strip()[-4:]}"
    text = run("key", "list").out
    heading, second, first = text.splitlines()
    assert heading.split() == ["email", "name", "state", "ends", "id"]
    assert first.split() == [ANA, "sync", "valid", "-", listed()[1]["id"]]
    assert second.split() == ["dana@example.com", other, "valid", "-", listed()[0]["id"]]
    assert max(map(len, text.splitlines())) <= 100
    assert key not in text + run("key", "list", "--json").out


@pytest.mark.parametrize(
    ("edited", "left"),
    [
        ('{clients: ["read"]}', {}),  # JSON5, which SQLite accepts since 3.42
        ('{"clients": [["read"]], "users": ["read"]}', {"users": ["read"]}),
    ],
    ids=["json5", "a list in a list"],
)
def test_scopes_edited_by_hand_give_no_rights_if_invalid(run, listed, path, edited, left):
    key = run("key", "create", "--user", ANA).out.strip()
    edit(path, f"PRAGMA ignore_check_constraints = ON; UPDATE api_keys SET scopes = '{edited}'")
    assert listed()[0]["scopes"] == left
    with acare.create_app(database=path) as app:
        Api(app, key).get("/v1/clients", status=403)


def test_a_key_is_revoked_with_the_keys_made_with_it(run, listed, path):
    key = run("key", "create", "--user", ANA, "--scope", "all:write").out.strip()
    with acare.create_app(database=path) as app:
        Api(app, key).post({}, 201, "/v1/keys")
    first = listed()[1]["id"]
    assert [key["made_by"] for key in listed()] == [ANA, None]
    assert listed()[0]["made_with"] == first
    assert run("key", "revoke", first, "--made").err == f"Revoked key {first} and 1 key made with it.\n"
    assert [key["state"] for key in listed()] == ["revoked", "revoked"]


def test_a_key_for_a_user_of_another_role_is_not_created(run):
    run("key", "create", "--user", "dana@example.com", "--role", "broker")
    said = run("key", "create", "--user", "dana@example.com", "--role", "agent", status=1).err
    assert "dana@example.com has the role broker, not agent" in said
    assert run("key", "list", "--json").out.count('"preview"') == 1


def test_a_key_that_is_pasted_as_an_id_is_not_repeated(run):
    said = run("key", "revoke", "a1" * 32, status=2).err
    assert "ID: must be a UUID" in said
    assert "a1a1" not in said
