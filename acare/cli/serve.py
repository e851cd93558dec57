"""``acare serve``."""

from __future__ import annotations

import argparse
import resource
import shlex
import socket
import sys
from collections.abc import Callable

import acare
from acare.app import App
from acare.auth import OPERATOR
from acare.cli import log
from acare.cli.options import SETTINGS_NOTE, Commands, add_command, read_settings
from acare.config import SETTINGS, Settings
from acare.errors import StoreUnavailable, UserError
from acare.server.server import Server

#: The user of the key that the first start on a new database creates.
FIRST_USER = "broker@localhost"

_BACKLOG = 1024  # connections that wait to be accepted


def add_to(commands: Commands) -> None:
    add_command(
        commands, "serve", run, "serve the API",
        settings=[setting.name for setting in SETTINGS],
        description="Serve the Clients API from one database file, which is created if it does not exist. If "
        "the file has no key and stdout is a terminal, a user and a key are created, and the key is printed.",
        epilog=SETTINGS_NOTE,
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    settings = read_settings(args)
    # The usual limit of 1,024 open files is too low for 1,000 connections and the database.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    try:
        return serve(settings, lambda app, url: _welcome(settings, url, app))
    except StoreUnavailable as error:  # for example because the file is damaged
        raise UserError(f"{settings.database}: {error}") from None


def serve(settings: Settings, welcome: Callable[[App, str], str]) -> int:
    """Serve until a signal stops the server. ``welcome`` returns the text to print."""
    with log.configured(settings.log_format) as access, _listen(settings) as listener:
        app = App(settings, access_log=access)
        server = Server(app, listener, settings)
        print(welcome(app, _url(listener)), flush=True)
        return server.run()


def _listen(settings: Settings) -> socket.socket:
    """A listening socket, or UserError with the reason in one line."""
    address = settings.listen
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]  # the rest repeats the address
        raise UserError(
            f"cannot listen on {address}: {reason}; --listen or ACARE_LISTEN sets another address"
        ) from None


def _url(listener: socket.socket) -> str:
    """The URL at which this machine reaches the server, even if it listens on all addresses."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _welcome(settings: Settings, url: str, app: App) -> str:
    """The text printed at the start; with a first key only on a terminal, because a log would keep it."""
    text = f"acare {acare.__version__} serves {settings.database} at {url}/v1/clients"
    if settings.page:
        text += f"\nThe web UI is at {url}/"
    if app.keys.list(OPERATOR):
        return text
    if not sys.stdout.isatty():
        return (
            f"{text}\nThe database has no key yet. To create one: acare key create --user EMAIL --role "
            f"broker --scope all:read,write --database {shlex.quote(str(settings.database))}"
        )
    broker = app.users.add(FIRST_USER, "broker")
    first_key = app.keys.create(OPERATOR, user_id=broker.id, name="first key").key
    return f"""\
{text}

The database had no API key. One was created for the broker {FIRST_USER}. It is shown only now:

    {first_key}

{"Sign in to the web UI with it, or try" if settings.page else "Try"} a call:

    curl -s {url}/v1/clients -H 'X-API-Key: {first_key}'
"""
