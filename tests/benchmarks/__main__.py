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
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import load, report, servers
from tests.benchmarks.load import CLIENT, Result
from tests.benchmarks.servers import Server

SERVER_CORE, LOAD_CORE = 0, 1
OTHER = "the other version"
STARTS, ROUNDS, SECONDS = 2, 4, 1
WORKS = ("get", "list of 25", "list of 100", "update", "create", "4 reads, 1 write")


class Bench:
    """The results of all runs: by work, candidate and round."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str], list[Result]] = defaultdict(list)
        self.costs: dict[tuple[str, str], list[float]] = defaultdict(list)  # processor seconds a request

    def run(self, work: str, server: Server, script: str) -> None:
        before = server.processor_seconds()
        result = load.run(server.url, script, server.headers, SECONDS, LOAD_CORE)
        self.results[work, server.name].append(result)
        cost = (server.processor_seconds() - before) / (result.rate * SECONDS)
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


def compare(bench: Bench, folder: Path, checkout: Path | None) -> list[str]:
    """All candidates at each kind of work; with ``checkout``, also the version there.

    The processor time of a request differs less from run to run than the rate. It differs by some percent
    from start to start, so all are started several times.
    """
    binary = servers.pocketbase_binary(folder)
    for start in range(STARTS):
        with ExitStack() as started:
            run = started.enter_context
            own = run(servers.acare(folder / f"own-{start}.db", SERVER_CORE))
            stock = run(servers.acare_on_waitress(folder / f"stock-{start}.db", SERVER_CORE, threads=16))
            bare = run(servers.bare_falcon(SERVER_CORE))
            running = [own, stock, bare, run(servers.pocketbase(binary, SERVER_CORE))]
            if checkout is not None:
                path, database = checkout.absolute(), folder / f"other-{start}.db"
                running.append(run(servers.acare(database, SERVER_CORE, name=OTHER, checkout=path)))
            take_turns(bench, running)
            figures = [f"Memory: {own.resident_mib() / bare.resident_mib():.1f} times {bare.name}."]
    if checkout is not None:
        speeds = [f"{work}: {bench.speed(work, own.name, OTHER):.2f}" for work in WORKS]
        figures.append(f"By processor time, of {OTHER}: {', '.join(speeds)}")
    return figures


def take_turns(bench: Bench, running: Sequence[Server]) -> None:
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        for work in WORKS:
            for server in running if number % 2 else reversed(running):
                script = scripts(server).get(work)
                if script is not None:
                    bench.run(work, server, script)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--against", type=Path, metavar="PATH", help="compare with the version in this checkout, too"
    )
    args = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.exit(1, "The load comes from wrk, which is not installed; on Debian, the package is wrk.\n")
    bench = Bench()
    with tempfile.TemporaryDirectory(prefix="acare-benchmarks-") as name:
        figures = compare(bench, Path(name), args.against)
    print(report.text(bench.median, list(bench.results), figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
