"""Settings: one table of them, and the only reader of the environment.

Each setting has a name for :func:`acare.create_app`, a flag for ``acare serve`` and a variable; the flag
beats the variable. All three take the same text.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from acare.errors import SettingError
from acare.ratelimit import RateLimit

DEFAULT_RATE_LIMIT = RateLimit(tokens=500, seconds=900)  # (vendor)


@dataclass(frozen=True)
class Address:
    """Where to listen: a host name or address, and a port (0: any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, each with its default."""

    database: Path = Path("acare.db")
    listen: Address = Address("127.0.0.1", 8080)
    rate_limit: RateLimit | None = DEFAULT_RATE_LIMIT
    rate_limit_by: Literal["address", "key"] = "address"
    trusted_proxy: str | None = None
    cors_origin: tuple[str, ...] = ()
    threads: int = 16
    log_format: Literal["text", "json"] = "text"
    drain_seconds: int = 30
    require_precondition: bool = False

    @classmethod
    def read(cls, given: Mapping[str, object]) -> Settings:
        """The settings that are named in ``given``: its value or, where that is None, the variable's.

        SettingError names what was wrong, also a variable that nearly has a setting's name.
        """
        variables = {setting.variable for setting in SETTINGS if setting.name in given}
        _refuse_misspelt(os.environ, variables)
        return cls.load(given, {name: text for name, text in os.environ.items() if name in variables})

    @classmethod
    def load(cls, given: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
        """Settings out of values by name and, for what is not given, of the variables in ``environ``.

        A value is a text, or anything whose ``str()`` is one. SettingError names what was wrong.
        """
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            value, source = given.get(setting.name), setting.flag
            if value is None:
                value, source = environ.get(setting.variable) or None, setting.variable
            if value is None:
                continue
            texts = [_text(item) for item in value] if isinstance(value, (list, tuple)) else [_text(value)]
            try:
                values[setting.name] = setting.parse(" ".join(texts))
            except ValueError as error:
                raise SettingError(source, f"{' '.join(texts)!r} is not {error}") from None
        unknown = given.keys() - {setting.name for setting in SETTINGS}
        if unknown:
            raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
        return cls(**values)


def _refuse_misspelt(names: Iterable[str], variables: Collection[str]) -> None:
    """SettingError for a name that is nearly one of ``variables``, but not that one with more behind it."""
    known = {setting.variable for setting in SETTINGS}
    for name in names:
        if not name.startswith("ACARE_") or name in known:
            continue
        for meant in difflib.get_close_matches(name, variables, n=1, cutoff=0.9):
            if not name.startswith(f"{meant}_"):
                raise SettingError(name, f"there is no such setting; {meant} is one")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError("the name of a file")
    return Path(text)


def _address(text: str) -> Address:
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\[\]\s/:]+)):([0-9]{1,5})", text.strip(), re.ASCII)
    if match is None or int(match[3]) > 65535:
        raise ValueError("HOST:PORT with a port up to 65535, like 127.0.0.1:8080 or [::1]:8080")
    return Address(match[1] or match[2], int(match[3]))


def _rate_limit(text: str) -> RateLimit | None:
    if text.strip().lower() == "off":
        return None
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    if match is None or int(match[1]) < 1 or int(match[2]) < 1:
        raise ValueError("REQUESTS/SECONDS, like 500/900, or off")
    return RateLimit(tokens=int(match[1]), seconds=int(match[2]))


def _word(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return parse


def _proxy(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise ValueError("the IP address of a proxy, like 127.0.0.1") from None


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(text.replace(",", " ").split())
    for origin in origins:
        if not re.fullmatch(r"https?://[^/\s]+", origin) and (origin != "*" or len(origins) > 1):
            raise ValueError("an origin, like https://intranet.example, or * alone")
    return origins


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


def _count(maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text.strip()) or not 1 <= int(text) <= maximum:
            raise ValueError(f"a whole number from 1 to {maximum}")
        return int(text)

    return parse


@dataclass(frozen=True)
class Setting:
    """One row of the table: how a setting is written and read."""

    name: str
    metavar: str
    parse: Callable[[str], Any]
    help: str
    repeatable: bool = False  # may be given several times

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "ACARE_" + self.name.upper()


SETTINGS: Sequence[Setting] = (
    Setting(
        "database",
        "FILE",
        _path,
        "the database; serve and key create make it if it is not there (acare.db)",
    ),
    Setting("listen", "HOST:PORT", _address, "where to listen; port 0 takes a free one (127.0.0.1:8080)"),
    Setting(
        "rate_limit",
        "N/SECONDS",
        _rate_limit,
        "requests for each caller, refilled evenly over so many seconds, or off (500/900)",
    ),
    Setting(
        "rate_limit_by",
        "WHAT",
        _word("address", "key"),
        "whose bucket it is: the address's, or the key's for an agency behind one NAT (address)",
    ),
    Setting(
        "trusted_proxy",
        "ADDRESS",
        _proxy,
        "the address of a proxy whose X-Forwarded-For, -Proto, -Host and -Prefix count (none)",
    ),
    Setting(
        "cors_origin",
        "ORIGIN",
        _origins,
        "an origin whose pages may call, or * for all; may be repeated (none)",
        repeatable=True,
    ),
    Setting("threads", "N", _count(256), "threads that write; reads need none (16)"),
    Setting("log_format", "FORMAT", _word("text", "json"), "the form of log lines: text or json (text)"),
    Setting(
        "drain_seconds",
        "N",
        _count(3600),
        "seconds that requests have to finish when the server is told to stop (30)",
    ),
    Setting(
        "require_precondition",
        "",
        _flag,
        "refuse a PUT without version and If-Match, and a DELETE without If-Match (false)",
    ),
)
