"""A field added to fields.py and schema.sql, with a migration, works in the API, files and imports."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import command
from support.client import Api, fields_of, full_key
from support.data import JORDAN
from support.files import edit, query
from support.hosted import KEY, Hosted, by_id, listening

import acare
from acare.database.schema import SCHEMA_VERSION

ROOT = Path(__file__).resolve().parent.parent
NEXT = SCHEMA_VERSION + 1

# A table that refers to clients.
VISITS = "CREATE TABLE visits (client_id TEXT REFERENCES clients (id) ON DELETE CASCADE) STRICT;"
FIELD = 'Field("language", Enum(("en", "de")), "Language.", "de", default="en", hosted=False)'

# File, text, replacement.
EDITS = [
    ("acare/fields.py", 'Field("tags"', f'{FIELD}, Field("tags"'),
    ("acare/database/schema.py", f"SCHEMA_VERSION = {SCHEMA_VERSION}", f"SCHEMA_VERSION = {NEXT}"),
    ("schema.sql", f"user_version = {SCHEMA_VERSION}", f"user_version = {NEXT}"),
    ("schema.sql", "    tags  ", "    language TEXT NOT NULL CHECK (language IN ('en', 'de')),\n    tags  "),
    ("schema.sql", "'tags', json(tags),", "'language', language, 'tags', json(tags),"),
    ("schema.sql", "CREATE TABLE erasures", f"{VISITS}\n\nCREATE TABLE erasures"),
]
MIGRATION = """
ALTER TABLE clients RENAME TO clients_before;

CREATE TABLE clients ({definition}) STRICT;

INSERT INTO clients ({columns}, language)
SELECT {columns}, 'en'
FROM clients_before;

DROP TABLE clients_before;
"""


def copy_with_field(folder, columns):
    shutil.copytree(ROOT / "acare", folder / "acare")
    schema = Path(shutil.copy(ROOT / "schema.sql", folder))
    for name, old, new in EDITS:
        text = (folder / name).read_text("utf-8")
        assert text.count(old) == 1, old
        (folder / name).write_text(text.replace(old, new), "utf-8")
    definition = schema.read_text("utf-8").partition("TABLE clients (")[2].partition(") STRICT")[0]
    step = folder / "acare" / "database" / "migrations" / f"{SCHEMA_VERSION}_to_{NEXT}.sql"
    step.write_text(MIGRATION.format(definition=definition, columns=columns), "utf-8")


def retry(api):
    return api.ask("POST", "/v1/clients", JORDAN, 201, Idempotency_Key="k").headers.get("Idempotent-Replayed")


def use(folder, key, updated, deleted):
    """Print where a caller of the copy sees the field. ``updated``, at version 2, is older than the field."""
    database, rows = Path(folder, "acare.db"), Path(folder, "in.csv")
    rows.write_text("First Name,Last Name,Type,Language\nAnn,Ray,buyer,DE\n", "utf-8")
    with acare.create_app(database=database) as app:
        api = Api(app, key)
        seen = {"retried": retry(api)}
        seen["created"] = [api.create(language="de")["language"], api.create()["language"]]
        seen["invalid"] = fields_of(api.post({**JORDAN, "language": "fr"}, 400))
        seen["updated"] = api.put(updated, {"language": "de"}).json["data"]["language"]
        seen["conflict"] = api.put(updated, {"notes": "y", "version": 1}, 409).json["error"]["details"]
        seen["deleted"] = api.list("?deleted=true")["clients"]
        seen["restored"] = api.post(None, 200, f"/v1/clients/{deleted}/restore").json["data"]["language"]
        seen["history"] = api.get(f"/v1/clients/{updated}/history").json["data"]["versions"]
        seen["feed"] = api.get("/v1/changes").json["data"]["changes"]
        seen["visits"] = len(query(database, "SELECT * FROM visits"))
        seen["csv"] = api.get("/v1/clients.csv").text
        command.run("import", rows, "--user", "broker@example.com", "--database", database)
        seen["imported"] = api.list("?q=ann")["clients"]
    hosted, key_file = Hosted(), Path(folder, "key.txt")
    hosted.listed = None
    hosted.create(1)
    key_file.write_text(KEY)
    with listening(hosted) as url:
        where = ("--key-file", key_file, "--user", "broker@example.com", "--database", database)
        seen["moved"] = [command.run("import", url, *where).code, by_id(hosted.requests)]
    print(json.dumps(seen))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    with acare.create_app(database=folder / "acare.db") as app:
        api = Api(app, key := full_key(app))
        updated, deleted = api.create()["id"], api.create()["id"]
        api.put(updated, {"notes": "x"})
        api.delete(deleted)
        retry(api)
    edit(folder / "acare.db", f"{VISITS} INSERT INTO visits SELECT id FROM clients")
    names = query(folder / "acare.db", "SELECT name FROM pragma_table_info('clients')")
    copy_with_field(folder, ", ".join(name for (name,) in names))
    code = "import sys, test_new_field; test_new_field.use(*sys.argv[1:])"
    line = [sys.executable, "-c", code, folder, key, updated, deleted]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    ended = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def languages(clients):
    return [client["language"] for client in clients]


def test_a_new_field_is_validated_and_stored(seen):
    assert (seen["created"], seen["invalid"], seen["updated"]) == (["de", "en"], ["language"], "de")


def test_a_version_from_before_a_field_has_its_default(seen):
    changes = [{"field": "language", "from": "en", "to": "de"}]
    assert seen["history"][0]["changes"] == changes
    assert seen["conflict"]["changedFields"] == ["notes", "language"]
    assert (languages(seen["deleted"]), seen["restored"]) == (["en"], "en")


def test_a_request_from_before_a_field_can_be_retried(seen):
    assert seen["retried"] == "true"


def test_a_migration_keeps_rows_that_refer_to_clients(seen):
    assert seen["visits"] == 2


def test_a_new_field_is_in_the_feed_files_and_imports(seen):
    assert languages(change["client"] for change in seen["feed"]) == ["en", "de", "en", "de", "en"]
    assert "language,tags" in seen["csv"]
    assert languages(seen["imported"]) == ["de"]


def test_the_hosted_service_is_not_asked_for_an_own_field(seen):
    assert seen["moved"] == [0, []]
