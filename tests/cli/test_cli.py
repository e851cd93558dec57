"""The command: keys, what help says, and how mistakes and failures look."""

import json
import logging
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import namedtuple
from contextlib import closing
from datetime import datetime, timedelta

import pytest

import acare
from acare.cli import main
from acare.cli.serve import Server
from acare.config import SETTINGS, Settings
from acare.store.schema import SCHEMA_VERSION

Printed = namedtuple("Printed", "out err")

VERSION = f"acare {acare.__version__} (schema {SCHEMA_VERSION}, SQLite {sqlite3.sqlite_version})\n"

COMMANDS = {
    "serve": [part for setting in SETTINGS for part in (setting.flag, setting.variable)],
    "demo": [
        part
        for setting in SETTINGS
        if setting.name != "database"
        for part in (setting.flag, setting.variable)
    ],
    "key create": ["--user", "--role", "--name", "--scope", "--expires-in-days", "--database"],
    "key list": ["--json", "--database"],
    "key revoke": ["ID", "--database"],
    "import": [
        "FILE|URL",
        "--user",
        "--map",
        "--skip-bad",
        "--on-duplicate",
        "--dry-run",
        "--json",
        "--database",
    ],
    "export": ["FILE", "--format", "--status", "--user", "--database"],
    "backup": ["DIR", "--keep", "--database"],
    "verify": ["FILE", "--no-checksum"],
    "restore": ["FILE", "--database"],
    "history": ["CLIENT_ID", "--json", "--database"],
    "undelete": ["CLIENT_ID", "--database"],
    "erase": ["CLIENT_ID", "--database"],
    "purge": ["--older-than", "--database"],
    "openapi": ["--prefix"],
}

# Each is told in one line, and with 2 as the exit code: the command was written wrong.
MISTAKES = [
    ("", "COMMAND"),
    ("start", "start"),
    ("--verbose", "COMMAND"),
    ("serve now", "now"),
    ("serve --port 80", "--port"),
    ("openapi --prefix crm", "crm"),
    ("openapi --prefix /a<b", "/a<b"),
    ("openapi --prefix /crm/", "/crm/"),
    ("serve --threads", "--threads"),
    ("key", "ACTION"),
    ("key remove", "remove"),
    ("key create", "--user"),
    ("key create --user", "--user"),
    ("key create --user dana", "dana"),
    ("key create --user dana@", "dana@"),
    ("key create --user @example.com", "@example.com"),
    ("key create --user a@b@c", "a@b@c"),
    ("key create --user a@b --role owner", "owner"),
    ("key create --user a@b --scope clients", "RESOURCE:ACTION"),
    ("key create --user a@b --scope clients:", "RESOURCE:ACTION"),
    ("key create --user a@b --scope clients:fly", "clients:fly"),
    ("key create --user a@b --scope deals:read", "deals:read"),
    ("key create --user a@b --scope clients:READ", "clients:READ"),
    ("key create --user a@b --expires-in-days 0", "1 to 365"),
    ("key create --user a@b --expires-in-days 366", "1 to 365"),
    ("key create --user a@b --expires-in-days -1", "1 to 365"),
    ("key create --user a@b --expires-in-days 1.5", "1 to 365"),
    ("key create --user a@b --expires-in-days soon", "1 to 365"),
    ("key list everything", "everything"),
    ("key revoke", "ID"),
    ("demo --database a.db", "--database"),
    ("verify", "FILE"),
    ("restore", "FILE"),
    ("backup --keep 0", "from 1 to 999999"),
    ("backup --keep all", "from 1 to 999999"),
    ("history", "CLIENT_ID"),
    ("undelete", "CLIENT_ID"),
    ("erase", "CLIENT_ID"),
    ("purge", "--older-than"),
    ("purge --older-than -1", "--older-than"),
    ("purge --older-than ever", "--older-than"),
    ("serve --require-precondition=yes", "--require-precondition"),
]

WRONG_SETTINGS = [
    ("listen", "8080", "HOST:PORT"),
    ("rate_limit", "500", "REQUESTS/SECONDS"),
    ("rate_limit_by", "user", "address, key"),
    ("trusted_proxy", "*", "IP address"),
    ("cors_origin", "intranet", "https://intranet.example"),
    ("threads", "0", "1 to 256"),
    ("log_format", "xml", "text, json"),
    ("drain_seconds", "never", "1 to 3600"),
]

# Each is told in one line, and with 1 as the exit code: the command was right but could not be done.
ERROR_RESPONSES = [
    ("key list --database none.db", "none.db"),
    ("key revoke a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684 --database none.db", "none.db"),
    ("key list --database folder", "folder"),
    ("key list --database text.db", "not an SQLite database"),
    ("key list --database other.db", "a database of another program"),
    ("key create --user a@b --database folder", "folder"),
    ("key create --user a@b --database text.db", "not an SQLite database"),
    ("key create --user a@b --database nowhere/a.db", "nowhere/a.db"),
    ("serve --listen 203.0.113.1:8080", "203.0.113.1:8080"),
    ("backup --database none.db", "none.db"),
    ("backup --database text.db", "text.db"),
    ("verify none.db", "none.db"),
    ("verify text.db", "text.db"),
    ("restore none.db", "none.db"),
    ("restore text.db", "text.db"),
    ("history a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684 --database none.db", "none.db"),
    ("undelete a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684 --database none.db", "none.db"),
    ("erase a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684 --database none.db", "none.db"),
    ("purge --older-than 0 --database none.db", "none.db"),
    ("history a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684 --database text.db", "text.db"),
]

# The same of a server that cannot start.
FAILED_STARTS = [
    ("folder", "folder"),
    ("text.db", "not an SQLite database"),
    ("other.db", "a database of another program"),
    ("nowhere/a.db", "nowhere/a.db: the folder nowhere does not exist"),
]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    """An empty folder to be in, and lines of help that do not wrap."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a command in process; ``status`` is the assertion about its exit code."""
    # Should a mistake go through, the test fails and does not hang.
    monkeypatch.setattr(Server, "run", lambda server: 0)
    # The process whose logging a server sets up is pytest's here.
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)

    def run(command, *more, status=0):
        try:
            code = main([*command.split(), *more])
        except SystemExit as end:
            code = end.code
        printed = Printed(*capsys.readouterr())
        assert code == status, printed
        return printed

    return run


@pytest.fixture
def listed(run):
    """All keys as ``acare key list --json`` tells them."""
    return lambda: json.loads(run("key list --json").out)


def in_process_of_its_own(*arguments, **environ):
    return subprocess.run(
        [sys.executable, "-m", "acare", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )


def status_of(server, key):
    request = urllib.request.Request(f"{server.url}/v1/clients", headers={"X-API-Key": key})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


# --- key create


def test_the_key_alone_is_on_stdout(run):
    assert re.fullmatch(r"[0-9a-f]{64}\n", run("key create --user ana@example.com").out)


def test_all_else_about_a_new_key_is_on_stderr(run, listed):
    err = run("key create --user ana@example.com").err
    assert "ana@example.com" in err
    assert listed()[0]["id"] in err


def test_the_key_is_on_stdout_alone(run):
    printed = run("key create --user ana@example.com")
    assert printed.out.strip() not in printed.err


def test_a_new_key_works_in_process(run):
    key = run("key create --user ana@example.com --database acare.db").out.strip()
    with acare.create_app(database="acare.db") as app:
        assert app.keys.authenticate(key) is not None


def test_no_two_keys_are_the_same(run):
    assert run("key create --user a@b.example").out != run("key create --user a@b.example").out


def test_two_keys_of_one_address_have_one_user(run, listed):
    run("key create --user ana@example.com")
    run("key create --user ANA@example.com")
    assert {key["email"] for key in listed()} == {"ana@example.com"}


@pytest.mark.parametrize(("arguments", "role"), [("", "agent"), ("--role agent", "agent"),
                                                 ("--role broker", "broker")])  # fmt: skip
def test_a_new_user_is_an_agent_unless_told_otherwise(run, listed, arguments, role):
    run(f"key create --user ana@example.com {arguments}")
    assert listed()[0]["role"] == role


def test_another_key_keeps_the_role_of_its_user(run, listed):
    run("key create --user dana@example.com --role broker")
    run("key create --user dana@example.com")
    assert [key["role"] for key in listed()] == ["broker", "broker"]


def test_a_key_cannot_change_what_its_user_is(run, listed):
    run("key create --user dana@example.com --role broker")
    printed = run("key create --user dana@example.com --role agent", status=1)
    assert re.fullmatch(r"acare: .*dana@example\.com.*broker.*\n", printed.err)
    assert len(listed()) == 1


def test_a_key_may_have_a_name(run, listed):
    run("key create --user ana@example.com --name", "Zoë's CRM sync")
    assert listed()[0]["name"] == "Zoë's CRM sync"


def test_a_key_has_no_name_by_itself(run, listed):
    run("key create --user ana@example.com")
    assert listed()[0]["name"] is None


@pytest.mark.parametrize(
    ("arguments", "scopes"),
    [
        ("", {"clients": ["read", "write"]}),
        ("--scope clients:read", {"clients": ["read"]}),
        ("--scope clients:delete", {"clients": ["delete"]}),
        ("--scope all:read,write", {"all": ["read", "write"]}),
        ("--scope all:read --scope clients:write", {"all": ["read"], "clients": ["write"]}),
        ("--scope clients:read --scope clients:write", {"clients": ["read", "write"]}),
        ("--scope clients:read,write --scope clients:write,delete", {"clients": ["read", "write", "delete"]}),
        ("--scope clients:read,read", {"clients": ["read"]}),
        ("--scope none", {}),
        ("--scope none --scope clients:read", {"clients": ["read"]}),
    ],
)
def test_scopes_add_up_to_one_object(run, listed, arguments, scopes):
    run(f"key create --user ana@example.com {arguments}")
    assert listed()[0]["scopes"] == scopes


@pytest.mark.parametrize("days", [1, 90, 365])
def test_a_key_expires_when_its_days_are_over(run, listed, days):
    run(f"key create --user ana@example.com --expires-in-days {days}")
    created, expires = (datetime.fromisoformat(listed()[0][name]) for name in ("created_at", "expires_at"))
    assert abs(expires - created - timedelta(days=days)) < timedelta(seconds=1)


def test_a_key_does_not_expire_by_itself(run, listed):
    run("key create --user ana@example.com")
    assert listed()[0]["expires_at"] is None


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff"), "two\nlines", "a\x1b[31mred"])
def test_a_name_that_is_no_line_of_text_is_a_mistake(run, name):
    printed = run("key create --user ana@example.com --name", name, status=2)
    assert re.fullmatch(r"acare key create: .*--name.*\n", printed.err)


# --- key list


def test_the_list_shows_each_key_in_a_line(run, listed):
    run("key create --user ana@example.com --name sync --scope clients:read")
    run("key create --user dana@example.com --role broker")
    first, second = run("key list").out.splitlines()
    assert all(part in first for part in (listed()[0]["id"], "ana@example.com", "agent", "sync", "valid"))
    assert all(part in second for part in (listed()[1]["id"], "dana@example.com", "broker", "valid"))


@pytest.mark.parametrize("command", ["key list", "key list --json"])
def test_no_list_shows_a_key(run, command):
    key = run("key create --user ana@example.com").out.strip()
    out = run(command).out
    assert key not in out
    assert f"{key[:8]}…{key[-4:]}" in out


def test_a_list_without_keys_is_empty(run):
    acare.create_app(database="acare.db").close()
    assert run("key list") == ("", "")
    assert json.loads(run("key list --json").out) == []


def test_the_json_list_tells_all_there_is_to_know(run, listed):
    run("key create --user ana@example.com")
    assert listed()[0].keys() == {
        "id", "user_id", "email", "role", "name", "preview", "scopes", "state",
        "created_at", "expires_at", "revoked_at", "last_used_at",
    }  # fmt: skip


# --- key revoke


def test_a_revoked_key_is_listed_as_such(run, listed):
    run("key create --user ana@example.com")
    run(f"key revoke {listed()[0]['id']}")
    assert listed()[0]["state"] == "revoked"


def test_revoking_twice_changes_nothing(run, listed):
    run("key create --user ana@example.com")
    key_id = listed()[0]["id"]
    run(f"key revoke {key_id}")
    before = listed()
    run(f"key revoke {key_id}")
    assert listed() == before


def test_an_id_that_no_key_has_is_a_failure(run):
    acare.create_app(database="acare.db").close()
    printed = run("key revoke 550e8400-e29b-41d4-a716-446655440000", status=1)
    assert printed.out == ""
    assert re.fullmatch(r"acare: .*550e8400-e29b-41d4-a716-446655440000.*\n", printed.err)


# --- keys and a running server


def test_a_key_made_while_a_server_runs_counts_from_the_next_request(start, run):
    server = start()
    key = run("key create --user ana@example.com --database served.db").out.strip()
    assert status_of(server, key) == 200


def test_a_key_revoked_while_a_server_runs_counts_from_the_next_request(start, run):
    server = start()
    before = status_of(server, server.key)
    (first,) = json.loads(run("key list --json --database served.db").out)
    run(f"key revoke {first['id']} --database served.db")
    assert (before, status_of(server, server.key)) == (200, 401)


def test_the_list_tells_that_a_running_server_saw_the_key(start, run):
    server = start()
    status_of(server, server.key)
    for _ in range(50):  # the server notes it in its own time
        (first,) = json.loads(run("key list --json --database served.db").out)
        if first["last_used_at"] is not None:
            break
        time.sleep(0.1)
    assert first["last_used_at"] is not None


# --- which database


def test_the_database_may_be_named_by_the_variable(run, monkeypatch, tmp_path):
    monkeypatch.setenv("ACARE_DATABASE", "named.db")
    run("key create --user ana@example.com")
    assert (tmp_path / "named.db").exists()


def test_the_flag_names_the_database_before_the_variable(run, monkeypatch, tmp_path):
    monkeypatch.setenv("ACARE_DATABASE", "variable.db")
    run("key create --user ana@example.com --database flag.db")
    assert [path.name for path in tmp_path.iterdir()] == ["flag.db"]


# --- help


@pytest.mark.parametrize(
    ("command", "option"), [(command, option) for command in COMMANDS for option in COMMANDS[command]]
)
def test_help_tells_each_option(run, command, option):
    assert re.search(rf"(?<![\w-]){option}(?![\w-])", run(f"{command} --help").out)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_help_tells_each_default(run, setting):
    default = getattr(Settings(), setting.name)
    if setting.name == "rate_limit":
        default = f"{default.tokens}/{default.seconds}"
    told = {None: "none", (): "none", False: "false"}.get(default, default)
    assert f"({told}) [{setting.variable}]" in run("serve --help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_a_word_of_help(run, command):
    helped = run(f"{command} --help").out
    options = re.findall(r"^  (\S.*)$", helped, re.MULTILINE)
    assert options
    for option in options:
        assert re.search(r"\S  +\S", option) or f"{option}\n       " in helped, option


@pytest.mark.parametrize("command", sorted({command.split()[0] for command in COMMANDS}))
def test_help_tells_each_command(run, command):
    assert re.search(rf"^ +{command} ", run("--help").out, re.MULTILINE)


def test_the_version_is_the_package_s(run):
    assert run("--version").out == VERSION


# --- as a process


def test_the_package_can_be_run():
    assert in_process_of_its_own("--version").stdout == VERSION


def test_a_mistake_is_one_line_and_the_exit_code_2():
    ended = in_process_of_its_own("serve", ACARE_THREADS="0")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"acare: ACARE_THREADS: '0' is not a whole number from 1 to 256\n", ended.stderr)


def test_a_failure_is_one_line_and_the_exit_code_1():
    ended = in_process_of_its_own("key", "list")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"acare: acare\.db: .*\n", ended.stderr)


@pytest.mark.parametrize("arguments", [["key", "list"], ["key", "create", "--help"]])
def test_a_terminal_that_knows_ascii_alone_is_enough(run, arguments):
    run("key create --user ana@example.com")
    assert in_process_of_its_own(*arguments, PYTHONIOENCODING="ascii").stderr == ""


# --- mistakes and failures


def assert_one_line(printed, said):
    assert printed.out == ""
    assert re.fullmatch(r"acare[a-z ]*: [^\n]+\n", printed.err)
    assert said in printed.err


@pytest.mark.parametrize(("command", "said"), MISTAKES)
def test_a_mistake_gets_one_line_that_names_it(run, command, said):
    assert_one_line(run(command, status=2), said)


@pytest.mark.parametrize(("name", "text", "allowed"), WRONG_SETTINGS)
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_wrong_flag_gets_one_line_that_names_it(run, command, name, text, allowed):
    flag = "--" + name.replace("_", "-")
    printed = run(f"{command} {flag} {text}", status=2)
    assert_one_line(printed, allowed)
    assert f"{flag}: '{text}'" in printed.err


@pytest.mark.parametrize(
    ("name", "text", "allowed"), [*WRONG_SETTINGS, ("require_precondition", "yes", "true or false")]
)
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_wrong_variable_gets_one_line_that_names_it(run, monkeypatch, command, name, text, allowed):
    variable = "ACARE_" + name.upper()
    monkeypatch.setenv(variable, text)
    printed = run(command, status=2)
    assert_one_line(printed, allowed)
    assert f"{variable}: '{text}'" in printed.err


def test_a_database_without_a_name_is_a_mistake(run):
    assert_one_line(run("key list --database", "", status=2), "--database: ''")


@pytest.fixture
def no_databases(tmp_path):
    """Things in the folder that are no databases of acare: their names and what is in them."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.db").write_text("not a database " * 20)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE albums (title)")
    return lambda: {path.name: path.is_file() and path.read_bytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize(("command", "said"), ERROR_RESPONSES)
def test_a_failure_gets_one_line_that_tells_why(run, no_databases, command, said):
    assert_one_line(run(command, status=1), said)


@pytest.mark.parametrize(("command", "said"), ERROR_RESPONSES)
def test_a_failure_leaves_everything_as_it_was(run, no_databases, command, said):
    before = no_databases()
    run(command, status=1)
    assert no_databases() == before


@pytest.mark.parametrize(("database", "said"), FAILED_STARTS)
def test_a_server_that_cannot_start_tells_why_in_one_line(no_databases, database, said):
    before = no_databases()
    ended = in_process_of_its_own("serve", "--listen", "127.0.0.1:0", "--database", database)
    assert ended.returncode == 1
    assert_one_line(Printed(ended.stdout, ended.stderr), said)
    assert no_databases() == before


def test_an_option_that_a_command_has_not_leads_to_the_help_of_that_command(run):
    assert_one_line(run("key list --colour", status=2), "'acare key list --help'")


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_a_failure(run, command):
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        printed = run(f"{command} --listen {where}", status=1)
    assert_one_line(printed, where)
    assert printed.err.count("127.0.0.1") == 1


def test_a_port_in_use_makes_no_database(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        run(f"serve --listen 127.0.0.1:{other.getsockname()[1]}", status=1)
    assert list(tmp_path.iterdir()) == []
