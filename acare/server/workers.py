"""The threads that answer requests which the event loop should not wait for."""

from __future__ import annotations

import ctypes
import logging
import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from acare.app import Workload
from acare.server.channel import Channel

log = logging.getLogger("acare.server")

#: Threads for reads that take long.
READERS = 4


_M_ARENA_MAX = -8  # malloc.h


class Workers:
    """A queue and threads for each kind of request, so that slow ones of one kind do not delay another."""

    def __init__(self, writers: int, done: Callable[[Channel], None]) -> None:
        """``writers`` is the number of threads for writes. ``done`` is called after each request."""
        self._done = done
        self._queues: dict[Workload, queue.SimpleQueue[Channel]] = {}
        threads: dict[Workload, int] = {"write": writers, "read": READERS, "check": 1}
        for kind, count in threads.items():
            self._queues[kind] = queue.SimpleQueue()
            for _ in range(count):
                threading.Thread(target=self._work, args=(self._queues[kind],), daemon=True).start()

    def put(self, kind: Workload, channel: Channel) -> None:
        """Have the request of ``channel`` answered by a thread for its kind."""
        self._queues[kind].put(channel)

    def _work(self, tasks: queue.SimpleQueue[Channel]) -> None:
        _lower_priority()
        while True:
            channel = tasks.get()
            try:
                channel.service()
            except Exception:
                log.exception("a request could not be answered")
                channel.cancel()
            self._done(channel)


def _lower_priority() -> None:
    """Schedule this thread after the event loop's: otherwise the two exchange Python's global lock at each
    call into SQLite, which releases it."""
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # a sandbox may forbid it
            if os.sched_getscheduler(0) == os.SCHED_OTHER:  # otherwise keep the operator's choice
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def share_one_heap() -> None:
    """Have all threads allocate from one heap. glibc gives each its own, and what is free in one of them is
    not used by the others: 3 MiB. Python's global lock keeps the threads from allocating at the same time."""
    with suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
