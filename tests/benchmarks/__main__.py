"""Runs the comparison and prints its report.

Each candidate is started here, the server on core 0 and the load on core 1, and they take turns, so that a
disturbance affects all of them. README.md describes the method.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import large, load, report, servers
from tests.benchmarks.load import CLIENT, Result
from tests.benchmarks.servers import Server

SERVER_CORE, LOAD_CORE = 0, 1
STARTS = 6  # of two versions that are compared
WORKS = ("get", "list of 25", "list of 100", "update", "create", "4 reads, 1 write")


class Bench:
    """The results of all runs: by work, candidate and round."""

    def __init__(self, rounds: int, seconds: int) -> None:
        self.rounds, self.seconds = rounds, seconds
        self.results: dict[tuple[str, str], list[Result]] = defaultdict(list)
        self.costs: dict[tuple[str, str], list[float]] = defaultdict(list)  # processor seconds a request

    def run(self, work: str, server: Server, script: str) -> None:
        before = server.processor_seconds()
        result = load.run(server.url, script, server.headers, self.seconds, LOAD_CORE)
        self.results[work, server.name].append(result)
        cost = (server.processor_seconds() - before) / (result.rate * self.seconds)
        self.costs[work, server.name].append(cost)
        print(f"  {work:32} {server.name:28} {result.rate:9.0f}/s", file=sys.stderr, flush=True)

    def median(self, work: str, name: str, figure: str = "rate") -> float:
        return statistics.median(getattr(result, figure) for result in self.results[work, name])

    def speed(self, work: str, name: str, other: str) -> float:
        """How many times as many requests as the other one it answers in the same processor time."""
        pairs = zip(self.costs[work, name], self.costs[work, other], strict=True)
        return statistics.median(others / own for own, others in pairs)


def scripts(server: Server) -> dict[str, str]:
    """The script of wrk for each kind of work."""
    if not server.paths:
        return dict.fromkeys(("get", "list of 25"), load.get("/"))
    if server.paths[0].startswith("/v1/"):
        clients = "/v1/clients"
        listed = {25: clients, 100: f"{clients}?limit=100"}
        versions = _versions(server)
        updating = load.update("PUT", list(versions), list(versions.values()))
    else:
        clients = "/api/collections/agency_clients/records"
        listed = {n: f"{clients}?perPage={n}&sort=-created" for n in (25, 100)}
        updating = load.update("PATCH", server.paths, None)
    return {
        "get": load.get(server.paths[0]),
        "list of 25": load.get(listed[25]),
        "list of 100": load.get(listed[100], server.keys),
        "create": load.send("POST", clients, CLIENT),
        "update": updating,
        "4 reads, 1 write": load.mixed(server.paths[0], clients, CLIENT),
    }


def _versions(server: Server) -> dict[str, int]:
    """The clients to update and their versions; enough clients that no two updates of one overlap."""
    found: dict[str, int] = {}
    time.sleep(0.2)  # the last load has ended without waiting for its last requests
    for page in range(1, 11):
        listed = server.call("GET", f"/v1/clients?limit=100&page={page}")["data"]["clients"]
        found |= {f"/v1/clients/{client['id']}": client["version"] for client in listed}
    return found


def compare(bench: Bench, folder: Path) -> str:
    """acare, Falcon on waitress and PocketBase at each kind of work."""
    binary, database = servers.pocketbase_binary(folder), folder / "acare.db"
    large.make(database, servers.CLIENTS)
    with (
        servers.bare_falcon(SERVER_CORE) as bare,
        servers.acare(database, SERVER_CORE) as acare,
        servers.pocketbase(binary, SERVER_CORE) as pocketbase,
    ):
        take_turns(bench, [bare, acare, pocketbase])
        memory = acare.resident_mib() / bare.resident_mib()
    return f"Memory: {memory:.1f} times {bare.name}."


def take_turns(bench: Bench, running: Sequence[Server]) -> None:
    for number in range(bench.rounds):
        print(f"round {number + 1} of {bench.rounds}", file=sys.stderr, flush=True)
        for work in WORKS:
            for server in running if number % 2 else reversed(running):
                script = scripts(server).get(work)
                if script is not None:
                    bench.run(work, server, script)


def elsewhere(bench: Bench, folder: Path) -> None:
    """acare on its own server, and the same app on stock waitress."""
    own, *others = (_filled(folder / f"{name}.db") for name in ("own", "4", "16"))
    with (
        servers.acare(own, SERVER_CORE, name="acare's server") as first,
        servers.acare_on_waitress(others[0], SERVER_CORE, threads=4) as second,
        servers.acare_on_waitress(others[1], SERVER_CORE, threads=16) as third,
    ):
        take_turns(bench, [first, second, third])


def _filled(database: Path) -> Path:
    large.make(database, servers.CLIENTS)
    return database


def against(bench: Bench, folder: Path, checkout: Path) -> list[str]:
    """This version and the one in ``checkout``, each on a database that it has filled itself.

    The processor time of a request differs less from run to run than the rate. It differs by some percent
    from start to start, so both are started several times.
    """
    for start in range(STARTS):
        with (
            servers.acare(folder / f"new-{start}.db", SERVER_CORE, name="this version") as new,
            servers.acare(
                folder / f"old-{start}.db", SERVER_CORE, name="the other", checkout=checkout.absolute()
            ) as old,
        ):
            for server in (new, old) * servers.CLIENTS:
                made = server.call("POST", "/v1/clients", CLIENT)["data"]
                server.paths.append(f"/v1/clients/{made['id']}")
            take_turns(bench, [new, old])
            memory = new.resident_mib() / old.resident_mib()
    speeds = [f"{work}: {bench.speed(work, new.name, old.name):.2f}" for work in WORKS]
    return [f"By processor time: {', '.join(speeds)}", f"Memory: {memory:.2f}"]


def grow(bench: Bench, folder: Path) -> None:
    """The same server with 1,000 clients and with a million."""
    small, big = _filled(folder / "small.db"), folder / "big.db"
    large.make(big, 1_000_000)
    few, many = f"{servers.CLIENTS:,} clients", "1,000,000 clients"
    lists = {"first page": "/v1/clients", "search": "/v1/clients?q=last4711"}
    with (
        servers.acare(small, SERVER_CORE, name=few) as first,
        servers.acare(big, SERVER_CORE, name=many) as second,
    ):
        for _ in range(bench.rounds):
            for server in (first, second):
                bench.run("get at scale", server, load.get(server.paths[0]))
                for work, path in lists.items():
                    bench.run(work, server, load.get(path, server.keys))
                bench.run("create at scale", server, load.send("POST", "/v1/clients", CLIENT))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--against", type=Path, metavar="PATH", help="only compare with this checkout of acare"
    )
    args = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.exit(1, "The load comes from wrk, which is not installed; on Debian, the package is wrk.\n")
    bench = Bench(3 if args.against else 5, seconds=1)
    with tempfile.TemporaryDirectory(prefix="acare-benchmarks-") as name:
        folder = Path(name)
        if args.against is not None:
            figures = against(bench, folder, args.against)
        else:
            figures = [compare(bench, folder)]
            elsewhere(bench, folder)
            grow(bench, folder)
    print(report.text(bench.median, list(bench.results), figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
