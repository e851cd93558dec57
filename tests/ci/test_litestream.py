"""A server with Litestream, configured as in acare/cli/docs/backup.md."""

import random
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from support.crash import GONE, Writer, damage, gaps, read_clients, write_until
from support.data import JORDAN
from support.http import Agency
from support.page import examples, replaced, shell
from support.server import make_key, serving
from support.sockets import wait_for

PAGE_CONFIG = examples("yaml", "Replication")[0]
PAGE_RESTORE = examples("sh", "Replication")[0]
SYNC_SECONDS = int(re.search(r"sync-interval: (\d+)s", PAGE_CONFIG)[1])
TIMES = 4
LARGE = {**JORDAN, "notes": "x" * 9000}

# A log of 4,000 pages is too long: more than those after which Litestream copies the log itself.
SHORT_LOG = """
import acare.database.wal as wal
wal.MAX_SIZE, wal.CHECKPOINT_AFTER = 4000 * 4096, 100
"""


@dataclass
class Running:
    server: subprocess.Popen
    address: str
    litestream: subprocess.Popen
    there: dict
    marker: Writer
    killed_at: int = 0  # nanoseconds

    def kill(self):
        """Kill both, in random order."""
        self.killed_at = time.monotonic_ns()
        for process in random.sample([self.litestream, self.server], 2):
            process.kill()
            process.wait()


class Setup:
    """A database with its replica, and the two programs that run on them."""

    def __init__(self, folder):
        self.folder, self.database, self.replica = folder, folder / "acare.db", folder / "replica"
        self.key = make_key(self.database)
        self._config = folder / "litestream.yml"
        values = {"/var/lib/acare/acare.db": self.database, "/mnt/replica/acare": self.replica}
        self._config.write_text(replaced(PAGE_CONFIG, values))

    @contextmanager
    def running(self, **options):
        """The server and Litestream, which has replicated the existing clients, ``there``."""
        line = ["litestream", "replicate", "-config", self._config]
        with serving(self.database, **options) as (server, address):
            there = read_clients(self.database)
            marker = Writer(f"marker-{len(there)}", self.key)
            began = time.time_ns()
            with (
                (self.folder / "litestream.log").open("a") as log,
                subprocess.Popen(line, stdout=log, stderr=log) as litestream,
            ):
                try:
                    marker.write_times(address, 1)
                    wait_for(lambda: self._has_copied_since(began))
                    yield Running(server, address, litestream, there, marker)
                finally:
                    litestream.kill()

    def restore(self):
        """Run the commands of the page. Returns the restored file."""
        restored = self.folder / "restored.db"
        restored.unlink(missing_ok=True)
        values = {
            "/etc/litestream.yml": self._config,
            "/var/lib/acare/restored.db": restored,
            "/var/lib/acare/acare.db": self.database,
        }
        shell(replaced(PAGE_RESTORE, values), self.folder).check_returncode()
        return restored

    def log_size(self):
        return self.database.with_name("acare.db-wal").stat().st_size

    def _has_copied_since(self, moment):
        """Whether the replica has a file that was made from the log after this moment."""
        made = self.folder.glob(".acare.db-litestream/ltx/0/*.ltx")
        new = [path.name for path in made if path.stat().st_mtime_ns > moment]
        return any((self.replica / "ltx" / "0" / name).exists() for name in new)


@pytest.fixture
def setup(tmp_path):
    return Setup(tmp_path)


def last_moment(found, writers):
    """The last moment at which the database may have had the state that was found, in nanoseconds.

    None if it never had. The writers' journals have the possible versions of each client at each moment.
    """
    entries = sorted(
        (instant, name, known.versions) for writer in writers for instant, name, known in writer.journal
    )
    wrong, matched, end = set(found), False, None
    for instant, name, versions in entries:
        if matched:
            end = instant
        version = found[name]["version"] if name in found else GONE
        (wrong.discard if version in versions else wrong.add)(name)
        matched = not wrong
    return entries[-1][0] if matched else end


def test_a_restored_file_lacks_only_the_last_seconds(setup):
    for number in range(TIMES):
        writers = [Writer(f"{number}-{n}", setup.key) for n in range(2)]
        with setup.running() as running:
            write_until(running.address, writers, random.uniform(0.2, 1.5), running.kill)
        restored = setup.restore()
        found = read_clients(restored)
        assert running.there.items() <= found.items()
        made = {name: record for name, record in found.items() if name not in running.there}
        moment = last_moment(made, [*writers, running.marker])
        assert moment is not None, "the database never had this state"
        assert running.killed_at - moment < (SYNC_SECONDS + 2) * 1e9
        assert damage(restored) + gaps(restored) == []
        assert restored.stat().st_mode & 0o777 == 0o600


def create_until(caller, status):
    wait_for(lambda: caller.send("POST", body=LARGE)[0] == status, 120)


def test_a_stalled_replica_stops_writes_until_it_continues(setup):
    with setup.running(before=SHORT_LOG) as running:
        caller = Agency(running.address, setup.key)
        running.litestream.send_signal(signal.SIGSTOP)
        create_until(caller, 503)
        assert caller.send(path="/readyz")[0] == 503
        assert setup.log_size() > 16_000_000
        running.litestream.send_signal(signal.SIGCONT)
        create_until(caller, 201)
