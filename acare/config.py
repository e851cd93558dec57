"""Settings: one table, and the only reader of the environment.

Each setting has a name for :func:`acare.create_app`, a flag of the commands that it affects, and an
environment variable. A flag takes precedence over the variable. All three take the same text;
:func:`acare.create_app` also takes a path, a list of origins and numbers.
"""

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from acare.errors import SettingError
from acare.field_types import NAME, Enum, String, Type
from acare.parameters import count

# As browsers write it in the Origin header. Other text would never match.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?")


def _text(value: object) -> str:
    return str(String(2000, min_length=1)(str(value)))


def parse_path(value: object) -> Path:
    """A file name."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if text == ":memory:":
        raise ValueError("must be a file: each connection would have its own database in memory")
    if isinstance(text, str) and text.strip() and "\0" not in text:
        return Path(text)
    raise ValueError("must be a file name")


def parse_address(value: object) -> str:
    """``HOST:PORT``; an IPv6 address is in brackets, and the port 0 is any free one."""
    match = re.fullmatch(r"(?:\[[0-9A-Fa-f:.%\w]+\]|[^\[\]\s/:]+):([0-9]{1,5})", _text(value), re.ASCII)
    if match is None or int(match[1]) > 65535:
        raise ValueError("must be HOST:PORT with a port up to 65535, like 127.0.0.1:8080 or [::1]:8080")
    return match[0]


class RateLimit(NamedTuple):
    """``tokens`` requests, refilled evenly over ``seconds``."""

    tokens: int
    seconds: int


def parse_rate_limit(value: object) -> RateLimit | None:
    """``REQUESTS/SECONDS``; None for ``off``."""
    text = _text(value)
    if text.lower() == "off":
        return None
    match = re.fullmatch("([0-9]{1,9})/([0-9]{1,9})", text)
    if match is None or int(match[1]) < 1 or int(match[2]) < 1:
        raise ValueError("must be REQUESTS/SECONDS, like 500/900, or off")
    return RateLimit(tokens=int(match[1]), seconds=int(match[2]))


def parse_proxy(value: object) -> str:
    """The IP address of a proxy, in its usual spelling."""
    try:
        return str(ipaddress.ip_address(_text(value)))
    except ValueError:
        raise ValueError("must be the IP address of a proxy, like 127.0.0.1") from None


def parse_origins(value: object) -> tuple[str, ...]:
    """Origins, separated by spaces or commas; ``*`` stands alone."""
    origins = tuple(str(value).replace(",", " ").split())
    if origins != ("*",) and not all(map(_ORIGIN.fullmatch, origins)):
        raise ValueError(
            "must be an origin like https://intranet.example, with the host in lower case, without "
            "wildcards; or * alone"
        )
    return origins


class Setting(NamedTuple):
    """A setting. Its flag may be repeated if the default is a tuple."""

    name: str
    default: Any
    parse: Type
    metavar: str
    help: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "ACARE_" + self.name.upper()

    def read(self, value: object, source: str) -> Any:
        """Parse a value, or a list if the default is one. SettingError if invalid."""
        if isinstance(self.default, tuple) and isinstance(value, (list, tuple)):
            value = " ".join(map(str, value))
        try:
            return self.parse(value)
        except ValueError as error:
            comment = "; a comment needs a line of its own" if "#" in str(value) else ""
            raise SettingError(f"{source}: {value!r} is not valid: {error}{comment}") from None


def _setting(default: str | None, parse: Type, metavar: str, help: str) -> Any:
    row = {"parse": parse, "metavar": metavar, "help": f"{help} ({default or 'none'})"}
    return field(default=None if default is None else parse(default), metadata=row)


@dataclass(frozen=True)
class Settings:
    """The table: each setting with its default as a text, parser, placeholder and help."""

    database: Path = _setting("acare.db", parse_path, "FILE", "the database file")
    listen: str = _setting(
        "127.0.0.1:8080",
        parse_address,
        "HOST:PORT",
        "the address to listen on; port 0 uses a free port",
    )
    rate_limit: RateLimit | None = _setting(
        "500/900",
        parse_rate_limit,
        "N/SECONDS",
        "the token bucket of each user: N requests per SECONDS; or off",
    )
    trusted_proxy: str | None = _setting(
        None,
        parse_proxy,
        "ADDRESS",
        "the proxy whose X-Forwarded-For, -Proto, -Host and -Prefix are trusted",
    )
    user_header: str | None = _setting(
        None,
        String(
            100, 1, pattern=re.compile("^[A-Za-z0-9-]+$"), rule="must have only letters, digits and hyphens"
        ),
        "NAME",
        "the header in which the trusted proxy sends the e-mail address of a signed-in user",
    )
    cors_origin: tuple[str, ...] = _setting(
        "",
        parse_origins,
        "ORIGIN",
        "an origin whose pages may call the API, or * for all; may be repeated",
    )
    log_format: Literal["text", "json"] = _setting(
        "text", Enum(("text", "json")), "FORMAT", "the format of log lines: text or json"
    )
    agency: str | None = _setting(None, NAME, "NAME", "the agency's name, shown in the web UI")
    currency: str | None = _setting(
        None,
        String(max_length=3, pattern=re.compile("^[A-Z]{3}$"), rule="must be three capital letters"),
        "CODE",
        "the currency of amounts in the web UI, such as EUR; amounts are stored without one",
    )
    drain_seconds: int = _setting(
        "30",
        count(3600),
        "SECONDS",
        "seconds for open requests to finish when the server stops, 1 to 3600",
    )
    keep_days: int | None = _setting(
        None,
        count(99_999, 0),
        "DAYS",
        "the days after which 'acare purge' deletes what was replaced or deleted, and ended keys, 0 to 99999",
    )

    def __post_init__(self) -> None:
        if self.user_header is not None and self.trusted_proxy is None:
            raise SettingError("user_header needs trusted_proxy: no other caller may send the header")
        if self.user_header is not None and "*" in self.cors_origin:
            raise SettingError("user_header cannot be combined with cors_origin '*': name the origins")

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> Self:
        """The settings of an embedding app, by their Python names; SettingError names the invalid one."""
        _refuse_removed(options)
        if unknown := options.keys() - {setting.name for setting in SETTINGS}:
            raise TypeError(f"unknown setting: {', '.join(sorted(unknown))}")
        given = [setting for setting in SETTINGS if options.get(setting.name) is not None]
        return cls(**{setting.name: setting.read(options[setting.name], setting.name) for setting in given})

    @classmethod
    def from_command(cls, flags: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> Self:
        """The settings of a command: for each name in ``flags``, its value or, if None, the variable.

        SettingError names the invalid flag or variable.
        """
        if "listen" in flags:  # a server
            _refuse_removed(name for name in environ if environ[name])
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            if flags.get(setting.name) is not None:
                values[setting.name] = setting.read(flags[setting.name], setting.flag)
            elif setting.name in flags and (text := environ.get(setting.variable)):
                values[setting.name] = setting.read(text, setting.variable)
        return cls(**values)


def _refuse_removed(names: Iterable[str]) -> None:
    """SettingError for a setting of 0.3.0 that protected clients: the protection must not end unnoticed."""
    for name in names:
        if name in ("require_precondition", "ACARE_REQUIRE_PRECONDITION"):
            raise SettingError(
                f"{name}: the server can no longer require a version with each change, and a change without "
                "a version overwrites others' changes; remove this setting once all programs send versions"
            )


def unknown_variables() -> list[str]:
    """The ``ACARE_`` variables that are not settings, such as a misspelled one."""
    known = {setting.variable for setting in SETTINGS}
    return sorted(name for name in os.environ.keys() - known if name.startswith("ACARE_"))


SETTINGS = tuple(Setting(row.name, row.default, **row.metadata) for row in fields(Settings))
