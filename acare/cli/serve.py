"""``acare serve`` and ``acare demo``."""

import datetime
import io
import logging
import os
import re
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib import resources
from pathlib import Path

import acare
from acare import timestamps
from acare.app import App
from acare.auth import OPERATOR
from acare.cli import log
from acare.cli.options import command
from acare.config import SETTINGS, Setting, Settings, unknown_variables
from acare.errors import Refused
from acare.field_types import USER_EMAIL
from acare.importing.csv_reader import CsvReader
from acare.importing.importer import import_rows
from acare.importing.rows import Options
from acare.server import Server


def _settings_without(*names: str) -> tuple[Setting, ...]:
    return tuple(setting for setting in SETTINGS if setting.name not in names)


@command(settings=_settings_without("keep_days"))
def serve(settings: Settings) -> None:
    """Serve the API from one database file, which is created if it does not exist.

    If the file has no key, the command asks on a terminal for the e-mail address of the first broker, and
    prints a key for this user. Below, defaults are in parentheses, and environment variables in brackets. An
    option takes precedence over its variable.
    """
    # The usual limit of 1,024 open files is too low for 1,000 connections and the database.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    # A log would keep the key.
    _serve(settings, _ask_first_user if sys.stdin.isatty() and sys.stdout.isatty() else None)


@command(settings=_settings_without("database", "keep_days"))
def demo(settings: Settings) -> None:
    """Serve a temporary database with invented clients, which is deleted when the demo stops."""
    with tempfile.TemporaryDirectory(prefix="acare-demo-") as folder:
        heading = "Invented clients, which are deleted when the demo stops (Ctrl-C).\n"
        _serve(replace(settings, database=Path(folder, "demo.db")), _fill, heading)


def _ask_first_user(app: App) -> str:
    """The e-mail address of the first broker, from the terminal."""
    try:
        return str(USER_EMAIL(input("E-mail address of the first broker: ")))
    except (EOFError, ValueError):
        raise Refused("not started: the first broker needs an e-mail address") from None


def _serve(settings: Settings, first_user: Callable[[App], str] | None, heading: str = "") -> None:
    """Serve until a signal stops the server. ``heading`` is printed first.

    If there is no key, one is created for the broker ``first_user`` and printed; None: no key is created.
    """
    with log.configured(settings.log_format) as access, _listen(settings) as listener, ExitStack() as opened:
        app = opened.enter_context(App(settings, access_log=access))
        for name in unknown_variables():
            logging.getLogger("acare").warning("%s is not a setting; see 'acare serve --help'", name)
        # The URL at which this machine reaches the server, even if it listens on all addresses.
        host, port = listener.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        text = heading + _welcome(app, settings, url, first_user)
        server = Server(app, listener, settings.drain_seconds)
        opened.pop_all()  # the server closes the app
        _stop_on_signals(server)  # after the question, which it would keep open
        print(text, flush=True)
        _notify_systemd()
        # A thread that computes (a CSV file) holds Python's lock for this long while other requests wait.
        sys.setswitchinterval(0.0005)
        server.run()


def _stop_on_signals(server: Server) -> None:
    """Let SIGTERM, SIGINT and SIGHUP stop the server; a second SIGTERM or SIGINT ends the process at once."""

    def stop(*_: object) -> None:
        server.stop()
        for number in (signal.SIGTERM, signal.SIGINT):  # a closed terminal sends several SIGHUP
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # nohup ignores SIGHUP, and a script ignores SIGINT for what it starts with &; this server does not
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


def _notify_systemd() -> None:
    """Report the start to systemd, if a unit with ``Type=notify`` runs this process. (sd_notify(3))"""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            notified.sendto(b"READY=1", address.replace("@", "\0", 1))  # "@" begins an abstract address


def _listen(settings: Settings) -> socket.socket:
    """A listening socket, or Refused with the reason in one line."""
    host, _, port = settings.listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=1024)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]  # the rest repeats the address
        raise Refused(
            f"cannot listen on {settings.listen}: {reason}; --listen or ACARE_LISTEN sets another address"
        ) from None


def _welcome(app: App, settings: Settings, url: str, first_user: Callable[[App], str] | None) -> str:
    """The text printed at the start."""
    text = (
        f"acare {acare.__version__} serves {settings.database} at {url}/v1/clients\nThe web UI is at {url}/"
    )
    if app.keys.list(OPERATOR, limit=1).rows:
        return text
    if first_user is None:
        return f"{text}\nThe database has no API key yet: see 'acare key create --help'."
    broker = app.users.add(first_user(app), "broker")
    key = app.keys.create(OPERATOR, user_id=broker.id, name="first key").key
    # The link has the key in its fragment, which a browser does not send.
    return f"""\
{text}

The database had no API key. One was created for the broker {broker.email}. It is not shown again:

    {key}

Open the web UI; this link signs you in:

    {url}/#key={key}

Try a call:

    curl -s '{url}/v1/clients?status=active&limit=5' -H 'X-API-Key: {key}'
"""


def _fill(app: App) -> str:
    """Create the users and clients of the demo. Returns the e-mail address of the first broker.

    In its file, a number in braces is the date that many days from today.
    """
    for name in ("luis.ortega", "priya.raman", "tom.becker"):
        app.users.add(f"{name}@example.com", "agent")
    today = datetime.date.today()
    text = resources.files("acare.cli").joinpath("demo.csv").read_text("utf-8")
    text = re.sub(r"{([+-]\d+)}", lambda days: str(today + datetime.timedelta(int(days[1]))), text)
    import_rows(app.database, CsvReader(io.BytesIO(text.encode()), {}, ()), Options(timestamps.now(), {}))
    return "dana.whitfield@example.com"
