"""The statements on clients, users and keys. ``acare.database`` runs them.

``clients``, ``history``, ``users`` and ``keys`` have the stores that the API and the commands use, and
``erasures`` what a restore carries over; the other modules are parts of them.
"""

from acare.database.database import Database


class Store:
    """Runs statements on a database. A public method is one transaction, unless it says otherwise."""

    def __init__(self, database: Database) -> None:
        self._database = database
