"""A program in the form of the vendor's examples: only its base URL changes, and acare adopts its key."""

import subprocess

from support import command
from support.page import replaced
from support.server import serving

VENDOR = "https://api.actuallycare.com"
KEY = "4d" * 32

#: The statuses of a list, a creation, a read, an update, the same update again, which is stale, a deletion,
#: and a read. The program prints them, and then the updated name and address, and the total of the list.
STATUSES = ["200", "201", "200", "200", "409", "200", "404"]

NODE = """
const clients = "https://api.actuallycare.com/v1/clients";
const ask = async (path, method, body) => {
  const headers = { "X-API-Key": "YOUR_KEY" };
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


def test_a_javascript_program_works(tmp_path):
    database, key_file = tmp_path / "acare.db", tmp_path / "key.txt"
    key_file.write_text(KEY)
    line = ("key", "create", "--user", "ana@example.com", "--key-file", key_file, "--database", database)
    with serving(database) as (_, address):
        assert command.run(*line).code == 0
        program = replaced(NODE, {VENDOR: f"http://{address}", "YOUR_KEY": KEY})
        printed = subprocess.check_output(["node", "-e", program], text=True, timeout=60)
    assert printed.split("\n") == [*STATUSES, "Noor Haddad noor@example.com 0", ""]
