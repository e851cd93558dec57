"""acare in a Flask app: users who are logged in to it need no key."""

import atexit
import json

from flask import Flask, abort, request, session
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import acare

intranet = Flask(__name__)
intranet.secret_key = "change this"


def logged_in_user(environ):
    """The e-mail address in Flask's session; None if there is none."""
    with intranet.request_context(environ):
        return session.get("email")


crm = acare.create_app(database="clients.db", identify=logged_in_user)
atexit.register(crm.close)
intranet.wsgi_app = DispatcherMiddleware(intranet.wsgi_app, {"/crm": crm})


@intranet.get("/my-clients")
def my_clients():
    """Without HTTP: the store itself, as the user who is logged in."""
    if "email" not in session:
        abort(401)
    caller = crm.caller(session["email"])  # UserError for an unknown or disabled user
    page = crm.clients.page(caller, page=1, limit=25, q=request.args.get("q"))
    return {"total": page.total, "clients": [json.loads(client) for client in page.rows]}
