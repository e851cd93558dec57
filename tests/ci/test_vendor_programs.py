"""Programs in the form of the vendor's examples: only their base URL changes, and acare adopts their key."""

import subprocess

import pytest
from support import command
from support.page import replaced
from support.server import serving

VENDOR = "https://api.actuallycare.com"
KEY = "4d" * 32

#: The statuses of a list, a creation, a read, an update, the same update again, which is stale, a deletion,
#: and a read. Each program prints them, and then the updated name and address, and the total of the list.
STATUSES = ["200", "201", "200", "200", "409", "200", "404"]

SHELL = r"""
ask() { # METHOD PATH [BODY]
  curl -s -o answer -w '%{http_code}\n' -X "$1" "https://api.actuallycare.com/v1/clients$2" \
    -H "X-API-Key: KEY" -H "Content-Type: application/json" ${3:+-d "$3"}
}
found() { grep -oP "\"$1\": *\"?\K[^\",}]*" answer | head -1; }
ask GET ""
total=$(found total)
ask POST "" '{"first_name": "Noor", "last_name": "Haddad", "client_type": "seller"}'
id=$(found id)
ask GET "/$id"
change="{\"email\": \"noor@example.com\", \"version\": $(found version)}"
ask PUT "/$id" "$change"
updated="$(found first_name) $(found last_name) $(found email)"
ask PUT "/$id" "$change"
ask DELETE "/$id"
ask GET "/$id"
echo "$updated $total"
"""
NODE = """
const clients = "https://api.actuallycare.com/v1/clients";
const ask = async (path, method, body) => {
  const headers = { "X-API-Key": "KEY" };
  if (body) headers["Content-Type"] = "application/json";
  const res = await fetch(`${clients}${path}`, { method, headers, body: body && JSON.stringify(body) });
  console.log(res.status);
  return (await res.json()).data;
};
(async () => {
  const { meta } = await ask("");
  const { id } = await ask("", "POST", { first_name: "Noor", last_name: "Haddad", client_type: "seller" });
  const { version } = await ask(`/${id}`);
  const change = { email: "noor@example.com", version };
  const updated = await ask(`/${id}`, "PUT", change);
  await ask(`/${id}`, "PUT", change);
  await ask(`/${id}`, "DELETE");
  await ask(`/${id}`);
  console.log(updated.first_name, updated.last_name, updated.email, meta.total);
})();
"""


@pytest.fixture
def url(tmp_path):
    """The base URL of a server that has adopted the key."""
    database, key_file = tmp_path / "acare.db", tmp_path / "key.txt"
    key_file.write_text(KEY)
    line = ("key", "create", "--user", "ana@example.com", "--key-file", key_file, "--database", database)
    with serving(database) as (_, address):
        assert command.run(*line).code == 0
        yield f"http://{address}"


def check(url, program, *line):
    """Run a program, whose base URL is changed, and compare what it prints."""
    source = replaced(program, {VENDOR: url}).replace("KEY", KEY)
    printed = subprocess.check_output([*line, source], text=True, timeout=60)
    assert printed.split("\n") == [*STATUSES, "Noor Haddad noor@example.com 0", ""]


def test_a_program_of_curl_works(url, tmp_path):
    check(url, SHELL.replace("answer", f"{tmp_path}/answer"), "bash", "-euc")


def test_a_javascript_program_works(url):
    check(url, NODE, "node", "-e")
