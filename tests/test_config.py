"""Settings: the default of each, the values that it accepts, and the message for others."""

from pathlib import Path

import pytest

from acare.config import SETTINGS, Address, Settings
from acare.errors import SettingError
from acare.ratelimit import RateLimit

DEFAULTS = {
    "database": Path("acare.db"),
    "listen": Address("127.0.0.1", 8080),
    "rate_limit": RateLimit(tokens=500, seconds=900),
    "rate_limit_by": "address",
    "trusted_proxy": None,
    "cors_origin": (),
    "threads": 16,
    "log_format": "text",
    "page": True,
    "drain_seconds": 30,
    "stop_delay": 0,
    "require_precondition": False,
}

ACCEPTED = {
    "database": {"clients.db": Path("clients.db"), "/srv/a b/clients.db": Path("/srv/a b/clients.db")},
    "listen": {"127.0.0.1:0": Address("127.0.0.1", 0), "localhost:65535": Address("localhost", 65535),
               "[::1]:8080": Address("::1", 8080)},
    "rate_limit": {"3/900": RateLimit(3, 900), "1/1": RateLimit(1, 1), "off": None, "OFF": None},
    "rate_limit_by": {"address": "address", "key": "key"},
    "trusted_proxy": {"127.0.0.1": "127.0.0.1", "2001:DB8::1": "2001:db8::1"},
    "cors_origin": {
        "https://intranet.example": ("https://intranet.example",),
        "http://localhost:3000": ("http://localhost:3000",),
        "http://[::1]:3000": ("http://[::1]:3000",),
        "https://a.example https://b.example": ("https://a.example", "https://b.example"),
        "https://a.example,https://b.example": ("https://a.example", "https://b.example"),
        "*": ("*",),
    },
    "threads": {"1": 1, "256": 256},
    "log_format": {"text": "text", "json": "json"},
    "page": {"true": True, "false": False},
    "drain_seconds": {"1": 1, "3600": 3600},
    "stop_delay": {"0": 0, "3600": 3600},
    "require_precondition": {"true": True, "false": False},
}  # fmt: skip

REJECTED = {
    # setting: what the message says, texts
    "database": ("a file name", [" ", "a\0b"]),
    "listen": ("HOST:PORT", ["8080", "127.0.0.1", ":8080", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                             "[::1:8080", "http://127.0.0.1:8080", "a b:8080"]),
    "rate_limit": ("REQUESTS/SECONDS, like 500/900, or off",
                   ["500", "0/900", "500/0", "-1/900", "1.5/900", "none"]),
    "rate_limit_by": ("one of address, key", ["user", "KEY"]),
    "trusted_proxy": ("the IP address of a proxy",
                      ["*", "proxy.example", "10.0.0.0/8", "127.0.0.1,127.0.0.2"]),
    "cors_origin": ("an origin like https://intranet.example",
                    ["intranet.example", "https://intranet.example/", "ftp://intranet.example", "null",
                     "* https://intranet.example", "https://*.example", "https://u@a.example",
                     "https://a.example?x", "https://a.example#", "https://a.example/x", "https://A.example",
                     "https://a.example:443", "http://a.example:80", "https://ä.example"]),
    "threads": ("a whole number from 1 to 256", ["0", "257", "-1", "1.0", "many", "٣"]),
    "log_format": ("one of text, json", ["xml", "JSON"]),
    "page": ("true or false", ["no", "0"]),
    "drain_seconds": ("a whole number from 1 to 3600", ["0", "3601", "1s"]),
    "stop_delay": ("a whole number from 0 to 3600", ["3601", "-1"]),
    "require_precondition": ("true or false", ["yes", "1"]),
}  # fmt: skip


def flag(name):
    return "--" + name.replace("_", "-")


def variable(name):
    return "ACARE_" + name.upper()


def load(environ=None, **given):
    """The settings of a command, from variables and flags."""
    return Settings.from_command({**dict.fromkeys(DEFAULTS), **given}, environ or {})


def test_the_tables_here_cover_every_setting():
    names = [setting.name for setting in SETTINGS]
    assert names == [*DEFAULTS] == [*REJECTED] == [*ACCEPTED]
    assert {(setting.flag, setting.variable) for setting in SETTINGS} == {
        (flag(name), variable(name)) for name in names
    }


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_absent_setting_or_empty_variable_is_the_default(name):
    assert getattr(load(), name) == getattr(load({variable(name): ""}), name) == DEFAULTS[name]


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_value_is_read_from_flag_and_variable(name):
    """And the flag takes precedence."""
    for text, value in ACCEPTED[name].items():
        assert getattr(load(**{name: text}), name) == value
        assert getattr(load({variable(name): text}), name) == value
        assert getattr(load({variable(name): "nonsense \0"}, **{name: text}), name) == value


@pytest.mark.parametrize("name", REJECTED)
def test_an_invalid_value_is_named_with_what_is_allowed(name):
    allowed, texts = REJECTED[name]
    for text in texts:
        for source, environ, flags in (
            (flag(name), {}, {name: text}),
            (variable(name), {variable(name): text}, {}),
        ):
            with pytest.raises(SettingError) as refused:
                load(environ, **flags)
            assert str(refused.value).startswith(f"{source}: {text!r} is not {allowed}")


TYPED = [
    ("database", Path("clients.db"), Path("clients.db")),
    ("listen", Address("::1", 8080), Address("::1", 8080)),
    ("require_precondition", True, True),
    ("require_precondition", False, False),
    ("cors_origin", ["https://a.example", "https://b.example"], ("https://a.example", "https://b.example")),
    ("cors_origin", [], ()),
]


@pytest.mark.parametrize(("name", "given", "value"), TYPED)
def test_an_embedder_may_pass_typed_values(name, given, value):
    assert getattr(Settings.from_options({name: given}), name) == value


@pytest.mark.parametrize(
    ("name", "given"),
    [("threads", 0), ("threads", True), ("threads", 2.5), ("rate_limit", False), ("rate_limit", 500),
     ("listen", 8080), ("cors_origin", ["*", "https://a.example"])],
)  # fmt: skip
def test_a_typed_value_obeys_the_same_rules(name, given):
    with pytest.raises(SettingError, match=f"^{name}: "):
        Settings.from_options({name: given})


def test_an_unknown_name_is_a_type_error():
    with pytest.raises(TypeError, match="ratelimit"):
        Settings.from_options({"ratelimit": "off"})


@pytest.mark.parametrize(
    "name",
    ["ACARE_COLOUR", "PATH", "ACARE_DATABASE_URL", "ACARE_DATABASE_2", "ACARE_TEST_KILLS", "CARE_DATABASE"],
)
def test_a_variable_of_another_program_is_ignored(name):
    assert load({name: "1"}) == Settings()


def test_a_command_reads_the_environment_by_default(monkeypatch):
    monkeypatch.setenv("ACARE_THREADS", "3")
    assert Settings.from_command({"threads": None}).threads == 3
