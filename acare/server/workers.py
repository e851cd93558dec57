"""The queue in which callers take turns, and the threads that answer slow requests."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from acare.server.channel import Channel

log = logging.getLogger("acare.server")


class FairQueue:
    """Requests that wait. The callers take turns, however many requests each of them has sent.

    The next request of a caller can be taken after a call of ``done``. Requests of no caller (None) are taken
    in the order of their arrival.
    """

    def __init__(self) -> None:
        self._turns: queue.SimpleQueue[tuple[str | None, Channel]] = queue.SimpleQueue()
        self._waiting: dict[str, deque[Channel]] = {}  # the further requests of each caller who has a turn
        self._mutex = threading.Lock()  # guards _waiting

    def put(self, caller: str | None, channel: Channel) -> None:
        if caller is not None:
            with self._mutex:
                if caller in self._waiting:
                    self._waiting[caller].append(channel)
                    return
                self._waiting[caller] = deque()
        self._turns.put((caller, channel))

    def take(self) -> tuple[str | None, Channel]:
        """The next caller and request. Blocks until there is one."""
        return self._turns.get()

    def done(self, caller: str | None) -> None:
        if caller is None:
            return
        with self._mutex:
            if not self._waiting[caller]:
                del self._waiting[caller]
                return
            channel = self._waiting[caller].popleft()
        self._turns.put((caller, channel))

    def is_empty(self) -> bool:
        """Whether ``take`` would block."""
        return self._turns.empty()


def start_threads(number: int, waiting: FairQueue, answered: Callable[[Channel], None]) -> None:
    """Have threads answer the requests that wait. ``answered`` is called after each request."""

    def work() -> None:
        with suppress(AttributeError, OSError):  # not Linux, or a sandbox
            if os.sched_getscheduler(0) == os.SCHED_OTHER:  # otherwise the operator has chosen
                # After the event loop, from which a thread would take Python's lock at each call of SQLite.
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # of this thread alone
        while True:
            caller, channel = waiting.take()
            try:
                channel.service()
            except Exception:
                log.exception("a request could not be answered")
                channel.cancel()
            waiting.done(caller)
            answered(channel)

    for _ in range(number):
        threading.Thread(target=work, daemon=True).start()
