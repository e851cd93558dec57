"""Request parsing: rejects malformed requests before the app is called, and limits the memory of a body.

waitress parses requests. This module rejects what waitress accepts although RFC 9112 forbids it, and what
waitress parses in quadratic time. The time of each pattern here is linear in the length of its input.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest

from acare.app import MAX_BODY

#: Bytes of a body that are read before the 413, so that its sender receives it; the rest is not read.
MAX_BODY_READ = 8 * 1024 * 1024

#: Bytes of the request line and all headers.
MAX_HEADER = 32 * 1024

#: Header fields of a request. waitress takes quadratic time to join many of one name.
MAX_FIELDS = 200

#: Bytes of chunk framing beyond the length of the body. Many tiny chunks cost more time than bytes.
MAX_FRAMING = 4 * 1024

#: Bytes of the size line of a chunk (with its extensions) and of the trailers after the last chunk.
MAX_CHUNK_LINE = 4 * 1024

_TLS_HANDSHAKE = b"\x16"  # the first byte of one

_REQUEST_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e\x80-\xff]+ HTTP/1\.[01]")
_SPACES = re.compile(rb"[ \t]{2,}")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]{0,5})?")
_TRANSFER_ENCODING = re.compile(rb"^transfer-encoding:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_ORIGIN = re.compile(rb"^origin:[ \t]*([\x21-\x7e]{1,256})", re.IGNORECASE | re.MULTILINE)
_REQUEST_ID = re.compile(rb"^x-request-id:[ \t]*([\x21-\x7e]{1,128})[ \t]*\r", re.IGNORECASE | re.MULTILINE)


class Body:
    """The bytes of a body, in memory. Takes the place of waitress's buffer.

    A body over the API's limit is only counted: the app answers 413 because of its length.
    """

    def __init__(self, keep: bool) -> None:
        self._bytes = BytesIO()
        self._keep = keep
        self._length = 0

    def append(self, data: bytes) -> None:
        self._length += len(data)
        if self._keep and self._length <= MAX_BODY:
            self._bytes.write(data)
        elif self._keep:
            self._keep = False
            self._bytes = BytesIO()

    def getfile(self) -> BytesIO:
        self._bytes.seek(0)
        return self._bytes

    def close(self) -> None:
        self._bytes.close()

    def __len__(self) -> int:
        return self._length


class Chunks(ChunkedReceiver):  # type: ignore[misc]  # waitress has no types
    """A chunked body. Rejects a size line with a bare line feed, which waitress accepts at its end."""

    error: BadRequest | None

    def received(self, data: bytes) -> int:
        start = 0
        while start < len(data) and not self.completed and self.error is None:
            end = start + (self.chunk_remainder or len(data))
            if not self.chunk_remainder and not self.all_chunks_received:
                end = data.find(b"\n", start) + 1 or len(data)
            start += super().received(data[start:end])
            if b"\n" in self.control_line:
                self.error = BadRequest("A chunk size line has a bare line feed")
        return start


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """One request. If it is rejected here, ``origin`` and ``request_id`` are headers that it was sent with,
    and ``is_head`` is whether it is a HEAD request, even if it could not be parsed.
    """

    origin: str | None = None
    request_id: str | None = None
    is_head = False
    completed: bool
    headers: dict[str, str]
    body_rcv: Any

    def received(self, data: bytes) -> int:
        before = self.header_plus
        if data[:1] == _TLS_HANDSHAKE and not before and self.body_rcv is None:
            # It contains no end of a header; the caller, who used https://, would wait for the time-out.
            self.error = BadRequest("TLS is not supported")
            self.completed = True
            return len(data)
        consumed = int(super().received(data))
        if self.chunked and self.body_rcv is not None and not self.completed:
            held = len(self.body_rcv.control_line) + len(self.body_rcv.trailer)
            framing = self.body_bytes_received - 2 * len(self.body_rcv)
            if held > MAX_CHUNK_LINE or framing > MAX_FRAMING:
                self.error = BadRequest("The chunks have too much framing")
                self.completed = True
        if self.completed:
            self.expect_continue = False  # waitress would wait for a body that does not come
        if self.error is not None:
            self._read_for_refusal((before + data)[: 2 * MAX_HEADER])
        return consumed

    def _read_for_refusal(self, text: bytes) -> None:
        """Extract what the response to a rejected request depends on."""
        self.is_head = text.startswith(b"HEAD ")
        if (origin := _ORIGIN.search(text)) is not None:
            self.origin = origin[1].decode("ascii")
        if (request_id := _REQUEST_ID.search(text)) is not None:
            self.request_id = request_id[1].decode("ascii")

    def parse_header(self, header_plus: bytes) -> None:
        """Parse request line and headers. ParsingError, which becomes a 400, if they are malformed."""
        first_line, line_end, rest = header_plus.partition(b"\r\n")
        if not _REQUEST_LINE.fullmatch(first_line):
            raise ParsingError("The request line is not METHOD TARGET HTTP/1.1 (or HTTP/1.0)")
        if b"\r\n " in header_plus or b"\r\n\t" in header_plus:
            raise ParsingError("A header is folded over several lines")
        if rest.count(b"\r\n") > MAX_FIELDS + 2:
            raise ParsingError("There are too many header fields")
        if b"  " in rest or b"\t" in rest:
            # waitress's patterns take quadratic time on runs of white space.
            header_plus = first_line + line_end + _SPACES.sub(b" ", rest)
        try:
            super().parse_header(header_plus)
        except (ValueError, TransferEncodingNotImplemented) as error:
            raise ParsingError(str(error)) from None
        self._check_host()
        if b"transfer-encoding" in rest.lower():
            self._check_framing(_TRANSFER_ENCODING.findall(rest))
        if "CONNECTION" in self.headers:
            self._simplify_connection()
        if self.body_rcv is not None:
            self.body_rcv.buf = Body(keep=self.content_length <= MAX_BODY)
        if self.chunked:
            self.body_rcv = Chunks(self.body_rcv.buf)

    def _check_host(self) -> None:
        """Require one valid Host. waitress joins two headers with a comma and a space, which is invalid."""
        host = self.headers.get("HOST")
        if host is None and self.version == "1.1":
            raise ParsingError("HTTP/1.1 requires a Host header")
        if host is not None and not _HOST.fullmatch(host):
            raise ParsingError("The request must have exactly one valid Host header")

    def _check_framing(self, transfer_encodings: list[bytes]) -> None:
        """Reject framing on which a proxy and this server could disagree. (RFC 9112, 6.1)

        waitress accepts "chunked, chunked", also together with Content-Length, and ignores both in HTTP/1.0.
        """
        if not transfer_encodings:
            return
        if self.version == "1.0" or "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Transfer-Encoding requires HTTP/1.1 and excludes Content-Length")
        if [value.strip(b" \t").lower() for value in transfer_encodings] != [b"chunked"]:
            raise ParsingError("The only valid Transfer-Encoding is a single chunked")

    def _simplify_connection(self) -> None:
        """Reduce the options to one, since waitress expects a single word. (RFC 9110, 7.6.1)"""
        options = {option.strip(" \t").lower() for option in self.headers.pop("CONNECTION").split(",")}
        if "close" in options:
            self.headers["CONNECTION"] = "close"
        elif "keep-alive" in options and self.version == "1.0":
            self.headers["CONNECTION"] = "keep-alive"
