"""Verification of the content of a database: rows that contradict each other, and the full-text index."""

import sqlite3
from pathlib import Path

from acare.database.schema import SCHEMA_VERSION
from acare.fields import FIELD_NAMES
from acare.store import search
from acare.store.lists import count

#: Statements that find rows that contradict each other, and return a text for each. They are separated by
#: empty lines. ``{json}`` is the expression that generates the JSON of a client, ``{paths}`` are its fields
#: other than id, user_id and version.
CONTRADICTIONS = Path(__file__).with_name("verification.sql")

CLIENTS_SQL = "SELECT max(sql) FROM sqlite_schema WHERE name = 'clients'"


def check_content(connection: sqlite3.Connection) -> int:
    """Check the content of a database of any schema. Returns its number of clients.

    sqlite3.DatabaseError for the first error.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    _check_contradictions(connection, version)
    if version == SCHEMA_VERSION and connection.execute(search.PENDING).fetchone() == (0,):
        connection.execute("BEGIN")
        try:
            connection.execute(search.COMPARE)
        except sqlite3.OperationalError:
            raise  # interrupted
        except sqlite3.DatabaseError as error:
            reason = f"the full-text index, which 'acare compact' makes anew: {error}"
            raise sqlite3.IntegrityError(reason) from None
        connection.execute("ROLLBACK")
    return count(connection)


def _check_contradictions(connection: sqlite3.Connection, version: int) -> None:
    """sqlite3.IntegrityError if rows contradict each other, which SQLite itself cannot see."""
    ((sql,),) = connection.execute(CLIENTS_SQL).fetchall()
    expression = sql.partition(" AS ")[2].partition(" STORED")[0]
    paths = ", ".join(f"'$.{name}'" for name in (*FIELD_NAMES, "created_at", "updated_at"))
    script = CONTRADICTIONS.read_text("utf-8").replace("{json}", expression).replace("{paths}", paths)
    for statement in script.split("\n\n"):
        if version > 2 or "client_changes" not in statement:  # a table that schema 2 lacks
            for (problem,) in connection.execute(statement):
                raise sqlite3.IntegrityError(problem)
