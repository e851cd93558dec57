"""``acare demo``: serve a temporary database with invented clients, the same at every start."""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from acare.app import App
from acare.auth import Role, operator_for
from acare.cli.options import SETTINGS_NOTE, Commands, add_command, add_flags, read_settings
from acare.cli.serve import errors_logged, say
from acare.database.database import Database
from acare.fields import CLIENT_TYPES, STATUSES, validate_create
from acare.server import logs
from acare.server.listener import listen
from acare.server.server import Server
from acare.store.clients import ClientStore
from acare.store.keys import KeyStore

CLIENTS = 250

_USERS: tuple[tuple[Role, str], ...] = (
    ("broker", "dana.whitfield"),
    ("agent", "luis.ortega"),
    ("agent", "priya.raman"),
)
_FIRST = "Michael Emma Liam Olivia Noah Ava Mason Isabella Amara Henry Zoë Diego Kenji Chloé".split()
_LAST = "Torres Lee Nguyen Patel García Kim Okafor Rossi Müller Cohen Silva O'Brien".split()
_PLACES = ("Bakersfield", "Tehachapi", "Seven Oaks", "Rosedale", "Shafter")
_SOURCES = ("Zillow", "Referral", "Open house", "Website", None)
_TAGS = ("first-time", "relocation", "investor", "vip", "cash")
_NOTES = (None, "Wants to move before school starts.", "Prefers calls after 5 pm.\nHas two dogs.")


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands, "demo", run, "serve a temporary database with invented clients", database=False,
        description=f"Serve {CLIENTS} invented clients from a database that is deleted when the demo stops.",
        epilog=SETTINGS_NOTE,
    )  # fmt: skip
    add_flags(parser, without=("database",))


def run(args: argparse.Namespace) -> int:
    # Until the server handles it, SIGTERM ends the demo as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="acare-demo-") as folder:
        settings = read_settings(args, database=Path(folder, "demo.db"))
        with (
            logs.configured(settings.log_format) as access,
            errors_logged(settings),
            listen(settings) as listener,
        ):
            app = App(settings, access_log=access)
            key, shown = _invent(app.database)
            server = Server(app, listener, settings, access)
            say(_welcome(server.url, key, shown, page=settings.page))
            return server.run()


def _invent(database: Database) -> tuple[str, str]:
    """Fill the database. Returns the key of a broker and the id of the newest client."""
    rng = random.Random("acare")
    keys = KeyStore(database, new_id=lambda: _uuid(rng))
    scopes = {"all": ["read", "write"]}
    users = [keys.create(f"{name}@example.com", scopes, role=role) for role, name in _USERS]
    clients = ClientStore(database, new_id=lambda: _uuid(rng))
    made = [
        clients.create(operator_for(rng.choice(users).user_id), validate_create(body))
        for body in _clients(rng)
    ]
    return users[0].key, made[-1].id


def _uuid(rng: random.Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


def _clients(rng: random.Random) -> Iterator[dict[str, object]]:
    """The bodies of the invented clients: plausible, and of every type and status."""
    for number in range(CLIENTS):
        first, last = rng.choice(_FIRST), rng.choice(_LAST)
        low = rng.randrange(150, 900, 25) * 1000
        ascii_name = f"{first}.{last}".lower().encode("ascii", "ignore").decode().replace("'", "")
        yield {
            "first_name": first,
            "last_name": last,
            "email": f"{ascii_name}.{number}@example.com",
            "phone": f"({rng.choice((661, 559, 805))}) 555-01{number % 100:02}",
            "client_type": CLIENT_TYPES[number % 3],
            "status": STATUSES[number // 3 % 3],
            "source": rng.choice(_SOURCES),
            "budget_min": low,
            "budget_max": low + rng.randrange(50, 300, 25) * 1000,
            "preferred_locations": rng.sample(_PLACES, rng.randint(0, 3)),
            "property_preferences": {"bedrooms_min": rng.randint(1, 5), "property_types": ["house"]},
            "pre_approved": rng.random() < 0.4,
            "notes": rng.choice(_NOTES),
            "tags": rng.sample(_TAGS, rng.randint(0, 3)),
        }


def _welcome(url: str, key: str, client_id: str, page: bool) -> str:
    # The key is in the fragment, which a browser does not send.
    link = f"Open the page, signed in as the broker:\n\n    {url}/#key={key}\n\n" if page else ""
    client, header = f"{url}/v1/clients/{client_id}", f"-H 'X-API-Key: {key}'"
    return f"""\
acare demo: {CLIENTS} invented clients at {url}/v1/clients
They are deleted when the demo stops (Ctrl-C). The key of a broker, who sees all clients:

    {key}

{link}List, five to a page:

    curl -s '{url}/v1/clients?status=active&limit=5' {header}

A version conflict: the first request creates version 2, so the second, which names version 1, is refused.

    curl -s -X PUT {client} {header} -H 'Content-Type: application/json' -d '{{"source": "Ad", "version": 1}}'
    curl -s -X PUT {client} {header} -H 'Content-Type: application/json' -d '{{"phone": "555", "version": 1}}'
"""
