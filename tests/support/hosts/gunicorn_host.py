"""The Clients API behind a proxy that logs users in: gunicorn --workers 2 --threads 4 gunicorn_host:app"""

import atexit

import acare


def logged_in_user(environ):
    """The proxy alone can reach this port. It sets the header, and removes one that a browser sends."""
    return environ.get("HTTP_X_FORWARDED_EMAIL")


# Without --preload each worker makes the app for itself: SQLite's connections do not survive a fork.
app = acare.create_app(database="clients.db", identify=logged_in_user)
atexit.register(app.close)
