"""``create_app`` in somebody else's process: several at once, under a prefix, on any WSGI server."""

import json
import logging
import os
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import shift_path_info
from wsgiref.validate import validator

import pytest
from support.client import Api
from support.data import JORDAN
from webtest import TestApp
from webtest.http import StopableWSGIServer

import acare
from acare.config import SETTINGS, Settings
from acare.errors import DatabaseRefused, SettingError

EVERYTHING = {"all": ["read", "write"]}


@pytest.fixture
def offices(tmp_path):
    """Two apps on a file each."""
    with (
        acare.create_app(database=tmp_path / "north.db") as north,
        acare.create_app(database=tmp_path / "south.db") as south,
    ):
        yield {"north": north, "south": south}


@pytest.fixture
def intranet(offices):
    """A WSGI app that has the two at /north and /south, as any dispatcher would."""

    def dispatch(environ, start_response):
        office = offices.get(shift_path_info(environ))
        if office is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"the intranet's own"]
        return office(environ, start_response)

    return dispatch


def broker(app):
    return app.keys.create("broker@example.com", EVERYTHING, role="broker").key


# --- several at once, under a prefix


def test_two_apps_in_one_process_have_nothing_in_common(offices):
    north, south = (Api(app, broker(app)) for app in offices.values())
    north.create()
    assert (north.get("/v1/clients").json["data"]["meta"]["total"],
            south.get("/v1/clients").json["data"]["meta"]["total"]) == (1, 0)  # fmt: skip


def test_a_key_of_one_app_is_nobody_s_in_the_other(offices):
    Api(offices["south"], broker(offices["north"])).get("/v1/clients", status=401)


def test_each_app_has_buckets_of_its_own(tmp_path):
    with (
        acare.create_app(database=tmp_path / "a.db", rate_limit="1/900") as one,
        acare.create_app(database=tmp_path / "b.db", rate_limit="1/900") as other,
    ):
        for app, status in ((one, 401), (one, 429), (other, 401)):
            Api(app, None).get("/v1/clients", status=status)


@pytest.mark.parametrize("office", ["north", "south"])
def test_location_follows_the_prefix_and_leads_to_the_client(intranet, offices, office):
    api = Api(intranet, broker(offices[office]))
    answer = api.post(JORDAN, path=f"/{office}/v1/clients")
    location = answer.headers["Location"]
    assert location == f"/{office}/v1/clients/{answer.json['data']['id']}"
    assert api.get(location).json["data"] == answer.json["data"]


def test_under_a_prefix_the_gates_stand_where_they_stand(intranet):
    Api(intranet, None).get("/north/v1/clients", status=401)
    Api(intranet, None).get("/north/healthz")


def test_what_is_beside_the_app_stays_the_intranet_s(intranet):
    assert TestApp(intranet).get("/", status=404).text == "the intranet's own"


# --- on any server


class Silent(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def wsgiref_server(app):
    with make_server("127.0.0.1", 0, app, handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def waitress_server(app):
    server = StopableWSGIServer.create(app, host="127.0.0.1")
    try:
        yield server.application_url.rstrip("/")
    finally:
        server.shutdown()


@pytest.mark.parametrize("serve", [wsgiref_server, waitress_server])
def test_it_is_served_by_any_server(intranet, offices, serve):
    with serve(intranet) as url:
        request = urllib.request.Request(
            f"{url}/north/v1/clients",
            json.dumps(JORDAN).encode(),
            {"X-API-Key": broker(offices["north"]), "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 201
            assert answer.headers["Location"].startswith("/north/v1/clients/")


def test_it_keeps_to_the_letter_of_wsgi(app):
    api = Api(validator(app), broker(app))
    client = api.create()
    api.get("/v1/clients")
    api.head("/v1/clients")
    api.put(client["id"], {"status": "closed", "version": 1})
    api.put(client["id"], {"status": "active", "version": 1}, status=409)
    api.delete(client["id"])
    api.get("/nothing", status=404)


def test_it_answers_many_threads_at_once(app):
    key = broker(app)

    def work(number):
        api = Api(app, key)
        client = api.create(notes=str(number))
        api.put(client["id"], {"status": "closed", "version": 1})
        return api.get(f"/v1/clients/{client['id']}").json["data"]

    with ThreadPoolExecutor(8) as threads:
        clients = list(threads.map(work, range(80)))
    assert [(client["notes"], client["version"]) for client in clients] == [(str(n), 2) for n in range(80)]
    assert Api(app, key).get("/v1/clients?status=closed").json["data"]["meta"]["total"] == 80


# --- opening and closing


def test_with_closes_the_database(tmp_path):
    with acare.create_app(database=tmp_path / "a.db") as app:
        Api(app, broker(app)).create()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_with_closes_the_database_after_an_error_too(tmp_path):
    def fail():
        with acare.create_app(database=tmp_path / "a.db") as app:
            broker(app)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_a_closed_app_opens_no_connection_again(tmp_path):
    with acare.create_app(database=tmp_path / "a.db") as app:
        key = broker(app)
    app.close()  # twice does no harm
    assert Api(app, None).get("/healthz").status_int == 200
    assert Api(app, key).get("/v1/clients", status="*").status_int >= 500
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_the_next_app_finds_what_the_last_one_wrote(tmp_path):
    with acare.create_app(database=tmp_path / "a.db") as app:
        key = broker(app)
        client = Api(app, key).create()
    with acare.create_app(database=tmp_path / "a.db") as app:
        assert Api(app, key).get(f"/v1/clients/{client['id']}").json["data"] == client


# --- options


def test_no_option_s_name_can_be_misspelt(tmp_path):
    with pytest.raises(TypeError, match="ratelimit"):
        acare.create_app(database=tmp_path / "a.db", ratelimit="off")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate_limit", "lots"), ("rate_limit", 0), ("cors_origin", ["intranet"]), ("rate_limit_by", "user")],
)
def test_a_wrong_option_is_named_and_nothing_is_made(tmp_path, name, value):
    with pytest.raises(SettingError, match=name.replace("_", ".")):
        acare.create_app(database=tmp_path / "a.db", **{name: value})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_none_of_its_own_is_refused(tmp_path):
    (tmp_path / "a.db").write_text("not a database " * 20)
    with pytest.raises(DatabaseRefused, match=r"a\.db"):
        acare.create_app(database=tmp_path / "a.db")


def test_settings_and_options_are_not_given_together(tmp_path):
    settings = Settings(database=tmp_path / "a.db")
    with pytest.raises(TypeError):
        acare.create_app(settings, rate_limit="off").close()


def test_the_environment_is_not_read(tmp_path, monkeypatch):
    for setting in SETTINGS:
        monkeypatch.setenv(setting.variable, "nonsense \N{SNOWMAN}")
    with acare.create_app(database=tmp_path / "a.db") as app:
        headers = Api(app, broker(app)).get("/v1/clients").headers
    assert headers["RateLimit-Limit"] == "500"
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_each_request_is_a_record_of_the_standard_logging(app, caplog):
    caplog.set_level(logging.INFO, "acare.access")
    Api(app, broker(app)).get("/v1/clients?status=active")
    (message,) = (record.getMessage() for record in caplog.records if record.name == "acare.access")
    assert " GET /v1/clients 200 " in message


def test_the_access_log_may_go_elsewhere(tmp_path, caplog):
    lines = []
    caplog.set_level(logging.INFO)
    with acare.create_app(database=tmp_path / "a.db", access_log=lines.append) as app:
        Api(app, None).get("/v1/clients", status=401)
    assert [(line.method, line.path, line.status) for line in lines] == [("GET", "/v1/clients", 401)]
    assert caplog.records == []


# --- importing

WATCH = """
import os, sys, threading

read = []

class Watched(dict):
    def __getitem__(self, name):
        read.append(name)
        return dict.__getitem__(self, name)
    def get(self, name, default=None):
        read.append(name)
        return dict.get(self, name, default)

os.environ = Watched(os.environ)
import acare, acare.app, acare.cli, acare.store.database
print([name for name in read if name.startswith("ACARE_")], threading.active_count(), os.listdir())
"""


def test_importing_does_nothing(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", WATCH],
        cwd=tmp_path,
        env={**os.environ, "ACARE_DATABASE": "nonsense/a.db", "ACARE_THREADS": "nonsense"},
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )
    assert (ended.stdout, ended.stderr) == ("[] 1 []\n", "")


def test_importing_brings_no_server():
    code = "import acare, sys; print([m for m in ('waitress', 'argparse', 'acare.cli') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], encoding="utf-8", timeout=20) == "[]\n"
