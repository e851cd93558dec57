"""``acare serve``."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import acare
from acare.app import App
from acare.cli.options import SETTINGS_NOTE, Commands, add_flags, read_settings
from acare.config import Settings, passed_sockets
from acare.errors import AcareError
from acare.server import logs
from acare.server.listener import listen
from acare.server.server import Server
from acare.store.keys import KeyStore

log = logging.getLogger("acare")

#: The user of the key that the first start on a new database creates.
FIRST_USER = "broker@localhost"


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "serve",
        help="serve the API",
        description="Serve the Clients API from one database file, which is created if it does not exist. If "
        "it has no key and the output is a terminal, a user and a key are created, and the key is printed.",
        epilog=SETTINGS_NOTE,
    )
    add_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = read_settings(args)
    with (
        logs.configured(settings.log_format) as access,
        errors_logged(settings),
        listen(settings, passed_sockets()) as listener,
    ):
        app = App(settings, access_log=access)
        with _behind_this_thread():
            server = Server(app, listener, settings, access)
        say(_welcome(settings, server.url, app.keys))
        return server.run()


@contextmanager
def errors_logged(settings: Settings) -> Iterator[None]:
    """In a JSON log, the error that ends the command is a line of the log too."""
    try:
        yield
    except Exception as error:
        if settings.log_format != "json":
            raise
        if isinstance(error, AcareError):
            log.error("%s", error)
        else:
            log.exception("unexpected error")
        raise SystemExit(1) from None


@contextmanager
def _behind_this_thread() -> Iterator[None]:
    """Schedule threads that start meanwhile after this one, which becomes the event loop: they would take
    Python's lock from it at each call into SQLite. An operator's own choice of a policy is kept. (Linux)"""
    if not hasattr(os, "SCHED_BATCH") or os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield
        return
    with suppress(PermissionError):  # in a sandbox
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # which threads inherit
    yield
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _first_key(keys: KeyStore) -> str:
    """A full-access key."""
    return keys.create(FIRST_USER, {"all": ["read", "write"]}, role="broker", name="first key").key


def _welcome(settings: Settings, url: str, keys: KeyStore) -> str:
    """The text printed at the start; with a first key only on a terminal, because a log would keep it."""
    text = f"acare {acare.__version__} serves {settings.database} at {url}/v1/clients"
    if settings.page:
        text += f"\nThe page for people is at {url}/"
    if keys.any():
        return text
    if not sys.stdout.isatty():
        return (
            f"{text}\nThe database has no key yet. To create one: acare key create --user EMAIL --role "
            f"broker --database {shlex.quote(str(settings.database))}"
        )
    first_key = _first_key(keys)
    return f"""\
{text}

The database had no API key. A first one was created, for the broker {FIRST_USER}. It is shown only now:

    {first_key}

{"Sign in to the page with it, or try" if settings.page else "Try"} a call:

    curl -s {url}/v1/clients -H 'X-API-Key: {first_key}'
"""


def say(text: str) -> None:
    """Print for the person who starts the server; the log is on stderr."""
    print(text, file=sys.stdout, flush=True)
