"""The queue in which callers take turns."""

import queue
import threading
from collections import deque

from acare.server.channel import Channel


class _Caller(deque[Channel]):
    """The requests of one caller that wait behind the caller's first one."""

    is_offered = True  # whether one can be taken, or is being answered while no other may be
    bytes = 0  # of overlapping requests in progress, with one for each


class FairQueue:
    """Requests that wait. The callers take turns, however many requests each of them has sent.

    A caller's next request can be taken after a call of ``done`` or, while the bodies of those in progress
    have at most ``max_overlapping`` bytes, at once.
    """

    def __init__(self, max_overlapping: int = 0) -> None:
        self._max_overlapping = max_overlapping
        self._offered: queue.SimpleQueue[Channel] = queue.SimpleQueue()
        self._callers: dict[str, _Caller] = {}
        self._mutex = threading.Lock()  # guards _callers

    def put(self, channel: Channel) -> None:
        with self._mutex:
            caller = self._callers.get(channel.turn.caller)
            if caller is None:
                self._callers[channel.turn.caller] = _Caller()
                self._offered.put(channel)
            else:
                caller.append(channel)
                self._offer_next(caller)

    def take(self) -> Channel:
        """The next request. Blocks until there is one."""
        channel = self._offered.get()
        if self._max_overlapping:
            with self._mutex:
                caller = self._callers[channel.turn.caller]
                caller.is_offered = False
                caller.bytes += 1 + channel.body_size
                self._offer_next(caller)
        return channel

    def done(self, channel: Channel) -> None:
        """The request has been answered, and the response has not been sent yet."""
        with self._mutex:
            caller = self._callers[channel.turn.caller]
            if self._max_overlapping:
                caller.bytes -= 1 + channel.body_size
            else:
                caller.is_offered = False
            if caller:
                self._offer_next(caller)
            elif not (caller.bytes or caller.is_offered):
                del self._callers[channel.turn.caller]

    def _offer_next(self, caller: _Caller) -> None:
        if caller.is_offered or not caller:
            return
        if not caller.bytes or caller.bytes + 1 + caller[0].body_size <= self._max_overlapping:
            caller.is_offered = True
            self._offered.put(caller.popleft())

    def is_empty(self) -> bool:
        """Whether ``take`` would block."""
        return self._offered.empty()
