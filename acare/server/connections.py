"""The open connections in the order of their last progress, and the memory that is held for them."""

from __future__ import annotations

import time
from collections import OrderedDict

from acare.server.channel import Channel

#: Bytes that all connections together may take: requests until they are answered, and unread responses.
MAX_HELD = 128 * 1024 * 1024


class Connections:
    """Closes the connection longest without progress, for a new connection or for memory.

    It is the first one; for memory, those that hold nothing are skipped.
    """

    def __init__(self) -> None:
        self._closable: OrderedDict[Channel, None] = OrderedDict()  # the one longest without progress first
        self._held = 0  # bytes

    def progressed(self, channel: Channel) -> None:
        """The caller of ``channel`` has sent or read something."""
        channel.progress_at = time.monotonic()
        self._closable[channel] = None
        self._closable.move_to_end(channel)

    def keep(self, channel: Channel) -> None:
        """Do not close ``channel`` before its next progress: a thread answers its request."""
        del self._closable[channel]

    def count(self, channel: Channel) -> None:
        """Count what ``channel`` holds. Over the limit, close those longest without progress."""
        if not channel.connected:
            return
        size = channel.size()
        self._held += size - channel.counted
        channel.counted = size
        while self._held > MAX_HELD:
            victim = next((each for each in self._closable if each.counted), channel)
            victim.handle_close()

    def forget(self, channel: Channel) -> None:
        """``channel`` has been closed."""
        self._closable.pop(channel, None)
        self._held -= channel.counted
        channel.counted = 0

    def close_one(self) -> bool:
        """Close the one longest without progress. False if threads are answering all of them."""
        if not self._closable:
            return False
        next(iter(self._closable)).handle_close()
        return True

    def close_overdue(self, now: float) -> None:
        """Close those of which a time-out has expired."""
        for channel in [each for each in self._closable if each.is_overdue(now)]:
            channel.handle_close()
