"""What the large writes and the downloads of some users cost another user.

Run it as ``python -m tests.benchmarks.neighbors``. The attackers are in a process of their own. With
``--checkout``, the version there is measured in turn.
"""

import argparse
import http.client
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks import servers
from tests.benchmarks.servers import Server

SERVER_CORE = 0
CLIENTS = 20_000
SECONDS = 10

#: 34 KB of words with several spellings each.
WORDS = " ".join(f"äöüa{number}" for number in range(10_000))
LARGE = json.dumps(
    {
        "notes": WORDS[:9_900],
        "preferred_locations": [WORDS[at : at + 195] for at in range(10_000, 19_750, 195)],
        "property_preferences": {"text": WORDS[:2_900]},
        "tags": [WORDS[at : at + 45] for at in range(30_000, 32_250, 45)],
    },
    ensure_ascii=False,
).encode()
SMALL = b'{"phone": "(661) 555-0142"}'


def run(checkout: Path | None, *command: str | Path) -> str:
    """Run a module of this version, or of the one in ``checkout``; returns what it prints."""
    python = sys.executable if checkout is None else str(checkout / ".venv" / "bin" / "python")
    line = [python, "-m", *map(str, command)]
    return subprocess.run(line, cwd=checkout, check=True, capture_output=True, text=True).stdout.strip()


def send(connection: http.client.HTTPConnection, key: str, method: str, path: str, body: bytes = b"") -> int:
    connection.request(method, path, body or None, {"X-API-Key": key, "Content-Type": "application/json"})
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


def repeat(address: str, requests: list[tuple[str, str, str, bytes]]) -> None:
    """Send each request again and again, on a connection of its own, until the process is ended."""

    def go_on(key: str, method: str, path: str, body: bytes) -> None:
        connection = http.client.HTTPConnection(address, timeout=60)
        while True:
            send(connection, key, method, path, body)

    threads = [threading.Thread(target=go_on, args=request) for request in requests]
    for thread in threads:
        thread.start()


@contextmanager
def beside(server: Server, requests: list[tuple[str, str, str, bytes]]) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(
        target=repeat, args=(urlsplit(server.url).netloc, requests)
    )
    process.start()
    try:
        time.sleep(2)
        yield
    finally:
        process.kill()
        process.join()


def waits(server: Server, key: str, method: str, path: str, body: bytes = b"") -> str:
    """The median and the maximum time of requests that follow each other, and their statuses."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    times, statuses, end = [], set(), time.monotonic() + SECONDS
    while time.monotonic() < end:
        began = time.monotonic()
        statuses.add(send(connection, key, method, path, body))
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.02)
    return f"p50 {statistics.median(times):7.1f} ms, max {max(times):7.1f} ms, {len(times)} times {statuses}"


def measure(name: str, checkout: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "acare.db")
        run(checkout, "tests.benchmarks.large", database, "--clients", str(CLIENTS))
        with servers.acare(database, SERVER_CORE, name=name, checkout=checkout) as server:
            make_key = "acare", "key", "create", "--database", database, "--role", "broker", "--user"
            keys = [run(checkout, *make_key, f"{number}@example.com") for number in range(5)]
            *paths, mine = server.paths
            writes = [(keys[0], "PUT", path, LARGE) for path in paths[:16]]
            with beside(server, writes):
                print(f"{name:10} PUT beside 16 large PUTs   ", waits(server, keys[4], "PUT", mine, SMALL))
                print(f"{name:10} /readyz beside them        ", waits(server, keys[4], "GET", "/readyz"))
            with beside(server, [(key, "GET", "/v1/clients.csv", b"") for key in keys[:4]]):
                search = "/v1/clients?q=lee"
                print(f"{name:10} search beside four CSVs    ", waits(server, keys[4], "GET", search))
                print(f"{name:10} /readyz beside them        ", waits(server, keys[4], "GET", "/readyz"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, help="another version, with its packages in .venv")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    for _ in range(arguments.rounds):
        if arguments.checkout is not None:
            measure("other", arguments.checkout)
        measure("this", None)
