"""A server with Litestream, configured as in acare/cli/README.md."""

import json
import random
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from support.crash import GONE, KILLS, Journalist, damage, gaps, read_clients, without_key, write_until
from support.data import JORDAN
from support.page import examples, replaced
from support.server import make_key, serving
from support.sockets import BODY, connect, read_answer, request, wait_for

from acare.maintenance import backup

PAGE_CONFIG = examples("yaml", "Replication")[0]
PAGE_RESTORE = examples("sh", "Replication")[0]
SYNC_SECONDS = int(re.search(r"sync-interval: (\d+)s", PAGE_CONFIG)[1])
TIMES = min(10, KILLS)
LARGE = json.dumps({**JORDAN, "notes": "x" * 9000}).encode()

# A log of 400 pages is too long.
SHORT_LOG = """
import acare.database.log as log
log.MAX_PAGES = 400
"""


@dataclass
class Running:
    server: subprocess.Popen
    address: str
    litestream: subprocess.Popen
    there: dict
    marker: Journalist
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
            marker = Journalist(f"marker-{len(there)}", self.key)
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
        text, _, verify = replaced(PAGE_RESTORE, values).partition("acare verify")
        assert verify
        subprocess.run(["sh", "-ec", text], check=True, capture_output=True, timeout=30)
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
        writers = [Journalist(f"{number}-{n}", setup.key) for n in range(2)]
        with setup.running() as running:
            write_until(running.address, writers, random.uniform(0.2, 1.5), running.kill)
        restored = setup.restore()
        found = read_clients(restored)
        assert running.there.items() <= found.items()
        made = {name: record for name, record in found.items() if name not in running.there}
        moment = last_moment(made, [*writers, running.marker])
        assert moment is not None, "the database never had this state"
        assert running.killed_at - moment < (SYNC_SECONDS + 2) * 1e9
        assert damage(restored) + gaps(restored) + without_key(restored) == []
        assert backup.verify(restored, checksum=False) == len(found)
        assert restored.stat().st_mode & 0o777 == 0o600


class Caller:
    """Creates clients one after another."""

    def __init__(self, address, key):
        self._address, self._key = address, key

    def ask(self, method, path, body=b""):
        with connect(self._address) as raw, raw.makefile("rb") as stream:
            raw.sendall(request(self._key, method, path, body))
            return read_answer(stream)

    def create(self):
        """Create a client. Returns the status."""
        return self.ask("POST", "/v1/clients", LARGE)[0]

    def create_until(self, status):
        wait_for(lambda: self.create() == status, 30)


def test_a_stalled_replica_stops_writes_until_it_continues(setup):
    with setup.running(before=SHORT_LOG) as running:
        caller = Caller(running.address, setup.key)
        running.litestream.send_signal(signal.SIGSTOP)
        caller.create_until(503)
        assert caller.ask("GET", "/readyz")[0] == 503
        assert setup.log_size() > 1_600_000
        running.litestream.send_signal(signal.SIGCONT)
        caller.create_until(201)


def test_a_restored_copy_can_replace_the_server(setup):
    with setup.running() as running:
        status, _, answer = Caller(running.address, setup.key).ask("POST", "/v1/clients", BODY)
        assert status == 201
        time.sleep(SYNC_SECONDS + 1)
        running.kill()
        killed = time.monotonic()
        with serving(setup.restore()) as (_, address):
            path = f"/v1/clients/{answer['data']['id']}"
            assert Caller(address, setup.key).ask("GET", path)[2]["data"] == answer["data"]
            assert time.monotonic() - killed < 10
