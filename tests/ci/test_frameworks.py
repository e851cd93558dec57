"""The examples for Flask and Django, behind nginx: users who are logged in there need no key.

The examples are the files ``example_*.py`` beside this one; nginx is configured as on the page install.md.
"""

import functools
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from ci.test_offices import is_open, running
from support.data import JORDAN
from support.environment import environment
from support.http import Agency, ask
from support.page import examples, replaced
from support.sockets import free_port, wait_for

import acare

ROOT = Path(acare.__file__).resolve().parents[1]

# What the examples leave to the reader: logging in.
FLASK = """
from flask import request
from example import crm, intranet, log_in

@intranet.get("/login")
def login():
    log_in("ana@example.com")
    return request.host

@intranet.get("/disable")
def disable():
    crm.users.change("ana@example.com", disabled=True)
    return {}
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

def log_in(request, name="ana"):
    login(request, User.objects.get(username=name))
    return HttpResponse(request.get_host())

urlpatterns = [path("login", log_in), path("login/<name>", log_in)]
"""
DJANGO = """
from example import application
from django.contrib.auth.models import User
from django.core.management import call_command

call_command("migrate", verbosity=0)
User.objects.create_user("ana", "ana@example.com")
User.objects.create_user("ben")
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


@pytest.fixture(scope="module", params=FILES)
def user(request, frameworks, tmp_path_factory):
    """A function that sends a request as a user who is logged in to a host and has a client in the store."""
    folder = tmp_path_factory.mktemp(request.param)
    files = dict(FILES[request.param])
    app = files.pop("app")
    files["example.py"] = (Path(__file__).parent / f"example_{request.param}.py").read_text()
    for name, text in files.items():
        (folder / name).write_text(text)
    with serving(frameworks, folder, app) as upstream:
        nginx = replaced(examples("nginx")[0], {"127.0.0.1:8080": f"127.0.0.1:{upstream}"})
        with running("nginx", folder, nginx, port := free_port()):
            site = Agency(f"http://127.0.0.1:{port}", None)
            ask(site, path="/crm/v1/clients", status=401)
            for _ in range(2):  # at the second visit, the user exists
                headers, host = ask(site, path="/login", parse=bytes.decode)
            assert host == f"127.0.0.1:{port}"
            cookie = headers["Set-Cookie"].partition(";")[0]
            user = functools.partial(ask, site, Cookie=cookie, Origin=f"https://{host}")
            user("POST", "/crm/v1/clients", JORDAN, 201)
            yield user


def test_the_logged_in_user_is_the_caller(user):
    assert user(path="/crm/v1/users/me")[1]["data"]["email"] == "ana@example.com"
    assert user(path="/crm/v1/clients?q=jordan")[1]["data"]["meta"]["total"] == 1


@pytest.mark.parametrize("user", ["flask"], indirect=True)
def test_a_page_of_the_app_reads_the_store_for_an_enabled_user(user):
    assert user(path="/my-clients?q=lee")[1]["total"] == 1
    user(path="/disable")
    user(path="/my-clients", status=403, parse=bytes.decode)


@pytest.mark.parametrize("user", ["django"], indirect=True)
def test_an_account_without_an_address_can_log_in(user):
    assert user(path="/login/ben", parse=bytes.decode)
