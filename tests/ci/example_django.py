"""acare next to a Django project, in place of the WSGI module that Django generates."""

import atexit
import os
from contextlib import suppress
from wsgiref.util import shift_path_info

from django.contrib.auth import get_user
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.dispatch import receiver

import acare
from acare.errors import AlreadyExists, InvalidInput

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
intranet = get_wsgi_application()


def logged_in_user(environ):
    """The e-mail address of Django's user, verified and unique there; None or "" if there is none."""
    close_old_connections()
    request = WSGIRequest(environ)
    SessionMiddleware(lambda _: None).process_request(request)
    user = get_user(request)
    return user.email if user.is_authenticated else None


crm = acare.create_app(database="clients.db", identify=logged_in_user, trusted_proxy="127.0.0.1")
atexit.register(crm.close)


@receiver(user_logged_in)
def add_user(user, **_):
    """Adds a user of acare at the first visit, if the address is valid. A disabled user stays disabled."""
    with suppress(AlreadyExists, InvalidInput):
        crm.users.add(user.email, "agent")


def application(environ, start_response):
    if f"{environ['PATH_INFO']}/".startswith("/crm/"):
        shift_path_info(environ)
        return crm(environ, start_response)
    return intranet(environ, start_response)
