"""The bodies of requests: kept in memory up to the API's limit, and the chunked framing. (RFC 9112 7.1)"""

import re
from io import BytesIO

from waitress.utilities import BadRequest

from acare.api.body import MAX_BODY

#: Bytes of a line of the chunked framing.
MAX_LINE = 2 * 1024

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_END_OF_CHUNK = re.compile(rb"\r\n")
_TRAILER = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*)?\r\n")  # or the end


class Body:
    """The bytes of a body, in place of waitress's buffer. Bytes over the API's limit are only counted."""

    def __init__(self) -> None:
        self._bytes = BytesIO()
        self._length = 0

    def append(self, data: bytes) -> None:
        self._length += len(data)
        if self._length <= MAX_BODY:
            self._bytes.write(data)

    def getfile(self) -> BytesIO:
        self._bytes.seek(0)
        return self._bytes

    def __len__(self) -> int:
        return self._length


class Chunks(Body):
    """Receives a chunked body. Takes the place of waitress's receiver, which accepts malformed trailers,
    empty size lines and bare line feeds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.completed = False
        self.error: BadRequest | None = None
        self._line = b""  # the beginning of a line
        self._data_left = 0  # bytes of the current chunk
        self._expected = _SIZE_LINE

    def received(self, data: bytes) -> int:
        """Take bytes up to the end of the body. Returns their number."""
        start = 0
        while start < len(data) and not self.completed and self.error is None:
            if self._data_left:
                piece = data[start : start + self._data_left]
                self.append(piece)
                self._data_left -= len(piece)
                start += len(piece)
            else:
                end = data.find(b"\n", start) + 1 or len(data)
                self._line += data[start:end]
                start = end
                if self._line.endswith(b"\n"):
                    line, self._line = self._line, b""
                    self._read_line(line)
                elif len(self._line) > MAX_LINE:
                    self._read_line(self._line)  # which is malformed without its end
        return start

    def _read_line(self, line: bytes) -> None:
        match = self._expected.fullmatch(line)
        if match is None:
            self.error = BadRequest("the chunks of the body are malformed")
        elif self._expected is _SIZE_LINE:
            self._data_left = int(match[1], 16)
            self._expected = _END_OF_CHUNK if self._data_left else _TRAILER
        elif self._expected is _END_OF_CHUNK:
            self._expected = _SIZE_LINE
        else:
            self.completed = line == b"\r\n"
