"""Attacks that take too long for a test: ``python -m tests.benchmarks.attacks [NAME ...]``.

Each starts a server on core 0 and, on core 1, the attack and the callers who are to be answered meanwhile.
"""

import argparse
import contextlib
import itertools
import json
import multiprocessing
import os
import resource
import socket
import statistics
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.benchmarks import large, servers
from tests.benchmarks.servers import Server

SERVER_CORE, LOAD_CORE = 0, 1
CLIENTS = 30_000
READ_RATE = 20_000_000  # bytes a second, of a caller who downloads a file
CSV, SORTED = "/v1/clients.csv", "/v1/clients?sort=name&limit=100"

#: A change of 34 KB of words with several spellings each, and a small one.
WORDS = " ".join(f"äöüa{number}" for number in range(10_000))
LARGE = {
    "notes": WORDS[:9_900],
    "preferred_locations": [WORDS[at : at + 195] for at in range(10_000, 19_750, 195)],
    "property_preferences": {"text": WORDS[:2_900]},
    "tags": [WORDS[at : at + 45] for at in range(30_000, 32_250, 45)],
}
SMALL = {"phone": "(661) 555-0142"}


# --- callers


def ask(
    server: Server, path: str, rate: float = 0.0, change: object = None, **headers: str
) -> tuple[int, float]:
    """Status and seconds of a request on a connection of its own; 0 if the response does not arrive.

    With ``rate``, the response is read at so many bytes a second; with ``change``, the request is a PUT.
    """
    began = time.monotonic()
    method, body = ("GET", None) if change is None else ("PUT", json.dumps(change).encode())
    connection = HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        try:
            connection.request(method, path, body, {**server.headers, **headers})
            response = connection.getresponse()
            while piece := response.read(256 * 1024):
                time.sleep(len(piece) / rate if rate else 0)
        except (OSError, HTTPException):
            return 0, time.monotonic() - began
        return response.status, time.monotonic() - began


def ask_at_once(server: Server, paths: list[str], rate: float = 0.0) -> list[int]:
    """The statuses of requests that are sent at the same time."""
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda path=path: statuses.append(ask(server, path, rate)[0]))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def arrived(statuses: list[int]) -> str:
    others = ", ".join(
        f"{count} with {status}" for status, count in Counter(statuses).items() if status != 200
    )
    return f"{statuses.count(200)} of {len(statuses)} arrived{others and f' ({others}; 0: closed)'}"


def percentiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[int(0.95 * len(ordered))]
    return f"p50 {1000 * statistics.median(ordered):.0f} ms, p95 {1000 * p95:.0f} ms"


# --- attackers: each runs in a process of its own


@contextlib.contextmanager
def attacker(act: Callable[..., None], server: Server, *arguments: object) -> Iterator[None]:
    process = multiprocessing.Process(target=act, args=(_address(server), *arguments), daemon=True)
    process.start()
    time.sleep(1)
    try:
        yield
    finally:
        process.kill()
        process.join()


def _address(server: Server) -> tuple[str, int]:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def open_connections(address: tuple[str, int], rate: int) -> None:
    """Open so many connections a second, send half a request on each, and keep the newest 3,000."""
    kept: deque[socket.socket] = deque()
    began = time.monotonic()
    for number in itertools.count():
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        with contextlib.suppress(OSError):
            kept.append(socket.create_connection(address, timeout=1))
            kept[-1].send(b"GET /healthz HTTP/1.1\r\nHost: a")
        if len(kept) > 3000:
            kept.popleft().close()


def trickle(address: tuple[str, int], number: int) -> None:
    """Send 15 KiB of header and 64,000 bytes of body, the last of them one by one, on each connection."""
    header = b"POST /v1/clients HTTP/1.1\r\nHost: a\r\nContent-Length: 64000\r\n"
    header += b"".join(b"X-%d: %s\r\n" % (each, b"x" * 320) for each in range(45)) + b"\r\n"
    _keep_sending(address, number, [header, bytes(63_000)], bytes(1))


def _keep_sending(address: tuple[str, int], number: int, first: list[bytes], piece: bytes) -> None:
    """Send ``first`` on each connection, and then ``piece`` again and again; replace closed connections."""
    connections: list[socket.socket | None] = [None] * number
    while True:
        for index, connection in enumerate(connections):
            try:
                if connection is None:
                    connection = connections[index] = socket.create_connection(address, timeout=1)
                    for part in first:
                        connection.sendall(part)
                    connection.setblocking(False)
                connection.send(piece)
            except BlockingIOError:
                pass
            except OSError:
                connections[index] = None
        time.sleep(0.01)


def repeat(address: tuple[str, int], keys: list[str], paths: list[str], change: object) -> None:
    """Ask for each path again and again, on a connection of its own, with one key after the other."""
    server = Server("", f"http://{address[0]}:{address[1]}", process=None)

    def go_on(key: str, path: str) -> None:
        while True:
            ask(server, path, change=change, **{"X-API-Key": key, "Content-Type": "application/json"})

    for key, path in zip(itertools.cycle(keys), paths):
        threading.Thread(target=go_on, args=(key, path)).start()


# --- attacks


def new_connections(rate: int, server: Server) -> str:
    with attacker(open_connections, server, rate):
        return _read_meanwhile(server)


def unfinished_requests(server: Server) -> str:
    with attacker(trickle, server, 740):
        return _read_meanwhile(server)


def _read_meanwhile(server: Server) -> str:
    files = [status for _ in range(3) for status in ask_at_once(server, [CSV] * 2, READ_RATE)]
    lists = [ask(server, SORTED)[0] for _ in range(30)]
    return f"CSV: {arrived(files)}; sorted lists: {arrived(lists)}"


def downloads(server: Server) -> str:
    return arrived(ask_at_once(server, [CSV] * 4, READ_RATE))


def large_writes(server: Server) -> str:
    *paths, mine = server.paths
    with attacker(repeat, server, [new_user(server, 0)], paths[:16], LARGE):
        writes = [ask(server, mine, change=SMALL)[1] for _ in range(60)]
        return f"small writes: {percentiles(writes)}; {checks(server)}"


def large_downloads(server: Server) -> str:
    keys = [new_user(server, number) for number in range(4)]
    with attacker(repeat, server, keys, [CSV] * 4, None):
        searches = [ask(server, "/v1/clients?q=lee")[1] for _ in range(60)]
        return f"searches: {percentiles(searches)}; {checks(server)}"


def hostile_words(size: int, server: Server) -> str:
    """Searches for ``smith`` after 480 and 1,680 clients, whose notes of ``size`` characters have words with
    that beginning and many spellings.
    """
    key, searcher = (new_user(server, number, "agent") for number in (0, 1))
    kept, server.headers = server.headers, {"X-API-Key": key}
    numbers = itertools.count()
    found = []
    for clients in (480, 1200):
        for _ in range(clients):
            notes = " ".join(f"smithäöü{next(numbers)}" for _ in range(size // 12))[:size]
            server.call(
                "POST",
                "/v1/clients",
                {"first_name": "Ana", "last_name": "Lee", "client_type": "buyer", "notes": notes},
            )
        answers = [ask(server, "/v1/clients?q=smith", **{"X-API-Key": searcher}) for _ in range(30)]
        found.append(
            f"{percentiles([seconds for _, seconds in answers])}, {arrived([s for s, _ in answers])}"
        )
    server.headers = kept
    return "; ".join(found)


def checks(server: Server) -> str:
    return f"/readyz: {percentiles([ask(server, '/readyz')[1] for _ in range(60)])}"


def new_user(server: Server, number: int, role: str = "broker") -> str:
    """The key of another user."""
    user = server.call("POST", "/v1/users", {"email": f"{number}@example.com", "role": role})["data"]
    key: str = server.call("POST", "/v1/keys", {"user_id": user["id"]})["data"]["key"]
    return key


#: Each returns what the other callers saw.
ATTACKS: dict[str, Callable[[Server], str]] = {
    "connections-800": lambda server: new_connections(800, server),
    "connections-1500": lambda server: new_connections(1500, server),
    "trickle": unfinished_requests,
    "downloads": downloads,
    "large-writes": large_writes,
    "large-downloads": large_downloads,
    "words-long": lambda server: hostile_words(9_900, server),
    "words-short": lambda server: hostile_words(990, server),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.attacks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ATTACKS)}; default: all")
    args = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    for name in args.names or ATTACKS:
        with tempfile.TemporaryDirectory(prefix="acare-attacks-") as folder:
            database = Path(folder, "attacked.db")
            large.make(database, CLIENTS)
            with servers.acare(database, SERVER_CORE) as server:
                print(f"{name}: {ATTACKS[name](server)}", flush=True)


if __name__ == "__main__":
    main()
