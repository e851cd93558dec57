"""Makes the fixture of a schema, with the code that created it: see old_schema.py.

Usage, in a checkout of the last commit of the schema: PYTHONPATH=.:tests python tests/support/dump_schema.py

It migrates the fixture of the schema before, changes it over the API, and prints it as SQL and as answers.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from support import old_schema
from support.client import Api

import acare
from acare.database.schema import SCHEMA_VERSION, objects
from acare.store.deleted import DeletedClients

NOTES = " ".join(f"smith{chr(ord('a') + n % 26)}{n} dinner" for n in range(120))
SHADOW = (
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'clients\\_search\\_%' ESCAPE '\\'"
)


def change(app: acare.App) -> str:
    """Change something of each kind. Returns the feed's cursor from before."""
    broker, ana, ben = (Api(app, key) for key in (old_schema.BROKER, old_schema.ANA, old_schema.BEN))
    cursor: str = broker.get("/v1/changes?after=now").json["data"]["meta"]["cursor"]
    made = broker.post({"name": "tablet", "scopes": {"clients": ["read"]}}, path="/v1/keys").json["data"]
    edit_key = "UPDATE api_keys SET sha256 = ?, preview = ? WHERE id = ?"
    values = hashlib.sha256(b"8" * 64).digest(), "88888888…8888", made["id"]
    app.database.write(lambda connection: connection.execute(edit_key, values))
    oskar = ben.create(first_name="Oskar", last_name="Müller-Björk", phone="+49 (0)40 1234567", notes=NOTES)
    gone, back, erased = (ben.create(first_name=name, last_name="Gone")["id"] for name in "GBE")
    ana.ask("POST", "/v1/clients", old_schema.SENT, 201, Idempotency_Key=f"ana-{SCHEMA_VERSION}")
    ben.put(oskar["id"], {"tags": ["söder", "vip"], "property_preferences": {"lot": 2**53 + 1}})
    broker.ask("POST", f"/v1/clients/{oskar['id']}/owner", {"user_id": ana.user_id()})
    for client_id in (gone, back, erased):
        ben.delete(client_id)
    broker.ask("POST", f"/v1/clients/{back}/restore")
    DeletedClients(app.database).erase(erased)
    return cursor


def answers(app: acare.App, cursor: str) -> dict[str, object]:
    lists = {
        key[0]: Api(app, key).list("?limit=100")
        for key in (old_schema.BROKER, old_schema.ANA, old_schema.ANA_READS, old_schema.BEN)
    }
    deleted = Api(app, old_schema.BROKER).list("?deleted=true&limit=100")
    history = {}
    for client in lists["1"]["clients"] + deleted["clients"]:
        path = f"/v1/clients/{client['id']}/history"
        history[client["id"]] = Api(app, old_schema.BROKER).get(path).json["data"]["versions"]
    changes = Api(app, old_schema.BROKER).get(f"/v1/changes?after={cursor}").json["data"]["changes"]
    removals = [[change["id"], change.get("removedAt")] for change in changes]
    return {"lists": lists, "deleted": deleted, "history": history, "cursor": cursor, "changes": removals}


def dump(connection: sqlite3.Connection) -> Iterator[str]:
    """The statements that make the database, with the full-text index as it is."""
    yield "PRAGMA application_id = 1633902962"
    yield f"PRAGMA user_version = {SCHEMA_VERSION}"
    found = list(objects().values())
    for kind, name, sql in sorted(found, key=lambda each: each[0] == "trigger"):
        yield sql
        if sql.startswith("CREATE VIRTUAL TABLE"):
            for (shadow,) in connection.execute(SHADOW).fetchall():
                yield f"DELETE FROM {shadow}"
                yield from rows(connection, shadow)
        elif kind == "table":
            yield from rows(connection, name)


def rows(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    # Generated columns are hidden from table_info.
    names = [name for (name,) in connection.execute(f"SELECT name FROM pragma_table_info('{table}')")]
    quoted = " || ', ' || ".join(f"quote({name})" for name in names)
    for (values,) in connection.execute(f"SELECT {quoted} FROM {table}"):
        yield f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"


def main() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "acare.db"
        old_schema.write_to(path, SCHEMA_VERSION - 1)
        with acare.create_app(database=path, rate_limit="off") as app:
            answered = answers(app, change(app))
        with closing(sqlite3.connect(path)) as connection:
            text = ";\n".join(dump(connection))
    name = Path(__file__).with_name(f"schema-{SCHEMA_VERSION}")
    name.with_suffix(".sql").write_text(f"{text};\n", "utf-8")
    name.with_name(f"{name.name}-answers.json").write_text(
        f"{json.dumps(answered, ensure_ascii=False)}\n", "utf-8"
    )


if __name__ == "__main__":
    main()
