"""The types of settings: each function parses a text. Its ValueError has the rule, as in ``field_types``."""

import ipaddress
import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from acare.field_types import Enum, from_json, is_number
from acare.ratelimit import RateLimit

# As browsers write it in the Origin header: without the default port. Any other text would never match.
_HOST = r"(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]{2,45}\])"
_ORIGIN = re.compile(
    rf"(?:http://{_HOST}(?!:80\Z)|https://{_HOST}(?!:443\Z))(?::(?P<port>[1-9][0-9]{{0,4}}))?"
)


@dataclass(frozen=True)
class Address:
    """An address to listen on: a host name or IP address, and a port (0: any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def path(text: str) -> Path:
    """A file name."""
    if not text.strip() or "\0" in text:
        raise ValueError("must be a file name")
    return Path(text)


def address(text: str) -> Address:
    """``HOST:PORT``; an IPv6 address is in brackets."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\[\]\s/:]+)):([0-9]{1,5})", text.strip(), re.ASCII)
    if match is None or int(match[3]) > 65535:
        raise ValueError("must be HOST:PORT with a port up to 65535, like 127.0.0.1:8080 or [::1]:8080")
    return Address(match[1] or match[2], int(match[3]))


def rate_limit(text: str) -> RateLimit | None:
    """``REQUESTS/SECONDS``; None for ``off``."""
    if text.strip().lower() == "off":
        return None
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    if match is None or int(match[1]) < 1 or int(match[2]) < 1:
        raise ValueError("must be REQUESTS/SECONDS, like 500/900, or off")
    return RateLimit(tokens=int(match[1]), seconds=int(match[2]))


def proxy(text: str) -> str:
    """The IP address of a proxy, in its usual spelling."""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise ValueError("must be the IP address of a proxy, like 127.0.0.1") from None


def origins(text: str) -> tuple[str, ...]:
    """Origins, separated by spaces or commas; ``*`` stands alone."""
    origins = tuple(text.replace(",", " ").split())
    for origin in origins:
        match = _ORIGIN.fullmatch(origin)
        is_origin = match is not None and int(match["port"] or 0) <= 65535
        if not is_origin and (origin != "*" or len(origins) > 1):
            raise ValueError(
                "must be an origin like https://intranet.example, with the host in lower case, without "
                "wildcards, with a port up to 65535, but without the port 443 or 80; or * alone"
            )
    return origins


def flag(text: str) -> bool:
    """``true`` or ``false``."""
    return Enum(("true", "false")).validate(text) == "true"


def number(text: str) -> float:
    """A number of at least 0, as in JSON."""
    with suppress(ValueError, OverflowError):
        value = from_json(text)
        if is_number(value) and 0 <= value < math.inf:
            return value if value < 2**63 else float(value)  # SQLite has no greater integers
    raise ValueError("must be a number of at least 0")


def count(maximum: float = math.inf, minimum: int = 1) -> Callable[[str], int]:
    """A whole number from ``minimum`` to ``maximum``, of at most 100 digits."""
    allowed = f"of at least {minimum}" if maximum == math.inf else f"from {minimum} to {maximum}"

    def parse(text: str) -> int:
        if not re.fullmatch("[0-9]{1,100}", text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"must be a whole number {allowed}")
        return int(text)

    return parse
