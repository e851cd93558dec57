"""Settings: what each one is when nothing is said, what it takes, and how it refuses."""

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
    "drain_seconds": 30,
    "drain_delay": 0,
    "require_precondition": False,
}

ACCEPTED = [
    ("database", "clients.db", Path("clients.db")),
    ("database", "/srv/a b/clients.db", Path("/srv/a b/clients.db")),
    ("listen", "127.0.0.1:0", Address("127.0.0.1", 0)),
    ("listen", "localhost:65535", Address("localhost", 65535)),
    ("listen", "0.0.0.0:80", Address("0.0.0.0", 80)),
    ("listen", "[::1]:8080", Address("::1", 8080)),
    ("rate_limit", "3/900", RateLimit(3, 900)),
    ("rate_limit", "1/1", RateLimit(1, 1)),
    ("rate_limit", "off", None),
    ("rate_limit", "OFF", None),
    ("rate_limit_by", "address", "address"),
    ("rate_limit_by", "key", "key"),
    ("trusted_proxy", "127.0.0.1", "127.0.0.1"),
    ("trusted_proxy", "2001:DB8::1", "2001:db8::1"),
    ("cors_origin", "https://intranet.example", ("https://intranet.example",)),
    ("cors_origin", "http://localhost:3000", ("http://localhost:3000",)),
    ("cors_origin", "https://a.example https://b.example", ("https://a.example", "https://b.example")),
    ("cors_origin", "https://a.example,https://b.example", ("https://a.example", "https://b.example")),
    ("cors_origin", "*", ("*",)),
    ("threads", "1", 1),
    ("threads", "256", 256),
    ("log_format", "text", "text"),
    ("log_format", "json", "json"),
    ("drain_seconds", "1", 1),
    ("drain_seconds", "3600", 3600),
    ("drain_delay", "0", 0),
    ("drain_delay", "3600", 3600),
    ("require_precondition", "true", True),
    ("require_precondition", "false", False),
]

REFUSED = [
    ("database", " ", "the name of a file"),
    ("database", "a\0b", "the name of a file"),
    ("listen", "8080", "HOST:PORT"),
    ("listen", "127.0.0.1", "HOST:PORT"),
    ("listen", ":8080", "HOST:PORT"),
    ("listen", "127.0.0.1:", "HOST:PORT"),
    ("listen", "127.0.0.1:65536", "HOST:PORT"),
    ("listen", "127.0.0.1:-1", "HOST:PORT"),
    ("listen", "[::1:8080", "HOST:PORT"),
    ("listen", "http://127.0.0.1:8080", "HOST:PORT"),
    ("listen", "a b:8080", "HOST:PORT"),
    ("rate_limit", "500", "REQUESTS/SECONDS"),
    ("rate_limit", "0/900", "REQUESTS/SECONDS"),
    ("rate_limit", "500/0", "REQUESTS/SECONDS"),
    ("rate_limit", "-1/900", "REQUESTS/SECONDS"),
    ("rate_limit", "1.5/900", "REQUESTS/SECONDS"),
    ("rate_limit", "none", "off"),
    ("rate_limit_by", "user", "address, key"),
    ("rate_limit_by", "KEY", "address, key"),
    ("trusted_proxy", "*", "the IP address of a proxy"),
    ("trusted_proxy", "proxy.example", "the IP address of a proxy"),
    ("trusted_proxy", "10.0.0.0/8", "the IP address of a proxy"),
    ("trusted_proxy", "127.0.0.1,127.0.0.2", "the IP address of a proxy"),
    ("cors_origin", "intranet.example", "https://intranet.example"),
    ("cors_origin", "https://intranet.example/", "https://intranet.example"),
    ("cors_origin", "ftp://intranet.example", "https://intranet.example"),
    ("cors_origin", "null", "https://intranet.example"),
    ("cors_origin", "* https://intranet.example", "* alone"),
    ("threads", "0", "1 to 256"),
    ("threads", "257", "1 to 256"),
    ("threads", "-1", "1 to 256"),
    ("threads", "1.0", "1 to 256"),
    ("threads", "many", "1 to 256"),
    ("threads", "٣", "1 to 256"),
    ("log_format", "xml", "text, json"),
    ("log_format", "JSON", "text, json"),
    ("drain_seconds", "0", "1 to 3600"),
    ("drain_seconds", "3601", "1 to 3600"),
    ("drain_seconds", "1s", "1 to 3600"),
    ("drain_delay", "3601", "0 to 3600"),
    ("drain_delay", "-1", "0 to 3600"),
    ("require_precondition", "yes", "true or false"),
    ("require_precondition", "1", "true or false"),
]


def flag(name):
    return "--" + name.replace("_", "-")


def variable(name):
    return "ACARE_" + name.upper()


def load(environ=None, **given):
    """The settings of a command, from variables and flags."""
    return Settings.from_command({**dict.fromkeys(DEFAULTS), **given}, environ or {})


def test_the_tables_here_cover_every_setting():
    names = {setting.name for setting in SETTINGS}
    assert names == DEFAULTS.keys() == {row[0] for row in ACCEPTED} == {row[0] for row in REFUSED}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_flag_and_variable_are_made_of_the_name(setting):
    assert (setting.flag, setting.variable) == (flag(setting.name), variable(setting.name))


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_setting_that_nobody_gives_has_its_default(name):
    assert getattr(load(), name) == DEFAULTS[name]


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_empty_variable_is_as_good_as_none(name):
    assert getattr(load({variable(name): ""}), name) == DEFAULTS[name]


@pytest.mark.parametrize(("name", "text", "value"), ACCEPTED)
def test_a_value_is_read_from_the_flag(name, text, value):
    assert getattr(load(**{name: text}), name) == value


@pytest.mark.parametrize(("name", "text", "value"), ACCEPTED)
def test_a_value_is_read_from_the_variable(name, text, value):
    assert getattr(load({variable(name): text}), name) == value


@pytest.mark.parametrize(("name", "text", "value"), ACCEPTED)
def test_the_flag_beats_the_variable(name, text, value):
    assert getattr(load({variable(name): "nonsense \0"}, **{name: text}), name) == value


@pytest.mark.parametrize(("name", "text", "allowed"), REFUSED)
def test_a_wrong_flag_is_named_with_what_is_allowed(name, text, allowed):
    with pytest.raises(SettingError) as refused:
        load(**{name: text})
    assert str(refused.value).startswith(f"{flag(name)}: {text!r} is not ")
    assert allowed in str(refused.value)


@pytest.mark.parametrize(("name", "text", "allowed"), REFUSED)
def test_a_wrong_variable_is_named_with_what_is_allowed(name, text, allowed):
    with pytest.raises(SettingError) as refused:
        load({variable(name): text})
    assert str(refused.value).startswith(f"{variable(name)}: {text!r} is not ")
    assert allowed in str(refused.value)


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_flag_that_is_there_but_empty_is_no_default(name):
    if name == "cors_origin":
        assert load(cors_origin="").cors_origin == ()
    else:
        with pytest.raises(SettingError, match="''"):
            load(**{name: ""})


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("database", Path("clients.db"), Path("clients.db")),
        ("listen", Address("::1", 8080), Address("::1", 8080)),
        ("threads", 16, 16),
        ("drain_seconds", 5, 5),
        ("require_precondition", True, True),
        ("require_precondition", False, False),
        (
            "cors_origin",
            ["https://a.example", "https://b.example"],
            ("https://a.example", "https://b.example"),
        ),
        ("cors_origin", ("https://a.example",), ("https://a.example",)),
        ("cors_origin", [], ()),
    ],
)
def test_an_embedder_may_give_more_than_texts(name, given, value):
    assert getattr(load(**{name: given}), name) == value


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("threads", 0),
        ("threads", True),
        ("threads", 2.5),
        ("rate_limit", False),
        ("rate_limit", 500),
        ("listen", 8080),
        ("cors_origin", ["*", "https://a.example"]),
    ],
)
def test_a_typed_value_is_held_to_the_same_rules(name, given):
    with pytest.raises(SettingError, match=flag(name)):
        load(**{name: given})


def test_a_name_that_is_no_setting_is_a_mistake_of_the_program():
    with pytest.raises(TypeError, match="ratelimit"):
        load(ratelimit="off")


def test_variables_that_are_no_settings_are_let_be():
    assert load({"ACARE_COLOUR": "red", "PATH": "/bin"}) == Settings()


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("ACARE_RATELIMIT", "ACARE_RATE_LIMIT"),
        ("ACARE_CORS_ORIGINS", "ACARE_CORS_ORIGIN"),
        ("ACARE_THREAD", "ACARE_THREADS"),
        ("ACARE_DATABSE", "ACARE_DATABASE"),
    ],
)
def test_a_variable_that_nearly_has_a_setting_s_name_is_told(monkeypatch, misspelt, meant):
    monkeypatch.setenv(misspelt, "secret")
    with pytest.raises(SettingError, match=f"^{misspelt}: .*{meant}") as refused:
        Settings.from_command(dict.fromkeys(DEFAULTS))
    assert "secret" not in str(refused.value)


def test_a_misspelt_variable_is_no_matter_to_who_does_not_read_that_setting(monkeypatch):
    monkeypatch.setenv("ACARE_THREAD", "3")
    assert Settings.from_command({"database": None}) == Settings()


@pytest.mark.parametrize(
    "name", ["ACARE_DATABASE_URL", "ACARE_DATABASE_2", "ACARE_IMAGE", "ACARE_TEST_KILLS", "CARE_DATABASE"]
)
def test_a_variable_of_somebody_else_is_let_be(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert Settings.from_command(dict.fromkeys(DEFAULTS)) == Settings()


def test_the_environment_is_read_when_a_command_asks(monkeypatch):
    monkeypatch.setenv("ACARE_THREADS", "3")
    assert Settings.from_command({"threads": None}).threads == 3


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(AttributeError):
        load().threads = 3


@pytest.mark.parametrize("text", ["127.0.0.1:8080", "[::1]:8080", "intranet:80"])
def test_an_address_is_written_as_it_is_read(text):
    assert str(load(listen=text).listen) == text
