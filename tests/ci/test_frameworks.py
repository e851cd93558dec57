"""The examples for Flask and Django: users who are logged in to the host need no key.

The examples are the files ``example_*.py`` beside this one.
"""

import http.client
import json
import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.data import JORDAN
from support.environment import environment

import acare

ROOT = Path(acare.__file__).resolve().parents[1]

# What the examples leave to the reader: logging in.
FLASK = """
from flask import session
from example import intranet

@intranet.post("/login")
def login():
    session["email"] = "ana@example.com"
    return "in"
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
    return HttpResponse("in")

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
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}"}
    log = folder / "log"
    with log.open("w") as stream:
        line = [gunicorn, "--threads", "4", "--bind", "127.0.0.1:0", app]
        process = subprocess.Popen(line, cwd=folder, env=environ, stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + 30
        while not (port := re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield int(port[1])
    finally:
        process.terminate()
        process.wait(10)


class Browser:
    """A browser with a session of the host, once it has logged in."""

    def __init__(self, host, port):
        self.port, self.session = port, {}
        self.host = host

    def log_in(self):
        _, cookies, _ = self.send("POST" if self.host == "flask" else "GET", "/login")
        self.session = {"Cookie": cookies.partition(";")[0]}

    def send(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {**self.session, **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("Set-Cookie", ""), text

    def call(self, method, path, body=None, **headers):
        status, _, text = self.send(method, f"/crm/v1/{path}", body, **headers)
        return status, json.loads(text)


@pytest.fixture(scope="module", params=FILES)
def browser(request, frameworks, tmp_path_factory):
    """A browser that is logged in to a host, with one of its user's clients in the store."""
    folder = tmp_path_factory.mktemp(request.param)
    with acare.create_app(database=folder / "clients.db") as app:
        app.users.add("ana@example.com", "agent")
    files = dict(FILES[request.param])
    app = files.pop("app")
    files["example.py"] = (Path(__file__).parent / f"example_{request.param}.py").read_text()
    for name, text in files.items():
        (folder / name).write_text(text)
    with serving(frameworks, folder, app) as port:
        browser = Browser(request.param, port)
        assert browser.call("GET", "clients")[0] == 401
        browser.log_in()
        status, _ = browser.call("POST", "clients", json.dumps(JORDAN), Content_Type="application/json")
        assert status == 201
        yield browser


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
