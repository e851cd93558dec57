"""The queue in which callers take turns."""

import queue
import threading
from collections import deque

from acare.server.channel import Channel

#: Bytes of the bodies of one caller's writes in progress. Small writes then share a commit, and large ones do
#: not fill the writer's queue.
MAX_OVERLAPPING = 64 * 1024


class _Caller:
    """The requests of one caller."""

    def __init__(self) -> None:
        self.waiting: deque[Channel] = deque()
        self.is_offered = False  # whether one can be taken or, if it may not overlap, is being answered
        self.bytes = 0  # of overlapping requests in progress, with one for each


class FairQueue:
    """Requests that wait. The callers take turns, however many requests each of them has sent.

    The next request of a caller can be taken after a call of ``done`` or, if the caller's requests in this
    queue may overlap, as long as the bodies of those in progress have at most ``MAX_OVERLAPPING`` bytes.
    """

    def __init__(self) -> None:
        self._offered: queue.SimpleQueue[Channel] = queue.SimpleQueue()
        self._callers: dict[str, _Caller] = {}
        self._mutex = threading.Lock()  # guards _callers

    def put(self, channel: Channel) -> None:
        with self._mutex:
            caller = self._callers.get(channel.turn.caller)
            if caller is None:
                caller = self._callers[channel.turn.caller] = _Caller()
            caller.waiting.append(channel)
            self._offer_next(caller)

    def take(self) -> Channel:
        """The next request. Blocks until there is one."""
        channel = self._offered.get()
        if channel.turn.overlaps:
            with self._mutex:
                caller = self._callers[channel.turn.caller]
                caller.is_offered = False
                caller.bytes += _size(channel)
                self._offer_next(caller)
        return channel

    def done(self, channel: Channel) -> None:
        """The request has been answered, and the response has not been sent yet."""
        with self._mutex:
            caller = self._callers[channel.turn.caller]
            if channel.turn.overlaps:
                caller.bytes -= _size(channel)
            else:
                caller.is_offered = False
            self._offer_next(caller)
            if not (caller.bytes or caller.is_offered):
                del self._callers[channel.turn.caller]

    def _offer_next(self, caller: _Caller) -> None:
        if caller.is_offered or not caller.waiting:
            return
        if not caller.bytes or caller.bytes + _size(caller.waiting[0]) <= MAX_OVERLAPPING:
            caller.is_offered = True
            self._offered.put(caller.waiting.popleft())

    def is_empty(self) -> bool:
        """Whether ``take`` would block."""
        return self._offered.empty()


def _size(channel: Channel) -> int:
    return len(channel.env["wsgi.input"].getbuffer()) + 1
