"""A server with Litestream, configured as in acare/cli/docs/backup.md."""

import json
import re
import subprocess
import time
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from support.crash import GONE, Writer, damage, gaps, rows, write_until
from support.page import examples, replaced, shell
from support.server import make_key, serving
from support.sockets import wait_for

PAGE_CONFIG = examples("yaml", "Replication")[0]
PAGE_RESTORE = examples("sh", "Replication")[0]
SYNC_SECONDS = int(re.search(r"sync-interval: (\d+)s", PAGE_CONFIG)[1])


class Running(NamedTuple):
    """The two programs, and the address of the server."""

    server: subprocess.Popen
    address: str
    litestream: subprocess.Popen


class Setup:
    """A database with its replica, and the two programs that run on them."""

    def __init__(self, folder):
        self.folder, self.database, self.replica = folder, folder / "acare.db", folder / "replica"
        self.key = make_key(self.database)
        self._config = folder / "litestream.yml"
        values = {"/var/lib/acare/acare.db": self.database, "/mnt/replica/acare": self.replica}
        self._config.write_text(replaced(PAGE_CONFIG, values))

    @contextmanager
    def running(self):
        """The server and Litestream, which has begun to replicate."""
        line = ["litestream", "replicate", "-config", self._config]
        with (
            serving(self.database) as (server, address),
            (self.folder / "litestream.log").open("a") as log,
            subprocess.Popen(line, stdout=log, stderr=log) as litestream,
        ):
            try:
                wait_for(lambda: [*self.replica.glob("ltx/0/*.ltx")], seconds=30)
                yield Running(server, address, litestream)
            finally:
                litestream.kill()

    def restore(self):
        """Run the commands of the page. Returns the restored file."""
        restored = self.folder / "restored.db"
        values = {
            "/etc/litestream.yml": self._config,
            "/var/lib/acare/restored.db": restored,
            "/var/lib/acare/acare.db": self.database,
        }
        shell(replaced(PAGE_RESTORE, values), self.folder).check_returncode()
        return restored


@pytest.fixture
def setup(tmp_path):
    return Setup(tmp_path)


VERSIONS = "SELECT json FROM clients UNION ALL SELECT json FROM client_history"


def versions_in(database):
    """The name and number of each version of a client."""
    records = [json.loads(text) for (text,) in rows(database, VERSIONS)]
    return {(record["first_name"], record["version"]) for record in records}


def acknowledged_until(moment, writers):
    journal = [entry for writer in writers for entry in writer.journal]
    known = {(name, *known.versions) for at, name, known in journal if at < moment}
    return {each for each in known if len(each) == 2 and each[1] != GONE}


def test_a_restored_file_lacks_only_the_last_seconds(setup):
    writers, killed_at = [Writer(number, setup.key) for number in range(2)], []
    with setup.running() as running:

        def kill():
            killed_at.append(time.monotonic_ns())
            running.litestream.kill()
            running.server.kill()

        write_until(running.address, writers, SYNC_SECONDS + 4, kill)
    acknowledged = acknowledged_until(killed_at[0] - (SYNC_SECONDS + 2) * 10**9, writers)
    restored = setup.restore()
    assert acknowledged
    assert acknowledged <= versions_in(restored)
    assert damage(restored) + gaps(restored) == []
    assert restored.stat().st_mode & 0o777 == 0o600
