"""Clients generated from the OpenAPI document: Python against a real server, and the types of TypeScript."""

import subprocess
import venv

import pytest
from support import command
from support.server import make_key, serving

PYTHON_GENERATOR = "openapi-python-client==0.29.1"
NODE_GENERATORS = ("openapi-typescript@7.13.0", "typescript@5.9.3")


def run(*line, cwd):
    ended = subprocess.run([*map(str, line)], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the document."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(command.run("openapi").out, "utf-8")
    return folder


# --- Python


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The folder of commands of an environment with the generator."""
    folder = tmp_path_factory.mktemp("python")
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "pip", "install", "-q", PYTHON_GENERATOR, cwd=folder)
    return folder / "bin"


USE = """
import sys
from client import AuthenticatedClient
from client.api.clients import create_client, delete_client, get_client, list_clients, update_client
from client.models import (ClientChanges, ClientInput, ClientType, FieldError, PropertyPreferences,
                           VersionDetails)

url, key = sys.argv[1:]
api = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="X-API-Key")
preferences = PropertyPreferences(bedrooms_min=3)
preferences["pool"] = {"heated": True}
sent = ClientInput("Jordan", "Lee", ClientType.BUYER, budget_max=123456789.55)
sent.property_preferences = preferences
made = create_client.sync(client=api, body=sent).data
assert (made.budget_max, made.email, made.version) == (123456789.55, None, 1)
assert made.property_preferences["pool"] == {"heated": True}
assert get_client.sync(made.id, client=api).data == made
changed = update_client.sync(made.id, client=api, body=ClientChanges(phone="1", version=1)).data
assert (changed.phone, changed.version, changed.first_name) == ("1", 2, "Jordan")
listed = list_clients.sync(client=api, client_type=ClientType.BUYER).data
assert (listed.clients, listed.meta.total) == ([changed], 1)
stale = update_client.sync(made.id, client=api, body=ClientChanges(phone="2", version=1)).error
assert stale.code == "VERSION_CONFLICT" and isinstance(stale.details, VersionDetails)
assert stale.details.current_version == 2
wrong = create_client.sync(client=api, body=ClientInput("", "Lee", ClientType.BUYER)).error
assert [(type(each), each.field) for each in wrong.details] == [(FieldError, "first_name")]
refused = delete_client.sync_detailed(made.id, client=api, if_match='"1"')
assert refused.status_code == 412
assert delete_client.sync(made.id, client=api).data.to_dict() == {}
print("done")
"""


@pytest.fixture(scope="module")
def python_client(folder, python):
    line = ("generate", "--path", "openapi.json", "--output-path", "client", "--meta", "none")
    said = run(python / "openapi-python-client", *line, cwd=folder)
    return folder / "client", said


def test_a_python_client_has_typed_bodies(python_client):
    client, said = python_client
    assert "WARNING" not in said  # about an operation that it leaves out
    assert not [path for path in (client / "api").rglob("*.py") if "body: Any" in path.read_text("utf-8")]


def test_a_python_client_works_with_a_server(python_client, python, tmp_path):
    client, _ = python_client
    database = tmp_path / "acare.db"
    key = make_key(database)
    with serving(database) as (_, address):
        said = run(python / "python", "-c", USE, f"http://{address}", key, cwd=client.parent)
    assert said == "done\n"


# --- TypeScript

PROBE = """
import type { components } from "./openapi";
type Schemas = components["schemas"];
const client: Schemas["ClientInput"] = {
  first_name: "Jordan", last_name: "Lee", client_type: "buyer", email: null, budget_max: 475000.5,
  property_preferences: { bedrooms_min: 3, pool: { heated: true } },
};
const changes: Schemas["ClientChanges"] = { phone: null, version: 3 };
function current(answer: Schemas["ErrorResponse"] | Schemas["ClientResponse"]): number {
  if (answer.success) return answer.data.version;
  const details = answer.error.details;
  if (Array.isArray(details)) return details.map((problem) => problem.field.length).length;
  return details && "currentVersion" in details ? details.currentVersion : 0;
}
// @ts-expect-error a number is no name
const number: Schemas["ClientInput"] = { first_name: 7, last_name: "Lee", client_type: "buyer" };
// @ts-expect-error a word that is not among them
const tenant: Schemas["ClientInput"] = { first_name: "Jordan", last_name: "Lee", client_type: "tenant" };
// @ts-expect-error a field that is required
const nameless: Schemas["ClientInput"] = { first_name: "Jordan", client_type: "buyer" };
export { client, changes, current, number, tenant, nameless };
"""


def test_typescript_accepts_valid_values_only(folder):
    run("npm", "install", "--silent", "--no-audit", "--no-fund", *NODE_GENERATORS, cwd=folder)
    node = folder / "node_modules" / ".bin"
    run(node / "openapi-typescript", "openapi.json", "-o", "openapi.ts", cwd=folder)
    (folder / "probe.ts").write_text(PROBE, "utf-8")
    run(node / "tsc", "--strict", "--noEmit", "probe.ts", cwd=folder)
