"""acare under gunicorn, behind a proxy that logs users in: gunicorn --threads 4 example_gunicorn:app."""

import atexit

import acare


def logged_in_user(environ):
    """Only the proxy can reach this port. It sets the header and removes one that a browser sends."""
    return environ.get("HTTP_X_FORWARDED_EMAIL")


app = acare.create_app(database="clients.db", identify=logged_in_user)
atexit.register(app.close)
