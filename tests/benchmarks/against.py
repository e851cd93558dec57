"""Compares acare with another version of it: the same load, in rounds that take turns."""

from __future__ import annotations

import contextlib
import itertools
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

from acare.fields import CLIENT_TYPES, STATUSES
from tests.benchmarks import report, servers
from tests.benchmarks.load import CLIENT
from tests.benchmarks.servers import Server

NEW, OLD = "this version", "the other version"

#: Kind of work, and the minimum ratio of the rates.
BARS = {
    "get": 0.97,
    "list of 25": 0.97,
    "list of 100": 0.97,
    "create": 1.25,
    "update": 1.15,
    "4 reads, 1 write": 0.97,
}

#: KiB that a create may write to the log if it is alone in its commit.
MAX_LOG = 60


@contextlib.contextmanager
def running(folder: Path, checkout: Path, core: int) -> Iterator[tuple[Server, Server]]:
    """This version and the one in ``checkout``, each on a database with the same clients."""
    with (
        servers.acare(folder / "new.db", core, name=NEW) as new,
        servers.acare(folder / "old.db", core, name=OLD, checkout=checkout.absolute()) as old,
    ):
        for number in range(servers.CLIENTS):
            client = {**CLIENT, "client_type": CLIENT_TYPES[number % 3], "status": STATUSES[number // 3 % 3]}
            for server in (new, old):
                made = server.call("POST", "/v1/clients", client)["data"]
                server.paths.append(f"/v1/clients/{made['id']}")
        yield new, old


def rows(median: report.Median, new: Server, old: Server) -> list[str]:
    """The rows of the report."""
    made = []
    for work, bar in BARS.items():
        rate, p99 = (median(work, NEW, figure) / median(work, OLD, figure) for figure in ("rate", "p99"))
        made.append(report.row(f"{work}, against {OLD}", rate, bar))
        made.append(report.row(f"{work}, p99 against {OLD}", p99, 1.0, maximum=True))
    log, before = _log_of_a_create(new), _log_of_a_create(old)
    made.append(report.row(f"KiB of a create in the log ({before:.0f})", log, MAX_LOG, maximum=True))
    memory = new.resident_mib() / old.resident_mib()
    made.append(report.row(f"memory ({new.resident_mib():.0f} MiB)", memory, 1.0, maximum=True))
    return made


def _log_of_a_create(server: Server, count: int = 400) -> float:
    """The KiB that a lone create writes to the log: the median, which leaves out checkpoints."""
    written = [_written(server)]
    for _ in range(count):
        server.call("POST", "/v1/clients", CLIENT)
        written.append(_written(server))
    return statistics.median(after - before for before, after in itertools.pairwise(written)) / 1024


def _written(server: Server) -> int:
    """The bytes that the server has written so far; responses on sockets do not count."""
    text = Path(f"/proc/{server.process.pid}/io").read_text()
    return int(re.findall(r"wchar: (\d+)", text)[0])
