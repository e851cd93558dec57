"""A real server under attack: the effects on its other callers and on its resources."""

import os
import re
import signal
import time
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

from support.server import make_key, serving
from support.sockets import KIB, connect, read_answer, request, reset, wait_for
from support.threads import Call

#: Seconds within which every other caller must be answered during an attack.
PROMPT = 0.25

#: Attempts for each attack: a busy machine can delay a caller in ways that are not measured.
TRIES = 3

_ACCESS_LINE = re.compile(r" \d{3} \d+\.\dms key=\S+ request=\S+$")


class Target:
    """A running server, its address, a key, its log and its process as /proc shows it."""

    def __init__(self, process, address, key, log):
        self.process, self.address, self.key = process, address, key
        self._log, self._proc = log, Path(f"/proc/{process.pid}")

    @contextmanager
    def connections(self, number=1, **options):
        """Connections for a test, which are reset at its end."""
        made = []
        try:
            for _ in range(number):
                made.append(connect(self.address, **options))
            yield made
        finally:
            for raw in made:
                reset(raw)

    def log(self):
        return self._log.read_text(encoding="utf-8", errors="replace")

    def log_besides_requests(self):
        """The lines of the log that are not access lines."""
        return [line for line in self.log().splitlines() if not _ACCESS_LINE.search(line)]

    def cpu_seconds(self):
        """The processor time of the process, in user and system mode."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """The resident memory, in bytes."""
        return int((self._proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def ask(self, method="GET", path="/v1/clients", body=b"", status=200, **headers):
        """The data of the answer to a new connection, or the error."""
        with connect(self.address) as raw, raw.makefile("rb") as stream:
            raw.sendall(request(self.key, method, path, body, **headers))
            answered, _, answer = read_answer(stream)
        assert answered == status, answer
        return answer.get("data", answer.get("error"))

    def unread(self):
        """Bytes that the server's sockets have received and it has not read."""
        port = f":{int(self.address.split(':')[1]):04X}"
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()]
        return sum(int(row[4].split(":")[1], 16) for row in rows if row[1].endswith(port) and row[3] == "01")

    def descriptors(self):
        return len(os.listdir(self._proc / "fd"))

    @contextmanager
    def frozen(self):
        """While it is suspended, what is sent waits, and is all read in one iteration afterwards."""
        self.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: (self._proc / "stat").read_text().rpartition(") ")[2].startswith("T"))
        yield
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """Send SIGTERM, and wait until the server says that it stops."""
        self.process.terminate()
        wait_for(lambda: "stopping" in self.log())

    def is_well(self):
        """Whether it answers a new connection; by then it has read what was sent before."""
        with suppress(OSError, HTTPException), connect(self.address) as raw:
            check_health(raw)
            return True
        return False


@contextmanager
def target_in(folder, *arguments, **options):
    """Start a Target on a database in ``folder``, which is created if it is missing."""
    database = folder / "served.db"
    key = make_key(database)
    with serving(database, *arguments, **options) as (process, address):
        yield Target(process, address, key, folder / "server.log")


def check_health(raw):
    """Ask ``/healthz`` over this connection; OSError if there is no answer in time."""
    raw.sendall(request("", path="/healthz"))
    with raw.makefile("rb") as stream:
        if read_answer(stream) is None:
            raise ConnectionError("closed before the answer was complete")


class Clock:
    """Measures the seconds of the server and the test, without the time that other programs took.

    Linux records how long the main thread of a process was ready to run and had no processor. Time in which
    the event loop sleeps, works or waits for a lock counts.
    """

    def __init__(self, server):
        self._processes = ("self", server)

    def now(self):
        return time.monotonic() - sum(map(self._seconds_without_processor, self._processes))

    @staticmethod
    def _seconds_without_processor(process):
        with suppress(OSError):
            return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
        return 0  # the system does not record it


def longest_wait(target, acting):
    """The longest wait of a caller who asks over a new connection while a thread acts, at least twice."""
    clock, waits = Clock(target.process.pid), []
    while acting.is_alive() or len(waits) < 2:
        began = clock.now()
        assert target.is_well()
        waits.append(clock.now() - began)
        time.sleep(0.01)
    return max(waits)


def attack(target, act):
    """Returns ``act()``. Meanwhile another caller must be answered promptly, with few lines in the log."""
    for _ in range(TRIES):
        lines = len(target.log_besides_requests())
        acting = Call(act)
        longest = longest_wait(target, acting)
        logged = sum(map(len, target.log_besides_requests()[lines:]))
        if longest < PROMPT:
            break
    assert longest < PROMPT, "other callers had to wait"
    assert logged < 4 * KIB, "the log was flooded"
    return acting.result()
