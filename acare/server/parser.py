"""Request parsing: rejects malformed requests before the app is called.

waitress parses requests. This module rejects what waitress accepts although RFC 9112 forbids it, and what
waitress parses in quadratic time. The time of each pattern here is linear in the length of its input.
"""

from __future__ import annotations

import re
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.utilities import BadRequest, RequestEntityTooLarge

from acare.app import MAX_BODY
from acare.server.body import Body, Chunks

#: Bytes of a body that are read before the 413, so that the sender receives the 413; the rest is not read.
MAX_BODY_READ = 8 * 1024 * 1024

#: Bytes of the request line and all headers.
MAX_HEADER = 32 * 1024

#: Header fields of a request. waitress takes quadratic time to join many of one name.
MAX_FIELDS = 100

_PARSED_SIZE = 4  # times the bytes of a header: about the memory that the parsed header takes
_TLS_HANDSHAKE = b"\x16"  # its first byte

_METHOD = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TARGET = rb"(?:/|(?i:https?)://)[\x21\x22\x24-\x7e]*"
_REQUEST_LINE = re.compile(rb"(?:OPTIONS \*|%b %b) HTTP/1\.[01]" % (_METHOD, _TARGET))  # RFC 9112, 3.2
_SPACES = re.compile(rb"[ \t]{2,}")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]{0,5})?")
_TRANSFER_ENCODING = re.compile(rb"^transfer-encoding:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_RESPONSE_DEPENDS_ON = {
    "ORIGIN": re.compile(rb"^origin:[ \t]*([\x21-\x7e]{1,256})", re.IGNORECASE | re.MULTILINE),
    "X_REQUEST_ID": re.compile(
        rb"^x-request-id:[ \t]*([\x21-\x7e]{1,128})[ \t]*\r", re.IGNORECASE | re.MULTILINE
    ),
}


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """One request. If it is rejected here, ``headers`` has only what the response depends on."""

    command, path, query, request_uri, url_scheme = "-", "/", "", "/", "http"  # until they are parsed
    completed: bool
    expect_continue: bool
    headers: dict[str, str]
    body_rcv: Any
    is_body_omitted = False

    def received(self, data: bytes) -> int:
        before = self.header_plus
        if data[:1] == _TLS_HANDSHAKE and not before and self.body_rcv is None:
            # A handshake has no end of a header: the caller, who used https://, would wait for the time-out.
            self.error = BadRequest("TLS is not supported")
            self.completed = True
            return len(data)
        consumed = int(super().received(data))
        if self.expect_continue and self.content_length > MAX_BODY:
            self.error = self.error or RequestEntityTooLarge("the caller need not send the body")
            self.completed = True
        if self.completed:
            self.expect_continue = False  # waitress would wait for a body that does not come
        if self.error is not None:
            self._read_rejected((before + data)[: 2 * MAX_HEADER])
        return consumed

    def omit_body(self) -> None:
        """Complete the request without its body. The caller, who waits for 100 Continue, need not send it."""
        self.completed = self.connection_close = self.is_body_omitted = True

    def size(self) -> int:
        """The approximate memory, in bytes, of the request as far as it has been received."""
        body = 0 if self.body_rcv is None else min(len(self.body_rcv), MAX_BODY)
        return _PARSED_SIZE * int(self.header_bytes_received) + body

    def caller(self) -> str | None:
        """The API key that was sent, valid or not; None if there is none."""
        return self.headers.get("X_API_KEY") or self.headers.get("API_KEY")

    def _read_rejected(self, text: bytes) -> None:
        """Extract what the response to a rejected request depends on, even if it could not be parsed."""
        if text.startswith(b"HEAD "):
            self.command = "HEAD"
        found = {name: pattern.search(text) for name, pattern in _RESPONSE_DEPENDS_ON.items()}
        self.headers = {name: match[1].decode("ascii") for name, match in found.items() if match}

    def parse_header(self, header_plus: bytes) -> None:
        """Parse request line and headers. ParsingError, which becomes a 400, if they are malformed."""
        first_line, line_end, rest = header_plus.partition(b"\r\n")
        if not _REQUEST_LINE.fullmatch(first_line):
            raise ParsingError(
                "the request line is not METHOD TARGET HTTP/1.1 (or HTTP/1.0), "
                "with a target of ASCII characters that begins with / or http:// and has no #"
            )
        if b"\r\n " in header_plus or b"\r\n\t" in header_plus:
            raise ParsingError("a header is folded over several lines")
        if rest.count(b"\r\n") > MAX_FIELDS + 2:
            raise ParsingError("there are too many header fields")
        if b"  " in rest or b"\t" in rest:
            # waitress's patterns take quadratic time on runs of white space.
            header_plus = first_line + line_end + _SPACES.sub(b" ", rest)
        try:
            super().parse_header(header_plus)
        except (ValueError, ParsingError, TransferEncodingNotImplemented):
            raise ParsingError("a header is malformed") from None  # waitress's messages repeat what was sent
        if self.body_rcv is not None:
            if self.chunked:
                self.body_rcv = Chunks()
            else:
                self.body_rcv.buf = Body()
        self._check_host()
        if b"transfer-encoding" in rest.lower() and (values := _TRANSFER_ENCODING.findall(rest)):
            self._check_framing(values)
        if "CONNECTION" in self.headers:
            self._read_connection()

    def _check_host(self) -> None:
        """Require one valid Host. waitress joins two headers with a comma and a space, which is invalid."""
        host = self.headers.get("HOST")
        if not (self.version == "1.0" if host is None else _HOST.fullmatch(host)):
            raise ParsingError("the request must have exactly one valid Host header")

    def _check_framing(self, transfer_encodings: list[bytes]) -> None:
        """Reject framing on which a proxy and this server could disagree. (RFC 9112, 6.1)

        waitress accepts "chunked, chunked", also together with Content-Length, and ignores both in HTTP/1.0.
        """
        is_chunked = [value.strip(b" \t").lower() for value in transfer_encodings] == [b"chunked"]
        if not is_chunked or self.version == "1.0" or "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Transfer-Encoding must be chunked, in HTTP/1.1 and without Content-Length")

    def _read_connection(self) -> None:
        """Read the list of options; waitress expects a single word. (RFC 9110, 7.6.1)"""
        options = {option.strip(" \t").lower() for option in self.headers["CONNECTION"].split(",")}
        self.connection_close = "close" in options or (self.version == "1.0" and "keep-alive" not in options)
