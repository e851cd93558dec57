"""Load from wrk: the scripts in Lua, and the results."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

CONNECTIONS = 16

CLIENT = {
    "first_name": "Noor",
    "last_name": "Haddad",
    "email": "noor.haddad@example.com",
    "phone": "(661) 555-0199",
    "client_type": "buyer",
    "status": "active",
    "source": "referral",
    "budget_min": 310000,
    "budget_max": 425000,
    "preferred_locations": ["Bakersfield", "Tehachapi"],
    "property_preferences": {"bedrooms_min": 3, "bathrooms_min": 2, "property_types": ["house"]},
    "pre_approved": True,
    "pre_approval_amount": 410000,
    "notes": "Wants to move before school starts; has a dog.",
    "tags": ["vip", "first-time"],
}

_SUMMARY = """
function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.status + e.connect + e.read + e.write + e.timeout
  io.write(string.format("RESULT %d %f %d %d\\n", summary.requests, summary.duration / 1e6, failed,
    latency:percentile(99)))
end
"""


class Result(NamedTuple):
    """One run of wrk: requests a second, and milliseconds."""

    rate: float
    p99: float


def lua(value: object) -> str:
    """A JSON-like value as a Lua literal; all JSON strings here are valid Lua strings."""
    if isinstance(value, list):
        return "{" + ",".join(lua(item) for item in value) + "}"
    return json.dumps(value)


def get(path: str, keys: list[str] | None = None) -> str:
    """Gets; with ``keys``, which are sent by turns, one after the other."""
    return f"""
local path, keys, n = {lua(path)}, {lua(keys or [])}, 0
function request()
  n = n + 1
  if #keys > 0 then wrk.headers["X-API-Key"] = keys[n % #keys + 1] end
  return wrk.format('GET', path)
end"""


def send(method: str, path: str, body: object) -> str:
    return (
        f"local path, body = {lua(path)}, {lua(json.dumps(body))}\n"
        f"function request() return wrk.format({lua(method)}, path, nil, body) end"
    )


def update(method: str, paths: list[str], versions: list[int] | None) -> str:
    """Change one client after the other; with ``versions``, each at the version that it must have by then."""
    version = ', "version": %d' if versions else ""
    return f"""
local paths, versions, n = {lua(paths)}, {lua(versions or [])}, -1  -- wrk asks once without sending
function request()
  local i, round = n % #paths + 1, math.floor(n / #paths)
  n = n + 1
  local body = string.format('{{"phone": "(661) 555-%04d"{version}}}', n % 10000, (versions[i] or 0) + round)
  return wrk.format({lua(method)}, paths[i], nil, body)
end"""


def mixed(read: str, write_path: str, body: object) -> str:
    """Four reads and a write, in a fixed order."""
    return f"""
local n, body = 0, {lua(json.dumps(body))}
function request()
  n = n + 1
  if n % 5 == 0 then return wrk.format('POST', {lua(write_path)}, nil, body) end
  return wrk.format('GET', {lua(read)})
end"""


def run(url: str, script: str, headers: dict[str, str], seconds: int, core: int) -> Result:
    """Send for so many seconds from one core. RuntimeError if any answer was not 2xx."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "load.lua")
        file.write_text(script + _SUMMARY)
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(file)]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        ended = subprocess.run(
            [*command, url],
            capture_output=True,
            text=True,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
    line = next((line for line in ended.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        raise RuntimeError(f"wrk printed no result: {ended.stdout}{ended.stderr}")
    requests, duration, errors, p99 = (float(part) for part in line.split()[1:])
    if errors or not requests:
        raise RuntimeError(f"{url}: {errors:.0f} of {requests:.0f} requests failed")
    return Result(requests / duration, p99 / 1000)
