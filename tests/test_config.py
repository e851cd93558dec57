"""Settings: the values that each accepts, and the message for others (test_readme has the defaults)."""

from pathlib import Path

import pytest

from acare.config import SETTINGS, RateLimit, Settings
from acare.errors import SettingError

ACCEPTED = {
    "database": {"clients.db": Path("clients.db"), "/srv/a b/clients.db": Path("/srv/a b/clients.db")},
    "listen": {text: text for text in ("127.0.0.1:0", "localhost:65535", "[::1]:8080")},
    "rate_limit": {"3/900": RateLimit(3, 900), "1/1": RateLimit(1, 1), "OFF": None},
    "trusted_proxy": {"127.0.0.1": "127.0.0.1", "2001:DB8::1": "2001:db8::1"},
    "cors_origin": {
        "http://localhost:3000": ("http://localhost:3000",),
        "http://[::1]:65535": ("http://[::1]:65535",),
        "https://a.example https://b.example": ("https://a.example", "https://b.example"),
        "https://a.example,https://b.example": ("https://a.example", "https://b.example"),
        "*": ("*",),
    },
    "log_format": {"text": "text", "json": "json"},
    "agency": {" Lee & Söhne ": "Lee & Söhne"},
    "currency": {"EUR": "EUR", " USD ": "USD"},
    "drain_seconds": {"1": 1, "3600": 3600},
    "keep_days": {"0": 0, "99999": 99_999},
}  # fmt: skip

REJECTED = {
    # setting: what the message says after "must", texts
    "database": ("be a file name", [" ", "a\0b"]),
    "listen": ("be HOST:PORT", ["8080", "127.0.0.1", ":8080", "127.0.0.1:", "127.0.0.1:65536", "[::1:8080",
                                "http://127.0.0.1:8080", "a b:8080"]),
    "rate_limit": ("be REQUESTS/SECONDS, like 500/900", ["500", "0/900", "500/0", "-1/900", "1.5/900"]),
    "trusted_proxy": ("be the IP address of a proxy", ["*", "proxy.example", "127.0.0.1,127.0.0.2"]),
    "user_header": ("have ", [" ", "X_User", "X-User:", "Ä"]),
    "cors_origin": ("be an origin like https://intranet.example",
                    ["intranet.example", "https://intranet.example/", "ftp://intranet.example", "null",
                     "* https://intranet.example", "https://*.example", "https://u@a.example",
                     "https://a.example?x", "https://A.example"]),
    "log_format": ("be one of text, json", ["xml", "JSON"]),
    "agency": ("", [" ", "a\nb", "a" * 101]),
    "currency": ("be three capital letters", ["€", "eur", "E1R"]),
    "keep_days": ("be a whole number from 0 to 99999", ["-1", "100000", "two", "1.5"]),
    "drain_seconds": ("be a whole number from 1 to 3600", ["0", "3601", "-1", "1.0", "many", "1s", "٣"]),
}  # fmt: skip

every_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)


def load(name, flag=None, environ=None):
    """A setting of a command that has a flag for it."""
    return getattr(Settings.from_command({name: flag}, environ or {}), name)


@every_setting
def test_a_value_is_read_from_flag_and_variable(setting):
    """And the flag takes precedence."""
    for text, value in ACCEPTED.get(setting.name, {}).items():
        assert load(setting.name, text, {setting.variable: "nonsense \0"}) == value
        assert load(setting.name, None, {setting.variable: text}) == value


@every_setting
def test_an_invalid_value_is_named_with_what_is_allowed(setting):
    allowed, texts = REJECTED.get(setting.name, ("", []))
    for text in texts:
        for source, environ in ((setting.flag, {}), (setting.variable, {setting.variable: text})):
            with pytest.raises(SettingError) as refused:
                load(setting.name, None if environ else text, environ)
            assert str(refused.value).startswith(f"{source}: {text!r} is not valid: must {allowed}")


def test_a_comment_behind_a_value_gets_advice():
    with pytest.raises(
        SettingError, match=r"'730 # two years' is not valid: .*; a comment needs a line of its"
    ):
        load("keep_days", None, {"ACARE_KEEP_DAYS": "730 # two years"})


@every_setting
def test_an_empty_variable_is_the_default(setting):
    assert load(setting.name, None, {setting.variable: ""}) == getattr(Settings(), setting.name)


def test_a_user_header_needs_a_trusted_proxy():
    given = {"user_header": " Remote-Email ", "trusted_proxy": "127.0.0.1"}
    assert Settings.from_command(given, {}).user_header == "Remote-Email"
    with pytest.raises(SettingError, match="user_header needs trusted_proxy"):
        Settings.from_command({**given, "trusted_proxy": None}, {})


def test_any_origin_excludes_a_user_header():
    given = {"user_header": "Remote-Email", "trusted_proxy": "127.0.0.1"}
    Settings.from_command({**given, "cors_origin": ["https://a.example"]}, {})
    with pytest.raises(SettingError, match="user_header cannot be combined with cors_origin"):
        Settings.from_command({**given, "cors_origin": ["*"]}, {})


def test_a_server_refuses_a_protection_that_no_longer_exists():
    environ = {"ACARE_REQUIRE_PRECONDITION": "true"}
    with pytest.raises(SettingError, match=r"ACARE_REQUIRE_PRECONDITION: .* overwrites others' changes"):
        Settings.from_command({"listen": None}, environ)
    Settings.from_command({"database": None}, environ)  # a backup still runs
    with pytest.raises(SettingError, match=r"require_precondition: .* overwrites others' changes"):
        Settings.from_options({"require_precondition": True})
