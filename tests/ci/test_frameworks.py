"""The examples for Flask and Django, behind nginx: users who are logged in to the host need no key.

The examples are the files ``example_*.py`` beside this one; nginx is configured as on the page install.md.
"""

import http.client
import json
import os
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from ci.test_offices import is_open, running
from support.data import JORDAN
from support.environment import environment
from support.page import examples, replaced
from support.sockets import free_port, wait_for

import acare

ROOT = Path(acare.__file__).resolve().parents[1]

# What the examples leave to the reader: logging in.
FLASK = """
from flask import request
from example import intranet, log_in

@intranet.post("/login")
def login():
    log_in("ana@example.com")
    return request.host
"""
SETTINGS = """
SECRET_KEY = "x"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}}
"""
URLS = """
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path

def log_in(request):
    login(request, User.objects.get())
    return HttpResponse(request.get_host())

urlpatterns = [path("login", log_in)]
"""
DJANGO = """
from example import application
from django.contrib.auth.models import User
from django.core.management import call_command

call_command("migrate", verbosity=0)
User.objects.create_user("ana", "ana@example.com")
"""

FILES = {
    "flask": {"made.py": FLASK, "app": "made:intranet"},
    "django": {"made.py": DJANGO, "settings.py": SETTINGS, "urls.py": URLS, "app": "made:application"},
}


@pytest.fixture(scope="module")
def frameworks(tmp_path_factory):
    """An environment with acare and the frameworks; the path of its gunicorn."""
    packages = ("flask", "django", "gunicorn", "falcon", "waitress")
    return environment(tmp_path_factory.mktemp("frameworks"), *packages) / "gunicorn"


@contextmanager
def serving(gunicorn, folder, app):
    """The port of a server in ``folder``."""
    environ, port = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}"}, free_port()
    line = [gunicorn, "--threads", "4", "--bind", f"127.0.0.1:{port}", app]
    with subprocess.Popen(line, cwd=folder, env=environ) as process:
        try:
            wait_for(lambda: is_open(port), seconds=30)
            yield port
        finally:
            process.terminate()


class Browser:
    """A browser with a session of the host, once it has logged in."""

    def __init__(self, host, port, database):
        self.port, self.session = port, {}
        self.host, self.database = host, database

    def log_in(self):
        _, cookies, host = self.send("POST" if self.host == "flask" else "GET", "/login")
        assert host == f"127.0.0.1:{self.port}"
        self.session = {"Cookie": cookies.partition(";")[0], "Origin": f"https://{host}"}

    def send(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, {**self.session, **headers})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Set-Cookie", ""), answer.read().decode()

    def call(self, method, path, body=None, **headers):
        status, _, text = self.send(method, f"/crm/v1/{path}", body, **headers)
        return status, json.loads(text)


@pytest.fixture(scope="module", params=FILES)
def browser(request, frameworks, tmp_path_factory):
    """A browser that is logged in to a host, with one of its user's clients in the store."""
    folder = tmp_path_factory.mktemp(request.param)
    files = dict(FILES[request.param])
    app = files.pop("app")
    files["example.py"] = (Path(__file__).parent / f"example_{request.param}.py").read_text()
    for name, text in files.items():
        (folder / name).write_text(text)
    with serving(frameworks, folder, app) as upstream:
        nginx = replaced(examples("nginx")[0], {"127.0.0.1:8080": f"127.0.0.1:{upstream}"})
        with running("nginx", folder, nginx, port := free_port()):
            browser = Browser(request.param, port, folder / "clients.db")
            assert browser.call("GET", "clients")[0] == 401
            for _ in range(2):  # at the second visit, the user exists
                browser.log_in()
            status, _ = browser.call("POST", "clients", json.dumps(JORDAN), Content_Type="application/json")
            assert status == 201
            yield browser


def test_the_web_ui_is_at_the_prefix_without_a_slash(browser):
    status, _, page = browser.send("GET", "/crm", Accept="text/html")
    assert (status, "/crm/web/" in page) == (200, True)


def test_the_user_of_the_host_is_the_caller(browser):
    status, answer = browser.call("GET", "users/me")
    assert (status, answer["data"]["email"]) == (200, "ana@example.com")
    status, answer = browser.call("GET", "clients?q=jordan")
    assert (status, answer["data"]["meta"]["total"]) == (200, 1)


def test_a_foreign_page_cannot_write_with_the_session(browser):
    status, answer = browser.call("POST", "clients", json.dumps(JORDAN), Sec_Fetch_Site="cross-site")
    assert (status, answer["error"]["code"]) == (403, "CROSS_SITE_REQUEST")


@pytest.mark.parametrize("browser", ["flask"], indirect=True)
def test_the_store_serves_a_page_of_the_host(browser):
    status, _, text = browser.send("GET", "/my-clients?q=lee")
    assert (status, json.loads(text)["total"]) == (200, 1)


@pytest.mark.parametrize("browser", ["flask"], indirect=True)
def test_the_host_refuses_a_user_who_is_disabled(browser):
    with acare.create_app(database=browser.database) as app:
        app.users.change("ana@example.com", disabled=True)
        try:
            browser.log_in()
            wait_for(lambda: browser.send("GET", "/my-clients")[0] == 403)
        finally:
            app.users.change("ana@example.com", disabled=False)
