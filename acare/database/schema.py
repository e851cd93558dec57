"""The schema: the text of schema.sql, and how the schema of a database file differs from it.

Further tables, and further plain indexes, do not matter: tools such as Litestream keep tables of their own in
the file. Every other object that schema.sql does not define is a difference: a trigger on any table can
write to acare's tables, and a foreign key to them can keep a client from being erased.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from acare.database.connection import open_file

#: The oldest version that can be migrated to it. The commit 3b46be3c migrates versions 2 and 3 to it.
OLDEST_VERSION = 4

# The casts are for damaged files, in which a value can have any type.
OBJECTS = """
SELECT CAST(type AS TEXT), CAST(name AS TEXT), CAST(sql AS TEXT)
FROM sqlite_schema
WHERE sql IS NOT NULL
"""

REFERENCES = """
SELECT CAST(tables.name AS TEXT), lower(CAST(keys."table" AS TEXT))
FROM pragma_table_list AS tables, pragma_foreign_key_list(tables.name) AS keys
"""

# A literal, a name in quotes (ALTER TABLE adds them), white space and comments, and any other word or symbol.
# A character that SQLite does not take for white space, such as a no-break space, is a symbol.
_TOKEN = re.compile(
    r"""('(?:[^']|'')*') | (?<!")"(\w+)"(?!") | (?:[ \t\n\f\r]|--[^\n]*|/\*.*?\*/)+ | (\w+|.)""",
    re.VERBOSE | re.DOTALL,
)

# What a file may have that is not in schema.sql: a table, or an index on columns that is neither unique nor
# partial. The SQL decides, because SQLite follows it, whatever type and name the row has.
_COLUMN = r"\w+( COLLATE (BINARY|NOCASE|RTRIM))?( ASC| DESC)?"
_ALLOWED = re.compile(
    rf"CREATE TABLE .*|CREATE INDEX \w+ ON \w+ \( {_COLUMN}( , {_COLUMN})* \)", re.IGNORECASE | re.DOTALL
)


def text() -> str:
    """The text of schema.sql, which is inside the package in a wheel and next to it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    folder = package if (package / "schema.sql").exists() else package.parent
    return (folder / "schema.sql").read_text(encoding="utf-8")


def _version() -> int:
    found = re.search(r"^PRAGMA user_version = (\d+);", text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


#: ``PRAGMA user_version`` of the files that this version of acare creates.
SCHEMA_VERSION = _version()


def objects() -> dict[str, tuple[str, str, str]]:
    """The kind, name and SQL of each object of schema.sql, in its order, by its normalized SQL."""
    with closing(open_file(None)) as reference:
        reference.executescript(text())
        return {
            _normalize(sql): (kind, name, sql)
            for kind, name, sql in reference.execute(OBJECTS)
            # Versions of SQLite may define the tables of a full-text index differently.
            if kind != "table" or not name.startswith("clients_search_")
        }


def difference(connection: sqlite3.Connection) -> str | None:
    """The first difference between the database's schema and schema.sql, as a clause; None if they agree.

    Compares the SQL of each object, without white space, comments and quotes of names. A foreign key from
    another table to one of acare's is also a difference.
    """
    missing = objects()
    names = {name for _, name, _ in missing.values()}
    for kind, name, sql in connection.execute(OBJECTS).fetchall():
        normal = _normalize(sql)
        if missing.pop(normal, None) is None and (name in names or not _ALLOWED.fullmatch(normal)):
            return f"the {kind} {name} is {'different' if name in names else 'not in schema.sql'}"
    for table, parent in connection.execute(REFERENCES).fetchall():
        if table not in names and parent in names:
            return f"the table {table} has a foreign key to {parent}"
    for kind, name, _ in missing.values():
        return f"the {kind} {name} is missing"
    return None


def _normalize(sql: str) -> str:
    return " ".join(match[match.lastindex] for match in _TOKEN.finditer(sql) if match.lastindex)
