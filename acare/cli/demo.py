"""``acare demo``: serve a temporary database with invented clients."""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from acare.app import App
from acare.auth import OPERATOR, caller_without_key
from acare.cli.options import SETTINGS_NOTE, Commands, add_command, read_settings
from acare.cli.serve import serve
from acare.config import SETTINGS
from acare.fields import CLIENT_TYPES, STATUSES, validate_create

CLIENTS = 250

_FIRST = "Michael Emma Liam Olivia Noah Ava Mason Isabella Amara Henry Zoë Diego Kenji Chloé".split()
_LAST = "Torres Lee Nguyen Patel García Kim Okafor Rossi Müller Cohen Silva O'Brien".split()


def add_to(commands: Commands) -> None:
    add_command(
        commands, "demo", run, "serve a temporary database with invented clients",
        settings=[setting.name for setting in SETTINGS if setting.name != "database"],
        description=f"Serve {CLIENTS} invented clients from a database that is deleted when the demo stops.",
        epilog=SETTINGS_NOTE,
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="acare-demo-") as folder:
        settings = read_settings(args, database=Path(folder, "demo.db"))
        return serve(settings, lambda app, url: _welcome(url, *_fill(app), page=settings.page))


def _fill(app: App) -> tuple[str, str]:
    """Create the users and clients. Returns the key of a broker and the id of the newest client."""
    broker = app.users.add("dana.whitfield@example.com", "broker")
    agents = [app.users.add(f"{name}@example.com", "agent") for name in ("luis.ortega", "priya.raman")]
    rng = random.Random("acare")  # the same clients at every start
    for body in _clients(rng):
        owner = rng.choice([broker, *agents])
        client = app.clients.create(caller_without_key(owner.id), validate_create(body))
    key = app.keys.create(OPERATOR, user_id=broker.id).key
    return key, client.id


def _clients(rng: random.Random) -> Iterator[dict[str, object]]:
    """The bodies of the invented clients: plausible, and of every type and status."""
    for number in range(CLIENTS):
        low = rng.randrange(150, 900, 25) * 1000
        yield {
            "first_name": rng.choice(_FIRST),
            "last_name": rng.choice(_LAST),
            "email": f"client.{number}@example.com",
            "phone": f"(661) 555-01{number % 100:02}",
            "client_type": CLIENT_TYPES[number % 3],
            "status": STATUSES[number // 3 % 3],
            "source": rng.choice(("Zillow", "Referral", "Open house", None)),
            "budget_min": low,
            "budget_max": low + 150_000,
            "preferred_locations": rng.sample(("Bakersfield", "Tehachapi", "Rosedale", "Shafter"), 2),
            "pre_approved": rng.random() < 0.4,
            "tags": rng.sample(("first-time", "relocation", "investor", "vip"), rng.randint(0, 2)),
        }


def _welcome(url: str, key: str, client_id: str, page: bool) -> str:
    # The key is in the fragment, which a browser does not send.
    link = f"Open the web UI, signed in as the broker:\n\n    {url}/#key={key}\n\n" if page else ""
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
