"""Request parsing. Malformed requests are rejected here; the app only formats the response.

waitress accepts some headers that RFC 9112 forbids, and takes quadratic time for others. The time of each
pattern here is linear in the length of its input.
"""

import re
import sys
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_to_bytes

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import FixedStreamReceiver
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

from acare.api.body import MAX_BODY, MAX_DISCARDED
from acare.server.body import Body, Chunks

#: Bytes of the request line and all headers.
MAX_HEADER = 32 * 1024

#: Header fields of a request besides Host. Joining many of one name takes quadratic time.
MAX_FIELDS = 100

#: The settings of waitress that its parser reads.
SETTINGS = SimpleNamespace(max_request_body_size=MAX_DISCARDED + 1, max_request_header_size=MAX_HEADER)

_AUTHORITY = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]{0,5})?"
_TARGET = rf"(?:/|(?i:https?)://{_AUTHORITY}(?=[/? ]))[\x21\x22\x24-\x7e]*"
_REQUEST_LINE = re.compile(rf"(?:OPTIONS \*|[!#$%&'*+\-.^_`|~0-9A-Z]+ {_TARGET}) HTTP/1\.[01]")
_FIELD = re.compile(r"^([!#$%&'*+\-.^_`|~0-9A-Za-z]++):([\t\x20-\x7e\x80-\xff]*+)\r\n", re.M)  # RFC 9112, 5
_HOST = re.compile(_AUTHORITY)
_EMPTY_LINES = re.compile(rb"(?:\r\n)*+(?=\r?\Z|[!#$%&'*+\-.^_`|~0-9A-Za-z])")
_ECHOED = re.compile(rb"^(origin|x-request-id):[ \t]*([\x21-\x7e]{1,256})[ \t]*\r", re.I | re.M)


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """One request. ``headers`` has the names of the WSGI environ. If the header is rejected here, it has only
    what the response depends on.
    """

    command, path, query = "-", "/", ""  # until they are parsed
    headers: dict[str, str]
    header_plus: bytes
    body_rcv: Any
    error: Error | None

    def receive(self, data: bytes) -> bytes:
        """Take what belongs to the header, and to a body of a known length. Returns the rest."""
        if self.body_rcv is None and len(self.header_plus) < 2:
            data, self.header_plus = self.header_plus + data, b""
            if not data[:1].isalpha():
                empty_lines = _EMPTY_LINES.match(data)  # nothing else may stand before (RFC 9112, 2.2)
                if empty_lines is None:
                    self.error = BadRequest("it must begin with the method; TLS is not supported")
                    self.completed = True
                    return b""
                data = data[empty_lines.end() :]
        before = self.header_plus
        consumed = int(self.received(data))
        if self.content_length and not self.expect_continue:  # what has arrived of the body
            consumed += int(self.received(data[consumed:]))
        if self.expect_continue and self.content_length > MAX_BODY:
            self.error = self.error or RequestEntityTooLarge("the caller need not send the body")
            self.completed = True
        if self.error is not None and self.body_rcv is None:
            self._read_rejected(before + data[:consumed])
        return data[consumed:]

    def _read_rejected(self, text: bytes) -> None:
        """Extract what the response to a rejected header depends on, even if it cannot be parsed."""
        if text.startswith(b"HEAD "):
            self.command = "HEAD"
        fields = {name.decode().upper().replace("-", "_"): value for name, value in _ECHOED.findall(text)}
        self.headers = {f"HTTP_{name}": value.decode() for name, value in fields.items()}

    def environ(self, address: str, server: tuple[str, str]) -> dict[str, Any]:
        """What the app reads of the WSGI environ. ``address`` is the peer's, ``server`` a host and a port."""
        env = {
            "CONTENT_LENGTH": "",  # an absent one is an exception in Falcon, which takes time
            **self.headers,
            "REMOTE_ADDR": address,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": self.path,
            "QUERY_STRING": self.query,
            "SERVER_NAME": server[0],
            "SERVER_PORT": server[1],
            "SERVER_PROTOCOL": f"HTTP/{self.version}",
            "wsgi.url_scheme": "http",
            "wsgi.input": self.get_body_stream(),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
        }
        if isinstance(self.error, RequestEntityTooLarge):
            # The API rejects it after the rate limit. Of chunks, only the bytes that have arrived are known.
            env["CONTENT_LENGTH"] = str(max(self.content_length, len(self.body_rcv)))
        elif self.error is not None:
            env["acare.rejected"] = self.error.code, self.error.body
        return env

    def size(self) -> int:
        """The approximate memory, in bytes, of the request as far as it has been received."""
        body = 0 if self.body_rcv is None else min(len(self.body_rcv), MAX_BODY)
        return 4 * int(self.header_bytes_received) + body  # a parsed header takes about four times its bytes

    def parse_header(self, header_plus: bytes) -> None:
        """Parse request line and headers. ParsingError, which becomes a 400, if they are malformed."""
        request_line, _, lines = header_plus.decode("latin-1").removesuffix("\r\n").partition("\r\n")
        self._parse_request_line(request_line)
        fields = _FIELD.findall(lines)
        if len(fields) != lines.count("\n"):
            raise ParsingError("a header is malformed")
        if len(fields) > MAX_FIELDS + 1:
            raise ParsingError("there are too many header fields")
        headers = self.headers
        for name, value in fields:
            value = value.strip(" \t")
            if "_" not in name:  # in the WSGI environ, it would have the name of another field
                name = name.upper().replace("-", "_")
                if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                    name = f"HTTP_{name}"
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        host = headers.get("HTTP_HOST")  # two are joined with a comma and a space, which is invalid
        if not (self.version == "1.0" if host is None else _HOST.fullmatch(host)):
            raise ParsingError("the request must have exactly one valid Host header")
        expects = headers.get("HTTP_EXPECT", "").lower() == "100-continue"
        self.expect_continue = expects and self.version == "1.1"
        connection = headers.get("HTTP_CONNECTION", "").lower()
        options = [option.strip(" \t") for option in connection.split(",")] if connection else []
        self.connection_close = "close" in options or (self.version == "1.0" and "keep-alive" not in options)
        self._prepare_body()

    def _parse_request_line(self, line: str) -> None:
        if not _REQUEST_LINE.fullmatch(line):
            raise ParsingError(
                "the request line is not METHOD TARGET HTTP/1.1 (or HTTP/1.0), with a method in upper case, "
                "and a path or http:// URL of ASCII characters without # as its target"
            )
        self.command, target, protocol = line.split(" ")
        self.version = protocol.removeprefix("HTTP/")
        path, _, self.query = target.partition("?")
        if path[0] not in "/*":  # a URL
            path = f"/{path.partition('://')[2].partition('/')[2]}"
        self.path = unquote_to_bytes(path).decode("latin-1") if "%" in path else path

    def _prepare_body(self) -> None:
        """Choose the receiver of the body. Reject framing that a proxy could read differently. (RFC 9112)"""
        coding, length = self.headers.pop("HTTP_TRANSFER_ENCODING", None), self.headers.get("CONTENT_LENGTH")
        if coding is not None:
            if coding.lower() != "chunked" or length is not None or self.version == "1.0":
                raise ParsingError("Transfer-Encoding must be chunked, without Content-Length, in HTTP/1.1")
            self.chunked, self.body_rcv = True, Chunks()
        elif length is not None:
            if not (length.isascii() and length.isdecimal() and len(length) < 20):
                raise ParsingError("the Content-Length is malformed")
            self.content_length = int(length)
            if self.content_length > 0:
                self.body_rcv = FixedStreamReceiver(self.content_length, Body())
