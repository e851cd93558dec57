"""acare in a Flask app: users who are logged in to it need no key."""

import atexit
import json
from contextlib import suppress

from flask import Flask, abort, request, session
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import acare
from acare.errors import AlreadyExists, InvalidInput, Refused

intranet = Flask(__name__)
intranet.secret_key = "change this"


def logged_in_user(environ):
    """The e-mail address in Flask's session; None if there is none."""
    with intranet.request_context(environ):
        return session.get("email")


crm = acare.create_app(database="clients.db", identify=logged_in_user, trusted_proxy="127.0.0.1")
atexit.register(crm.close)
intranet.wsgi_app = DispatcherMiddleware(intranet.wsgi_app, {"/crm": crm})


def log_in(email):
    """Adds a user of acare at the first visit. A disabled user stays disabled."""
    with suppress(AlreadyExists):
        crm.users.add(email, "agent")
    session["email"] = email


@intranet.get("/my-clients")
def my_clients():
    """Without HTTP: the store itself, as the user who is logged in."""
    if "email" not in session:
        abort(401)
    try:
        caller = crm.caller(session["email"])
    except Refused:  # unknown or disabled
        abort(403)
    try:
        page = crm.lists.page(caller, page=1, limit=25, q=request.args.get("q") or None)
    except InvalidInput as error:
        abort(400, str(error))
    return {"total": page.total, "clients": [json.loads(client) for client in page.rows]}
