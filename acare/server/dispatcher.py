"""Who answers a request, and when its answer leaves."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress

from waitress.task import ThreadedTaskDispatcher

from acare.server.channel import Channel

#: Answers to reads that leave together at most, so that the first does not wait for long.
TOGETHER = 8


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Gives writes to threads, which wait for the disk together, and keeps reads for the loop itself.

    A read waits for nobody, but once a minute for the note that its key was used, and takes a fraction of
    a millisecond; to hand it to a thread, which then waits for Python's lock, would take as long again. A
    connection whose last answer is not sent yet waits for that first, so that no thread ever waits for a
    caller who does not read.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._reads: deque[Channel] = deque()
        self._waiting: deque[Channel] = deque()
        self.unsent: deque[Channel] = deque()  # once for each answer that is held
        self.set_thread_count(threads)

    def add_task(self, task: Channel) -> None:
        if task.held or task.total_outbufs_len:
            self._waiting.append(task)
        elif task.requests[0].error is None and task.is_read():
            self._reads.append(task)
        else:
            super().add_task(task)

    def handler_thread(self, thread_no: int) -> None:
        """The life of a thread, which waits for a pause of the loop instead of pushing it off its core: the
        two would pass Python's lock to and fro at each call into SQLite, which lets go of it."""
        if hasattr(os, "SCHED_BATCH"):
            with suppress(OSError):  # a sandbox may forbid it
                if os.sched_getscheduler(0) == os.SCHED_OTHER:  # else somebody has chosen already
                    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        super().handler_thread(thread_no)

    def answer(self) -> None:
        """Answer the reads that have come, and send that with what the threads answered; for the loop alone.

        Answers leave together, so that who receives them on this machine, as a proxy does, is woken once
        and not for each. (Redis does so too.)
        """
        while True:
            for _ in range(len(self._waiting)):
                task = self._waiting.popleft()
                if task.connected and task.requests:
                    self.add_task(task)
            if not self._reads and not self.unsent:
                return
            for _ in range(min(len(self._reads), TOGETHER)):
                self._reads.popleft().service()
            while self.unsent:
                self.unsent.popleft().send_held()
