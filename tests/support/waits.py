"""An honest caller of a server, in a process of its own: in the test's, it would wait for Python's lock.

Run with the server's port and process id. It asks until its input ends, and prints its longest wait in
seconds.
"""

import select
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n"
TIMEOUT = 10  # seconds until it gives up; a refused request counts as much


class Clock:
    """Measures the seconds of the server and the caller, without the time that other programs took.

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


def ask(raw):
    raw.settimeout(TIMEOUT)
    raw.sendall(REQUEST)
    if not raw.recv(4096).startswith(b"HTTP/1.1 200 "):
        raise ConnectionError("no answer")


def longest_wait(address, clock):
    """Asks over a kept connection and a new one by turns, each at least once."""
    waits = []
    with socket.create_connection(address, TIMEOUT) as kept:
        print("begins", flush=True)
        while not select.select([sys.stdin], [], [], 0.01)[0] or len(waits) < 2:
            began = clock.now()
            try:
                with socket.create_connection(address, TIMEOUT) if len(waits) % 2 else kept.dup() as raw:
                    ask(raw)
                waits.append(clock.now() - began)
            except OSError:
                waits.append(TIMEOUT)
    return max(waits)


if __name__ == "__main__":
    port, server = sys.argv[1:]
    print(longest_wait(("127.0.0.1", int(port)), Clock(server)))
