"""The queue in which callers take turns."""

import queue
import threading
from collections import deque

from acare.server.channel import Channel


class FairQueue:
    """Requests that wait. The callers take turns, however many requests each of them has sent.

    The next request of a caller can be taken after a call of ``done`` or, if it is one of those that may
    overlap, at once.
    """

    def __init__(self) -> None:
        self._first: queue.SimpleQueue[Channel] = queue.SimpleQueue()
        self._further: dict[str, deque[Channel]] = {}  # by caller
        self._mutex = threading.Lock()  # guards _further

    def put(self, channel: Channel) -> None:
        caller = channel.turn.caller
        with self._mutex:
            if caller in self._further:
                self._further[caller].append(channel)
            else:
                self._further[caller] = deque()
                self._first.put(channel)

    def take(self) -> Channel:
        """The next request. Blocks until there is one."""
        channel = self._first.get()
        if channel.turn.overlaps:
            self._advance(channel.turn.caller)
        return channel

    def done(self, channel: Channel) -> None:
        """The request has been answered, and the response has not been sent yet."""
        if not channel.turn.overlaps:
            self._advance(channel.turn.caller)

    def _advance(self, caller: str) -> None:
        with self._mutex:
            if self._further[caller]:
                self._first.put(self._further[caller].popleft())
            else:
                del self._further[caller]

    def is_empty(self) -> bool:
        """Whether ``take`` would block."""
        return self._first.empty()
