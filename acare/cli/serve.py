"""``acare serve``."""

from __future__ import annotations

import argparse
import sys

import acare
from acare.app import create_app
from acare.cli.options import Commands, add_flags, read_settings
from acare.config import Settings, passed_sockets
from acare.server import logs
from acare.server.listener import listen
from acare.server.server import Server
from acare.store.keys import KeyStore

#: Whose key the first start on a new database makes.
FIRST_USER = "broker@localhost"


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "serve",
        help="serve the API",
        description="Serve the Clients API from one database file. On a database without any key it makes "
        "a first user and a key, and prints the key once.",
        epilog="Each setting can be given as the variable in brackets instead; a flag beats the variable.",
    )
    add_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = read_settings(args)
    with (
        logs.configured(settings.log_format) as access,
        listen(settings, passed_sockets()) as listener,
    ):
        app = create_app(settings=settings, access_log=access)
        server = Server(app, listener, settings, access)
        say(_welcome(settings, server.url, _first_key(app.keys)))
        return server.run()


def _first_key(keys: KeyStore) -> str | None:
    """A key that may everything, if the database has none at all."""
    if keys.any():
        return None
    return keys.create(FIRST_USER, {"all": ["read", "write"]}, role="broker", name="first key").key


def _welcome(settings: Settings, url: str, first_key: str | None) -> str:
    text = f"acare {acare.__version__} serves {settings.database} at {url}/v1/clients"
    if first_key is None:
        return text
    return f"""\
{text}

This database had no key yet. Here is the first one, of {FIRST_USER}. It is shown only now:

    {first_key}

Try it:

    curl -s {url}/v1/clients -H 'X-API-Key: {first_key}'
"""


def say(text: str) -> None:
    """Print for the person who started the server; what a program reads is in the log on stderr."""
    print(text, file=sys.stdout, flush=True)
