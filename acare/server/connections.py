"""The open connections in the order of their last progress, and the choice of connections to close."""

from __future__ import annotations

from collections import OrderedDict

from acare.server.channel import Channel

#: Bytes that all connections together may take: requests until they are answered, and unread responses.
MAX_HELD = 128 * 1024 * 1024


class Connections(OrderedDict[int, Channel]):
    """The connections by descriptor, the one longest without progress first; waitress adds and removes them.

    Connections are closed in this order; one with a write in progress only if there is no other.
    """

    has_grown = False  # whether more may be held since the last call of limit_memory

    def _closable(self) -> list[Channel]:
        return [channel for channel in self.values() if not channel.is_writing]

    def close_one(self) -> None:
        """Close the connection longest without progress. The response to its request, if any, is lost."""
        oldest = next(iter(self.values()))
        next((channel for channel in self.values() if not channel.is_writing), oldest).handle_close()

    def limit_memory(self) -> None:
        """Over the limit, close connections with buffered data until the rest is within it."""
        self.has_grown = False
        held = sum(channel.size() for channel in self.values())
        for channel in self._closable() if held > MAX_HELD else ():
            if held > MAX_HELD and (size := channel.size()):
                channel.handle_close()
                held -= size

    def close_overdue(self, now: float) -> None:
        """Close the connections whose time-out has expired."""
        for channel in self._closable():
            if channel.is_overdue(now):
                channel.handle_close()
