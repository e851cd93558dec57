"""The open connections, and the choice of those to close."""

import time

from acare.server.channel import Channel

#: Open connections. An idle one costs a file descriptor and no thread.
MAX_CONNECTIONS = 1000

#: Bytes that all connections together may take: requests until they are answered, and unread responses.
MAX_BUFFERED = 128 * 1024 * 1024


class Connections(set[Channel]):
    """The connections. The one longest without progress is closed first, those with a write in progress last;
    the response to a request is lost.
    """

    needs_memory_check = False  # whether more may be buffered than at the last call of ``limit_memory``

    def _closable(self) -> list[Channel]:
        return sorted(self, key=lambda channel: (channel.is_writing(), channel.progress_at))

    def make_room(self) -> None:
        """At the limit, close a connection."""
        if len(self) >= MAX_CONNECTIONS:
            self._closable()[0].handle_close()

    def limit_memory(self) -> None:
        """Over the limit, close connections with buffered data until the rest is within it."""
        self.needs_memory_check = False
        buffered = sum(channel.size() for channel in self)
        for channel in self._closable() if buffered > MAX_BUFFERED else ():
            if buffered > MAX_BUFFERED and (size := channel.size()):
                channel.handle_close()
                buffered -= size

    def close_overdue(self, patience: float) -> None:
        """Close the connections whose time-out has expired, ``patience`` for those without a response."""
        now = time.monotonic()
        for channel in list(self):
            if channel.is_overdue(now, patience):
                channel.handle_close()
