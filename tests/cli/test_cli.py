"""The command line: keys, help, usage errors and failures."""

import json
import logging
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections import namedtuple
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from support import warm
from support.data import UNKNOWN_ID
from support.http import HttpCaller
from support.sockets import wait_for

import acare
from acare.cli import main
from acare.cli.serve import Server
from acare.config import SETTINGS, Settings
from acare.database.schema import SCHEMA_VERSION

Printed = namedtuple("Printed", "out err")

VERSION = f"acare {acare.__version__} (schema {SCHEMA_VERSION}, SQLite {sqlite3.sqlite_version})\n"

# The options of each command.
ALL = [part for setting in SETTINGS for part in (setting.flag, setting.variable)]
COMMANDS = {
    "serve": ALL,
    "demo": [part for part in ALL if part not in ("--database", "ACARE_DATABASE")],
    "key create": ["--user", "--role", "--name", "--scope", "--expires-in-days", "--database"],
    "key list": ["--json", "--database"],
    "key revoke": ["ID", "--database"],
    "import": [
        "FILE|URL",
        "--user",
        "--map",
        "--rejects",
        "--on-duplicate",
        "--dry-run",
        "--json",
        "--database",
    ],
    "export": ["FILE", "--format", "--status", "--user", "--database"],
    "backup": ["DIR", "--keep", "--quiet", "--database"],
    "verify": ["FILE", "--no-checksum", "--quiet"],
    "restore": ["FILE", "--exact", "--no-checksum", "--quiet", "--database"],
    "status": ["--json", "--backups", "--max-age", "--quiet", "--database"],
    "history": ["CLIENT_ID", "--json", "--database"],
    "undelete": ["CLIENT_ID", "--database"],
    "erase": ["CLIENT_ID", "--yes", "--database"],
    "purge": ["--older-than", "--quiet", "--database"],
    "compact": ["--quiet", "--database"],
    "openapi": ["--prefix"],
}

# Usage errors: each is one line, with exit code 2.
USAGE_ERRORS = [
    ("", "COMMAND"),
    ("start", "start"),
    ("--verbose", "COMMAND"),
    ("serve now", "now"),
    ("serve --port 80", "--port"),
    ("key create --usr ana@example.com", "unrecognized option --usr (did you mean --user?);"),
    ("serve --databse=served.db", "unrecognized option --databse (did you mean --database?);"),
    ("key list --colour", "unrecognized option --colour; see 'acare key list --help'"),
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
    ("key list more", "more"),
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
    *((f"purge --older-than {days}", "0 to 99999") for days in ("never", "1.5", "999999", "٣")),
    ("compact now", "now"),
    ("status --max-age 0", "1 to 99999"),
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
    ("require_precondition", "yes", "true or false"),
]

# Failures: each is one line, with exit code 1.
FAILURES = [
    ("key list --database none.db", "none.db"),
    ("key revoke a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684 --database none.db", "none.db"),
    ("key list --database folder", "folder"),
    ("key list --database text.db", "not an SQLite database"),
    ("key list --database other.db", "a database of another program"),
    ("key create --user a@b --database folder", "folder"),
    ("key create --user a@b --database text.db", "not an SQLite database"),
    ("key create --user a@b --database missing/a.db", "missing/a.db"),
    ("serve --listen 203.0.113.1:8080", "203.0.113.1:8080"),
    ("serve --listen 127.0.0.1:0 --database folder", "folder"),
    ("serve --listen 127.0.0.1:0 --database text.db", "not an SQLite database"),
    ("serve --listen 127.0.0.1:0 --database other.db", "a database of another program"),
    ("serve --listen 127.0.0.1:0 --database missing/a.db", "a.db: the folder missing does not exist"),
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
    ("compact --database none.db", "none.db"),
    ("status --database none.db", "none.db"),
    ("status --database text.db", "not an SQLite database"),
    ("history a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684 --database text.db", "text.db"),
]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    """An empty working directory, and lines of help that do not wrap."""
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
    """All keys, as ``acare key list --json`` prints them."""
    return lambda: json.loads(run("key list --json").out)


def run_process(*arguments, **environ):
    return warm.run(
        [sys.executable, "-m", "acare", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )


# --- key create


def test_only_the_key_is_on_stdout(run, listed):
    printed = run("key create --user ana@example.com")
    assert re.fullmatch(r"[0-9a-f]{64}\n", printed.out)
    assert printed.out.strip() not in printed.err
    assert "ana@example.com" in printed.err
    assert listed()[0]["id"] in printed.err
    with acare.create_app(database="acare.db") as app:
        assert app.keys.authenticate(printed.out.strip()) is not None


def test_the_stored_spelling_of_the_address_is_printed(run):
    run("key create --user Dana@Example.com")
    assert "of Dana@Example.com (agent)" in run("key create --user dana@example.COM").err


@pytest.mark.parametrize(("role", "other"), [("agent", "broker"), ("broker", "agent")])
def test_a_user_keeps_the_role_of_the_first_key(run, listed, role, other):
    run(f"key create --user dana@example.com {'--role broker' if role == 'broker' else ''}")
    run("key create --user DANA@example.com")
    printed = run(f"key create --user dana@example.com --role {other}", status=1)
    assert re.fullmatch(rf"acare: .*dana@example\.com.*{role}.*\n", printed.err)
    assert [(key["email"], key["role"]) for key in listed()] == [("dana@example.com", role)] * 2


def test_a_key_may_have_a_name_and_an_end(run, listed):
    run("key create --user ana@example.com --expires-in-days 365 --name", "Zoë's CRM sync")
    run("key create --user ana@example.com")
    named, plain = listed()
    created, expires = (datetime.fromisoformat(named[name]) for name in ("created_at", "expires_at"))
    assert abs(expires - created - timedelta(days=365)) < timedelta(seconds=1)
    assert (named["name"], plain["name"], plain["expires_at"]) == ("Zoë's CRM sync", None, None)


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


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff"), "two\nlines", "a\x1b[31mred"])
def test_a_name_must_be_one_line_of_text(run, name):
    printed = run("key create --user ana@example.com --name", name, status=2)
    assert re.fullmatch(r"acare key create: .*--name.*\n", printed.err)


# --- key list and revoke


def test_the_list_shows_each_key_in_a_line(run, listed):
    key = run("key create --user ana@example.com --name sync --scope clients:read").out.strip()
    run("key create --user dana@example.com --role broker")
    text = run("key list").out
    first, second = text.splitlines()
    assert all(part in first for part in (listed()[0]["id"], "ana@example.com", "agent", "sync", "valid"))
    assert all(part in second for part in (listed()[1]["id"], "dana@example.com", "broker", "valid"))
    for out in (text, run("key list --json").out):
        assert (key in out, f"{key[:8]}…{key[-4:]}" in out) == (False, True)
    assert listed()[0].keys() == {
        "id", "user_id", "email", "role", "name", "preview", "scopes", "state",
        "created_at", "expires_at", "revoked_at", "last_used_at",
    }  # fmt: skip


def test_a_list_without_keys_is_empty(run, listed):
    acare.create_app(database="acare.db").close()
    assert (run("key list"), listed()) == (("", ""), [])


def test_a_revoked_key_stays_revoked(run, listed):
    run("key create --user ana@example.com")
    key_id = listed()[0]["id"]
    run(f"key revoke {key_id}")
    before = listed()
    run(f"key revoke {key_id}")
    assert (before[0]["state"], listed()) == ("revoked", before)


def test_an_id_that_no_key_has_is_a_failure(run):
    acare.create_app(database="acare.db").close()
    assert_one_line(run(f"key revoke {UNKNOWN_ID}", status=1), UNKNOWN_ID)


def test_keys_work_while_a_server_runs(start, run):
    """A new key and a revocation take effect with the next request; the use of a key is recorded."""
    server = start()
    key = run("key create --user ana@example.com --database served.db").out.strip()
    with closing(HttpCaller(server.url, key)) as ana, closing(HttpCaller(server.url, server.key)) as first:
        assert (ana.ask()[0], first.ask()[0]) == (200, 200)

        def keys():
            return json.loads(run("key list --json --database served.db").out)

        wait_for(lambda: keys()[0]["last_used_at"] is not None)
        run(f"key revoke {keys()[0]['id']} --database served.db")
        assert (ana.ask()[0], first.ask()[0]) == (200, 401)


# --- which database


def test_a_flag_names_the_database_before_the_variable(run, monkeypatch, tmp_path):
    monkeypatch.setenv("ACARE_DATABASE", "variable.db")
    run("key create --user ana@example.com --database flag.db")
    assert [path.name for path in tmp_path.iterdir()] == ["flag.db"]
    run("key create --user ana@example.com")
    assert {path.name for path in tmp_path.iterdir()} == {"flag.db", "variable.db"}


# --- help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_each_option(run, command):
    helped = run(f"{command} --help").out
    for option in COMMANDS[command]:
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", helped)
    options = re.findall(r"^  (\S.*)$", helped, re.MULTILINE)
    assert options
    for option in options:
        assert re.search(r"\S  +\S", option) or f"{option}\n       " in helped, option
    assert re.search(rf"^ +{command.split()[0]} ", run("--help").out, re.MULTILINE)


def test_a_command_imports_no_other_command():
    code = "import sys; from acare.cli import _parser; _parser(given=['find']); print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split()
    assert ("acare.cli.find" in imported, "acare.cli.import_" in imported) == (True, False)


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--database" in COMMANDS[command]])
def test_the_help_of_the_database_is_one_short_line(run, command):
    assert "the database file (acare.db) [ACARE_DATABASE]\n" in run(f"{command} --help").out


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_help_shows_each_default(run, setting):
    default = getattr(Settings(), setting.name)
    if setting.name == "rate_limit":
        default = f"{default.tokens}/{default.seconds}"
    told = (
        str(default).lower()
        if isinstance(default, bool)
        else {None: "none", (): "none"}.get(default, default)
    )
    assert f"({told}) [{setting.variable}]" in run("serve --help").out


# --- as a process


PROCESSES = {
    "--version": (0, re.escape(VERSION)),
    "serve": (2, "acare: ACARE_THREADS: '0' is not a whole number from 1 to 256\n"),
    "key list": (1, r"acare: acare\.db: .*\n"),
}


@pytest.mark.parametrize("command", PROCESSES)
def test_a_process_prints_a_line_and_an_exit_code(command):
    code, line = PROCESSES[command]
    ended = run_process(*command.split(), ACARE_THREADS="0")
    assert ended.returncode == code
    assert re.fullmatch(line, ended.stderr if code else ended.stdout)
    assert (ended.stdout if code else ended.stderr) == ""


def test_a_reader_that_ends_early_ends_the_command(run):
    """As ``acare openapi | head -1`` does."""
    line = [sys.executable, "-m", "acare", "openapi"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait(20)) == (b"", 1)


@pytest.mark.parametrize("arguments", [["key", "list"], ["key", "create", "--help"]])
def test_a_terminal_needs_only_ascii(run, arguments):
    run("key create --user ana@example.com")
    assert run_process(*arguments, PYTHONIOENCODING="ascii").stderr == ""


# --- mistakes and failures


def assert_one_line(printed, said):
    assert printed.out == ""
    assert re.fullmatch(r"acare[a-z ]*: [^\n]+\n", printed.err)
    assert said in printed.err


@pytest.mark.parametrize(("command", "said"), USAGE_ERRORS)
def test_a_usage_error_is_one_line(run, command, said):
    assert_one_line(run(command, status=2), said)


@pytest.mark.parametrize(("name", "text", "allowed"), WRONG_SETTINGS)
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_an_invalid_setting_is_reported_in_one_line(run, monkeypatch, command, name, text, allowed):
    flag, variable = "--" + name.replace("_", "-"), "ACARE_" + name.upper()
    monkeypatch.setenv(variable, text)
    for source, arguments in ((flag, f"{flag} {text}"), (variable, "")):
        if source == flag and name == "require_precondition":
            continue  # its flag takes no value
        printed = run(f"{command} {arguments}", status=2)
        assert_one_line(printed, allowed)
        assert f"{source}: '{text}'" in printed.err


def test_an_empty_database_name_is_a_usage_error(run):
    assert_one_line(run("key list --database", "", status=2), "--database: ''")


@pytest.fixture
def other_files(tmp_path):
    """A folder, a text and a database of another program; gives their names and contents."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.db").write_text("not a database " * 20)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE albums (title)")
    return lambda: {path.name: path.is_file() and path.read_bytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize(("command", "said"), FAILURES)
def test_a_failure_is_one_line_and_changes_nothing(run, other_files, command, said):
    before = other_files()
    assert_one_line(run(command, status=1), said)
    assert other_files() == before


def test_a_key_in_place_of_an_id_is_not_repeated(run):
    key = "0123456789abcdef" * 4
    printed = run(f"key revoke {key}", status=2)
    assert_one_line(printed, "UUID")
    assert key not in printed.err


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_a_failure_and_makes_no_database(run, tmp_path, command):
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        printed = run(f"{command} --listen {where}", status=1)
    assert_one_line(printed, where)
    assert printed.err.count("127.0.0.1") == 1
    assert "--listen or ACARE_LISTEN" in printed.err
    assert list(tmp_path.iterdir()) == []


def test_an_abbreviated_flag_is_refused(run):
    assert "unrecognized option --js" in run("key list --js", status=2).err
