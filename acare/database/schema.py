"""The schema: the text of schema.sql, and how the schema of a database file differs from it.

Objects that schema.sql does not define are ignored: tools such as Litestream keep tables of their own in the
file, and an operator may add an index.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from acare.database.connection import open_in_memory
from acare.errors import DatabaseRefused

#: ``PRAGMA user_version`` of the files that this version of acare creates, as in schema.sql.
SCHEMA_VERSION = 3

# The casts are for damaged files, in which a value can have any type. The tables in which FTS5 keeps an index
# ("shadow" tables) are left out, since other versions of SQLite may define them differently.
OBJECTS = """
SELECT CAST(type AS TEXT), CAST(name AS TEXT), CAST(sql AS TEXT)
FROM sqlite_schema
WHERE sql IS NOT NULL
    AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')
"""

COLUMNS = """
SELECT name
FROM pragma_table_xinfo(:table)
"""

# White space and comments match without a group. A name is the same with and without quotes, which
# ALTER TABLE RENAME adds, and in either case; a string literal is compared exactly.
_TOKEN = re.compile(
    r"""
    \s+ | --[^\n]* | /\*.*?(?:\*/|\Z)
    | (?P<literal> '(?:[^']|'')*')
    | "(?P<name> (?:[^"]|"")*)" | \[(?P<bracketed> [^\]]*)\] | `(?P<backticked> (?:[^`]|``)*)`
    | (?P<word> [\w$]+)
    | (?P<symbol> .)
    """,
    re.VERBOSE | re.DOTALL,
)

_Objects = dict[tuple[str, str], str]  # (type, name) -> SQL


def text() -> str:
    """The text of schema.sql, which is inside the package in a wheel and next to it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for place in (package / "schema.sql", package.parent / "schema.sql"):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise DatabaseRefused("schema.sql is missing from this installation of acare; reinstall acare")


def difference(connection: sqlite3.Connection) -> str | None:
    """The first difference between the database's schema and schema.sql, as a clause; None if they agree.

    Compares the SQL of tables, views, indexes and triggers, without white space, comments and quotes
    of names.
    """
    expected, found = _defined_by(text()), _objects(connection)
    for (kind, name), sql in expected.items():
        if (kind, name) not in found:
            return f"the {kind} {name} is missing"
        if found[kind, name] == sql or tokens(found[kind, name]) == tokens(sql):
            continue
        if kind == "table":
            with closing(open_in_memory()) as reference:
                reference.executescript(text())
                return _table_difference(name, columns(connection, name), columns(reference, name))
        return f"the {kind} {name} is different"
    return None


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """The names of the columns of a table."""
    return [name for (name,) in connection.execute(COLUMNS, {"table": table})]


@functools.cache
def _defined_by(script: str) -> _Objects:
    """The objects that a script creates; kept, since one command compares several files."""
    with closing(open_in_memory()) as reference:
        reference.executescript(script)
        return _objects(reference)


def tokens(sql: str) -> list[str]:
    """The tokens of a statement, without white space, comments and the quotes and case of names."""
    found = _TOKEN.finditer(sql)
    return [
        match[0] if match.lastgroup == "literal" else match[match.lastgroup].lower()
        for match in found
        if match.lastgroup
    ]


def _objects(connection: sqlite3.Connection) -> _Objects:
    rows = connection.execute(OBJECTS).fetchall()
    return {(kind, name.lower()): sql for kind, name, sql in rows}


def _table_difference(table: str, found: list[str], expected: list[str]) -> str:
    for column in expected:
        if column not in found:
            return f"the table {table} lacks the column {column}"
    for column in found:
        if column not in expected:
            return f"the table {table} has the unknown column {column}"
    return f"the columns or constraints of the table {table} are different"
