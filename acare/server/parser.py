"""What is refused before the app sees it, and how a body is kept.

waitress parses requests; this module checks what waitress lets through or takes too long over. Every
pattern here is linear in the length of its input.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.utilities import BadRequest

from acare.app import MAX_BODY

#: Bytes of a body that are read, so that its sender sees the 413; a longer one is cut off.
MAX_BODY_READ = 8 * 1024 * 1024

#: Bytes of a header.
MAX_HEADER = 32 * 1024

#: Bytes of a chunk's size line, extension included, and of the trailers behind the last chunk.
MAX_CHUNK_LINE = 4 * 1024

_REQUEST_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e\x80-\xff]+ HTTP/1\.[01]")
_BLANKS = re.compile(rb"[ \t]{2,}")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]{0,5})?")
_TRANSFER_ENCODING = re.compile(rb"^transfer-encoding:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_ORIGIN = re.compile(rb"^origin:[ \t]*([\x21-\x7e]{1,256})", re.IGNORECASE | re.MULTILINE)


class Body:
    """The bytes of a body in memory, as waitress's receivers fill it: no more than the API's limit.

    Once there are more, all are dropped and only counted: the app answers 413 by the length alone.
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


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """One request. ``origin`` is its Origin header if the request is refused here."""

    origin: str | None = None
    completed: bool
    headers: dict[str, str]
    body_rcv: Any

    def received(self, data: bytes) -> int:
        before = self.header_plus
        consumed = int(super().received(data))
        if self.chunked and self.body_rcv is not None and not self.completed:
            held = len(self.body_rcv.control_line) + len(self.body_rcv.trailer)
            if held > MAX_CHUNK_LINE:
                self.error = BadRequest("a chunk's size line or the trailers are too long")
                self.completed = True
        if self.completed:
            self.expect_continue = False  # waitress would also tell a request without a body to go on
        if self.error is not None and self.origin is None:
            found = _ORIGIN.search((before + data)[: 2 * MAX_HEADER])
            self.origin = found[1].decode("ascii") if found else None
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse request line and headers. ParsingError (an answer of 400) for a malformed request."""
        first_line, line_end, rest = header_plus.partition(b"\r\n")
        if not _REQUEST_LINE.fullmatch(first_line):
            raise ParsingError("the request line is not METHOD TARGET HTTP/1.1 or HTTP/1.0")
        if b"\r\n " in header_plus or b"\r\n\t" in header_plus:
            raise ParsingError("a header is folded over several lines")
        if b"  " in rest or b"\t" in rest:
            # waitress's patterns take a time that is quadratic in the length of a run of blanks.
            header_plus = first_line + line_end + _BLANKS.sub(b" ", rest)
        try:
            super().parse_header(header_plus)
        except (ValueError, TransferEncodingNotImplemented) as error:
            raise ParsingError(str(error)) from None
        self._check_host()
        self._check_framing(_TRANSFER_ENCODING.findall(rest))
        self._simplify_connection()
        if self.body_rcv is not None:
            self.body_rcv.buf = Body(keep=self.content_length <= MAX_BODY)

    def _check_host(self) -> None:
        """Of two Host headers waitress makes one value with a comma and a blank, which is no host."""
        host = self.headers.get("HOST")
        if host is None and self.version == "1.1":
            raise ParsingError("HTTP/1.1 needs a Host header")
        if host is not None and not _HOST.fullmatch(host):
            raise ParsingError("there must be exactly one Host, a valid one")

    def _check_framing(self, transfer_encodings: list[bytes]) -> None:
        """Every server on a message's way must see the same end of it. (RFC 9112, 6.1)

        waitress takes "chunked, chunked", takes a Content-Length beside it, and ignores both in HTTP/1.0.
        """
        if not transfer_encodings:
            return
        if self.version == "1.0" or "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Transfer-Encoding is for HTTP/1.1, and excludes Content-Length")
        if [value.strip(b" \t").lower() for value in transfer_encodings] != [b"chunked"]:
            raise ParsingError("the only Transfer-Encoding is chunked, once")

    def _simplify_connection(self) -> None:
        """waitress compares the whole header with one word; it is a list. (RFC 9110, 7.6.1)"""
        options = {option.strip(" \t").lower() for option in self.headers.pop("CONNECTION", "").split(",")}
        if "close" in options:
            self.headers["CONNECTION"] = "close"
        elif "keep-alive" in options and self.version == "1.0":
            self.headers["CONNECTION"] = "keep-alive"
