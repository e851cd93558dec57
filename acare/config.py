"""Settings: one table, and the only reader of the environment.

Each setting has a name for :func:`acare.create_app`, a flag for ``acare serve`` and an environment
variable. A flag takes precedence over the variable. All three take the same text.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
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


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError("a file name")
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


def _count(maximum: int, minimum: int = 1) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text.strip()) or not minimum <= int(text) <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


@dataclass(frozen=True)
class Setting:
    """One setting: how it is written and read."""

    name: str
    metavar: str  # empty for a switch
    parse: Callable[[str], Any]
    help: str
    repeatable: bool  # may be given several times

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "ACARE_" + self.name.upper()


def _setting(
    default: Any, parse: Callable[[str], Any], metavar: str, help: str, *, repeatable: bool = False
) -> Any:
    metadata = {"parse": parse, "metavar": metavar, "help": help, "repeatable": repeatable}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """The table: each setting with its default, parser, placeholder and help."""

    database: Path = _setting(
        Path("acare.db"),
        _path,
        "FILE",
        "the database file; serve and key create make it if needed (acare.db)",
    )
    listen: Address = _setting(
        Address("127.0.0.1", 8080),
        _address,
        "HOST:PORT",
        "the address to listen on; port 0 uses a free port (127.0.0.1:8080)",
    )
    rate_limit: RateLimit | None = _setting(
        DEFAULT_RATE_LIMIT,
        _rate_limit,
        "N/SECONDS",
        "requests for each caller, refilled evenly over that many seconds; or off (500/900)",
    )
    rate_limit_by: Literal["address", "key"] = _setting(
        "address",
        _word("address", "key"),
        "WHAT",
        "count requests by address, or by key for an agency behind one address (address)",
    )
    trusted_proxy: str | None = _setting(
        None,
        _proxy,
        "ADDRESS",
        "the proxy whose X-Forwarded-For, -Proto, -Host and -Prefix are trusted (none)",
    )
    cors_origin: tuple[str, ...] = _setting(
        (),
        _origins,
        "ORIGIN",
        "an origin whose pages may call the API, or * for all; may be repeated (none)",
        repeatable=True,
    )
    threads: int = _setting(
        16, _count(256), "N", "threads for writes; most reads are answered in the event loop (16)"
    )
    log_format: Literal["text", "json"] = _setting(
        "text", _word("text", "json"), "FORMAT", "the format of log lines: text or json (text)"
    )
    page: bool = _setting(True, _flag, "", "serve the page for people at / (true)")
    drain_seconds: int = _setting(
        30, _count(3600), "N", "seconds that open requests have to finish when the server stops (30)"
    )
    drain_delay: int = _setting(
        0,
        _count(3600, minimum=0),
        "SECONDS",
        "seconds for which a stopping server accepts requests while /readyz is 503 (0)",
    )
    require_precondition: bool = _setting(
        False, _flag, "", "require version or If-Match on PUT, and If-Match on DELETE (false)"
    )

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> Settings:
        """The settings of an embedder, by their Python names; SettingError names the invalid one."""
        return cls._load(options, {}, lambda setting: setting.name)

    @classmethod
    def from_command(cls, flags: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> Settings:
        """The settings of a command: for each name in ``flags`` its value or, if None, the variable's.

        SettingError names the invalid flag or variable. A variable whose name is nearly that of a setting is
        invalid too.
        """
        variables = {setting.variable for setting in SETTINGS if setting.name in flags}
        _refuse_misspelt(environ, variables)
        used = {name: text for name, text in environ.items() if name in variables}
        return cls._load(flags, used, lambda setting: setting.flag)

    @classmethod
    def _load(
        cls, given: Mapping[str, object], environ: Mapping[str, str], spell: Callable[[Setting], str]
    ) -> Settings:
        """A given value is a text, an object whose ``str()`` is that text, or a list of these."""
        unknown = given.keys() - {setting.name for setting in SETTINGS}
        if unknown:
            raise TypeError(f"unknown setting: {', '.join(sorted(unknown))}")
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            value, source = given.get(setting.name), spell(setting)
            if value is None:
                value, source = environ.get(setting.variable) or None, setting.variable
            if value is None:
                continue
            texts = [_text(item) for item in value] if isinstance(value, (list, tuple)) else [_text(value)]
            try:
                values[setting.name] = setting.parse(" ".join(texts))
            except ValueError as error:
                raise SettingError(source, f"{' '.join(texts)!r} is not {error}") from None
        return cls(**values)


SETTINGS = tuple(Setting(name=row.name, **row.metadata) for row in fields(Settings))


def passed_sockets(environ: Mapping[str, str] = os.environ) -> int:
    """How many sockets the service manager has passed to this process: see sd_listen_fds(3)."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return 0  # they were meant for another process, which started this one
    return int(environ.get("LISTEN_FDS", "0"))


def _refuse_misspelt(names: Iterable[str], variables: Collection[str]) -> None:
    """SettingError for a name that is nearly one of ``variables`` and does not merely extend it."""
    known = {setting.variable for setting in SETTINGS}
    for name in names:
        if not name.startswith("ACARE_") or name in known:
            continue
        for meant in difflib.get_close_matches(name, variables, n=1, cutoff=0.9):
            if not name.startswith(f"{meant}_"):
                raise SettingError(name, f"unknown setting; did you mean {meant}?")
