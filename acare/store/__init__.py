"""The statements on clients, users and keys. ``acare.database`` runs them.

Each ``...Store`` is used by the API or the commands, and ``erasures`` by a restore; the other modules are
parts of them.
"""

from acare.database.database import Database


class Store:
    """Runs statements on a database. A public method is one transaction, unless it says otherwise."""

    def __init__(self, database: Database) -> None:
        self._database = database
