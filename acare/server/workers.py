"""The queues in which callers take turns, and the threads that answer what the event loop should not."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable

from acare.app import Workload
from acare.server.channel import Channel

log = logging.getLogger("acare.server")

# Threads for each kind of request besides writes; no kind waits for another.
_THREADS: dict[Workload, int] = {"slow": 4, "list": 2, "check": 1}


class FairQueue:
    """Requests that wait. The callers take turns, however many requests each of them has sent.

    The next request of a caller can be taken after a call of ``done``.
    """

    def __init__(self) -> None:
        self._turns: queue.SimpleQueue[str] = queue.SimpleQueue()  # callers whose next request can be taken
        self._waiting: dict[str, deque[Channel]] = {}  # by caller, until the last request is done
        self._mutex = threading.Lock()  # guards _waiting

    def put(self, caller: str, channel: Channel) -> None:
        with self._mutex:
            waiting = self._waiting.get(caller)
            if waiting is not None:
                waiting.append(channel)
                return
            self._waiting[caller] = deque((channel,))
        self._turns.put(caller)

    def take(self) -> tuple[str, Channel]:
        """The next caller and request. Blocks until there is one."""
        caller = self._turns.get()
        return caller, self._waiting[caller].popleft()

    def done(self, caller: str) -> None:
        with self._mutex:
            if not self._waiting[caller]:
                del self._waiting[caller]
                return
        self._turns.put(caller)

    def is_empty(self) -> bool:
        """Whether ``take`` would block."""
        return self._turns.empty()


class Workers:
    """A queue and threads for each kind of request."""

    def __init__(self, writers: int, answered: Callable[[Channel], None]) -> None:
        """``writers`` is the number of threads for writes. ``answered`` is called after each request."""
        self._answered = answered
        self._queues: dict[Workload, FairQueue] = {}
        for kind, count in {"write": writers, **_THREADS}.items():
            self._queues[kind] = FairQueue()
            for _ in range(count):
                threading.Thread(target=self._work, args=(kind,), daemon=True).start()

    def put(self, kind: Workload, caller: str, channel: Channel) -> None:
        """Have the request of ``channel`` answered by a thread for its kind."""
        self._queues[kind].put(caller, channel)

    def _work(self, kind: Workload) -> None:
        waiting = self._queues[kind]
        while True:
            caller, channel = waiting.take()
            if kind == "write":  # writes of one caller are committed together
                waiting.done(caller)
            try:
                channel.service()
            except Exception:
                log.exception("a request could not be answered")
                channel.cancel()
            if kind != "write":
                waiting.done(caller)
            self._answered(channel)
