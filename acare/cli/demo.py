"""``acare demo``: serve a temporary database with invented clients, the same at every start."""

from __future__ import annotations

import argparse
import json
import random
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from acare.app import create_app
from acare.auth import Role, operator_for
from acare.cli.options import SETTINGS_NOTE, Commands, add_flags, read_settings
from acare.cli.serve import say
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
_FIRST = ("Michael Jordan Emma Liam Olivia Noah Ava Sophia Mason Isabella Ethan Mia Lucas Amara Henry Zoë "
          "Diego Leila Kenji Fatima Owen Chloé Andre Ingrid Samuel Rosa").split()  # fmt: skip
_LAST = ("Torres Lee Nguyen Patel Johnson García Kim Okafor Rossi Müller Andersson Cohen Haddad Silva Novak "
         "Bennett Delgado Fischer O'Brien Yamamoto Carter Lindqvist Moreau Sandoval").split()  # fmt: skip
_PLACES = (
    "Bakersfield",
    "Tehachapi",
    "Seven Oaks",
    "Rosedale",
    "Stockdale",
    "Westchester",
    "Shafter",
    "Lamont",
)
_SOURCES = ("Zillow", "Referral", "Open house", "Website", "Realtor.com", None)
_TAGS = ("first-time", "relocation", "investor", "vip", "cash", "pre-approved", "downsizing")
_NOTES = (
    None,
    "Wants to move before school starts.",
    "Prefers calls after 5 pm.\nHas two dogs.",
    "Selling the family home; no hurry.",
)


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="serve a temporary database with invented clients",
        description=f"Serve {CLIENTS} invented clients from a database that is deleted when the demo stops.",
        epilog=SETTINGS_NOTE,
    )
    add_flags(parser, without=("database",))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # until the server handles it, stop as with Ctrl-C
    with tempfile.TemporaryDirectory(prefix="acare-demo-") as folder:
        settings = read_settings(args, database=Path(folder, "demo.db"))
        with logs.configured(settings.log_format) as access, listen(settings) as listener:
            app = create_app(settings=settings, access_log=access)
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


def _clients(rng: random.Random) -> Iterator[dict[str, object]]:
    """The bodies of the invented clients: plausible, and of every type and status."""
    for number in range(CLIENTS):
        first, last = rng.choice(_FIRST), rng.choice(_LAST)
        low = rng.randrange(150, 900, 25) * 1000
        approved = rng.random() < 0.4
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
            "property_preferences": _preferences(rng),
            "pre_approved": approved,
            "pre_approval_amount": low + 40_000 if approved else None,
            "notes": rng.choice(_NOTES),
            "tags": rng.sample(_TAGS, rng.randint(0, 3)),
        }


def _preferences(rng: random.Random) -> dict[str, object]:
    return {
        "bedrooms_min": rng.randint(1, 5),
        "bathrooms_min": rng.choice((1, 1.5, 2, 3)),
        "square_feet_min": rng.randrange(800, 3200, 100),
        "property_types": rng.sample(("house", "condo", "townhouse", "land"), rng.randint(1, 2)),
    }


def _uuid(rng: random.Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


def _welcome(url: str, key: str, client_id: str, page: bool) -> str:
    header = f"-H 'X-API-Key: {key}'"
    put = f"curl -s -X PUT {url}/v1/clients/{client_id} {header} -H 'Content-Type: application/json'"
    new = {"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}
    # The key is in the fragment, which a browser does not send.
    link = f"Open the page, signed in as the broker:\n\n    {url}/#key={key}\n\n" if page else ""
    return f"""\
acare demo: {CLIENTS} invented clients at {url}/v1/clients
They are deleted when the demo stops (Ctrl-C). The key of a broker, who sees all clients:

    {key}

{link}List, five to a page:

    curl -s '{url}/v1/clients?status=active&limit=5' {header}

Get one:

    curl -s {url}/v1/clients/{client_id} {header}

Create:

    curl -s {url}/v1/clients {header} -H 'Content-Type: application/json' -d '{json.dumps(new)}'

A version conflict: the first request creates version 2, so the second, which names version 1, is refused.

    {put} -d '{{"source": "Open day", "version": 1}}'
    {put} -d '{{"phone": "(661) 555-0142", "version": 1}}'
"""
