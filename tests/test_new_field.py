"""The usual changes of the guide, made as edits of a copy of the package: they work, and touch few files."""

import json
import os
import re
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
from support.openapi import codes, follow
from support.page import FENCE

import acare
from acare.database.schema import SCHEMA_VERSION
from acare.errors import Refused
from acare.fields import FIELD_NAMES

ROOT = Path(__file__).resolve().parent.parent
NEXT = SCHEMA_VERSION + 1
MIGRATION = f"acare/database/migrations/{SCHEMA_VERSION}_to_{NEXT}.sql"
GUIDE = (ROOT / "acare" / "README.md").read_text("utf-8").partition("## Where a change goes")[2]
REBUILD = next(text for language, text in FENCE.findall(GUIDE) if language == "sql")

# A table that refers to clients.
VISITS = "CREATE TABLE visits (client_id TEXT REFERENCES clients (id) ON DELETE CASCADE) STRICT;"

TYPE = 'Enum(("en", "de"))'

# What 0.3.0 stored of the same request, with its digest of all fields.
STORED_BY_0_3_0 = """
INSERT INTO idempotency_keys
SELECT
    user_id, '0.3.0', X'17F419C3F7D17EFD7B45BE2D084819C89FCC5BB87BEEE4020A848B9DB15A101E', client_id, json,
    created_at
FROM idempotency_keys;
"""

# Change → file → what is added before which text.
CHANGES = {
    "field": {
        "acare/fields.py": {
            'Field("tags"': f'Field("language", {TYPE}, "", "de", default="en", hosted=False), '
        },
        "schema.sql": {
            "CREATE TABLE erasures": f"{VISITS}\n\n",
            "    tags  ": "    language TEXT NOT NULL CHECK (language IN ('en', 'de')),\n",
            "        'tags', json(tags),": "        'language', language,\n",
        },
        MIGRATION: {},
        "acare/web/record.mjs": {'["source", "text"]': '["language", "choice", ["en", "de"]],\n\t'},
        "acare/web/values.mjs": {'pre_approved: "Pre': 'language: "Speaks",\n\t'},
        "acare/api/README.md": {"| `tags` |": "| `language` | `en` or `de` | `en` |\n"},
    },
    "filter": {
        "acare/filters.py": {
            '"tag": Parameter(': '"language": Parameter(Enum(("en", "de")), "Only these."),\n    '
        },
        "acare/store/list_statements.py": {'"tag": "EXISTS': '"language": "language = :language",\n    '},
    },
    "error": {
        "acare/api/envelope.py": {'"LAST_BROKER": ': '"CLIENT_BUSY": ErrorCode(409, "It is busy."),\n    '},
        "acare/api/openapi.md": {"PRECONDITION_FAILED |\n| getClientHistory": "CLIENT_BUSY, "},
    },
    "setting": {
        "acare/config.py": {
            "agency: str | None =": 'motto: str | None = _setting(None, NAME, "TEXT", "a motto")\n    '
        },
        "acare/api/public.py": {'"currency": currency': '"motto": services.settings.motto, '},
    },
}
MAX_FILES = {"field": 6, "filter": 2, "error": 2, "setting": 2}


def make_changes(folder, columns):
    shutil.copytree(ROOT / "acare", folder / "acare")
    schema = Path(shutil.copy(ROOT / "schema.sql", folder))
    for name, additions in (file for change in CHANGES.values() for file in change.items()):
        for place, added in additions.items():
            text = (folder / name).read_text("utf-8")
            assert text.count(place) == 1, place
            (folder / name).write_text(text.replace(place, added + place), "utf-8")
    text = schema.read_text("utf-8").replace(f"user_version = {SCHEMA_VERSION}", f"user_version = {NEXT}")
    schema.write_text(text, "utf-8")
    definition = re.search(r"TABLE clients (\(.*?\n\)) STRICT", text, re.DOTALL)[1]
    script = REBUILD.replace("(...)", definition, 1)
    for values in (f"{columns}, language", f"{columns}, 'en'"):
        script = script.replace("...", values, 1)
    (folder / MIGRATION).write_text(script, "utf-8")


def retry(api, key="now"):
    answer = api.ask("POST", "/v1/clients", JORDAN, 201, Idempotency_Key=key)
    return answer.headers.get("Idempotent-Replayed")


def use(folder, key, updated, deleted):
    """Print where a caller of the copy sees the changes. ``updated``, at version 2, is older than them."""
    database, rows = Path(folder, "acare.db"), Path(folder, "in.csv")
    rows.write_text("First Name,Last Name,Type,Language\nAnn,Ray,buyer,DE\n", "utf-8")
    with acare.create_app(database=database, motto="Home") as app:
        api = Api(app, key)
        seen = {"retried": [retry(api), retry(api, "0.3.0")]}
        seen["created"] = [api.create(language="de")["language"], api.create()["language"]]
        seen["invalid"] = fields_of(api.post({**JORDAN, "language": "fr"}, 400))
        seen["updated"] = api.put(updated, {"language": "de"}).json["data"]["language"]
        seen["conflict"] = api.put(updated, {"notes": "y", "version": 1}, 409).json["error"]["details"]
        seen["deleted"] = api.list("?deleted=true")["clients"]
        seen["restored"] = api.post(None, 200, f"/v1/clients/{deleted}/restore").json["data"]["language"]
        seen["history"] = api.get(f"/v1/clients/{updated}/history").json["data"]["versions"]
        seen["feed"] = api.get("/v1/changes").json["data"]["changes"]
        seen["visits"] = len(query(database, "SELECT * FROM visits"))
        seen["filtered"] = api.list("?language=de")["clients"]
        seen["csv"] = api.get("/v1/clients.csv?language=de").text
        seen["document"], seen["page"] = api.get("/openapi.json").json, api.get("/").text
        seen["form"] = re.findall(r'^\t+\["(\w+)", "\w+"', api.get("/web/record.mjs").text, re.MULTILINE)
        command.run("import", rows, "--user", "broker@example.com", "--database", database)
        seen["imported"] = api.list("?q=ann")["clients"]
        app.clients.delete = refuse
        seen["refused"] = api.delete(updated, 409).json["error"]
    hosted, key_file = Hosted(), Path(folder, "key.txt")
    hosted.listed = None
    hosted.create(1)
    key_file.write_text(KEY)
    with listening(hosted) as url:
        where = ("--key-file", key_file, "--user", "broker@example.com", "--database", database)
        seen["moved"] = [command.run("import", url, *where).code, by_id(hosted.requests)]
    print(json.dumps(seen))


def refuse(*_):
    raise Refused("the client is busy", "CLIENT_BUSY")


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    with acare.create_app(database=folder / "acare.db") as app:
        api = Api(app, key := full_key(app))
        updated, deleted = api.create()["id"], api.create()["id"]
        api.put(updated, {"notes": "x"})
        api.delete(deleted)
        retry(api)
    edit(folder / "acare.db", f"{STORED_BY_0_3_0} {VISITS} INSERT INTO visits SELECT id FROM clients")
    names = query(folder / "acare.db", "SELECT name FROM pragma_table_info('clients')")
    make_changes(folder, ", ".join(name for (name,) in names))
    code = "import sys, test_new_field; test_new_field.use(*sys.argv[1:])"
    line = [sys.executable, "-c", code, folder, key, updated, deleted]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    ended = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def languages(clients):
    return [client["language"] for client in clients]


# --- a field


def test_a_new_field_is_validated_and_stored(seen):
    assert (seen["created"], seen["invalid"], seen["updated"]) == (["de", "en"], ["language"], "de")


def test_a_version_from_before_a_field_has_its_default(seen):
    changes = [{"field": "language", "from": "en", "to": "de"}]
    assert seen["history"][0]["changes"] == changes
    assert seen["conflict"]["changedFields"] == ["notes", "language"]
    assert (languages(seen["deleted"]), seen["restored"]) == (["en"], "en")


def test_a_request_from_before_a_field_can_be_retried(seen):
    assert seen["retried"] == ["true", "true"]


def test_a_migration_keeps_rows_that_refer_to_clients(seen):
    assert seen["visits"] == 2


def test_a_new_field_is_in_the_feed_files_and_imports(seen):
    assert languages(change["client"] for change in seen["feed"]) == ["en", "de", "en", "de", "en"]
    assert "language,tags" in seen["csv"]
    assert languages(seen["imported"]) == ["de"]


def test_a_new_field_is_documented(seen):
    for name in ("ClientRecord", "ClientInput", "ClientUpdate"):
        described = seen["document"]["components"]["schemas"][name]["properties"]["language"]
        assert described["examples"] == ["de"]


def test_a_new_field_is_in_the_form_like_all_others(seen):
    names = {"language", *FIELD_NAMES} - {"property_preferences"}
    assert names <= {*seen["form"]}


def test_the_hosted_service_is_not_asked_for_an_own_field(seen):
    assert seen["moved"] == [0, []]


# --- the other changes


def test_a_new_filter_is_applied_and_documented(seen):
    assert languages(seen["filtered"]) == ["de", "de"]
    assert len(seen["csv"].splitlines()) == 3
    assert "language" in [
        each["name"] for each in seen["document"]["paths"]["/v1/clients"]["get"]["parameters"]
    ]


def test_a_new_error_is_answered_and_documented(seen):
    assert seen["refused"] == {"code": "CLIENT_BUSY", "message": "The client is busy."}
    responses = seen["document"]["paths"]["/v1/clients/{client_id}"]["delete"]["responses"]
    assert codes(seen["document"], follow(seen["document"], responses["409"])) == [
        "VERSION_CONFLICT",
        "CLIENT_BUSY",
    ]


def test_a_new_setting_reaches_its_layer(seen):
    assert 'data-motto="Home"' in seen["page"]


@pytest.mark.parametrize("change", MAX_FILES)
def test_a_change_touches_few_files_which_the_guide_names(change):
    item = re.search(rf"^- \*\*An? {change}\b(?:.|\n)+?(?=\n- |\n\n)", GUIDE, re.MULTILINE)[0]
    named = {(ROOT / "acare" / link).resolve() for link in re.findall(r"\]\(([^)#]+)", item)}
    touched = {ROOT / name for name in CHANGES[change]}
    assert touched - {ROOT / MIGRATION} <= named
    assert len(touched) <= MAX_FILES[change]
