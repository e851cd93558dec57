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
        self.blocked = True  # until a request that was offered is taken or, unless it may overlap, answered
        self.overlapping = 0  # requests in progress
        self.bytes = 0  # of their bodies


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
        name = channel.turn.caller
        with self._mutex:
            if name in self._callers:
                self._callers[name].waiting.append(channel)
                self._advance(name)
            else:
                self._callers[name] = _Caller()
                self._offered.put(channel)

    def take(self) -> Channel:
        """The next request. Blocks until there is one."""
        channel = self._offered.get()
        if channel.turn.overlaps:
            with self._mutex:
                caller = self._callers[channel.turn.caller]
                caller.blocked = False
                caller.overlapping += 1
                caller.bytes += _body_size(channel)
                self._advance(channel.turn.caller)
        return channel

    def done(self, channel: Channel) -> None:
        """The request has been answered, and the response has not been sent yet."""
        name = channel.turn.caller
        with self._mutex:
            caller = self._callers[name]
            if channel.turn.overlaps:
                caller.overlapping -= 1
                caller.bytes -= _body_size(channel)
            else:
                caller.blocked = False
            self._advance(name)

    def _advance(self, name: str) -> None:
        """Offer the next request of a caller, if it can be taken. Forget a caller who has none."""
        caller = self._callers[name]
        if caller.blocked:
            return
        if not caller.waiting:
            if not caller.overlapping:
                del self._callers[name]
        elif not caller.overlapping or caller.bytes + _body_size(caller.waiting[0]) <= MAX_OVERLAPPING:
            caller.blocked = True
            self._offered.put(caller.waiting.popleft())

    def is_empty(self) -> bool:
        """Whether ``take`` would block."""
        return self._offered.empty()


def _body_size(channel: Channel) -> int:
    return len(channel.env["wsgi.input"].getbuffer())
