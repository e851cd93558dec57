"""Whose turn a request takes, and in which queue."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from acare.api.operations import Cost
from acare.api.ratelimit import bucket_name
from acare.api.request import api_key
from acare.app import App
from acare.auth import Caller
from acare.errors import AcareError


class Turn(NamedTuple):
    """How a request is queued: the callers take turns, and each has one request answered at a time.

    Requests that may overlap, the writes of a user, are answered together: they share a commit.
    """

    caller: str
    cost: Cost
    overlaps: bool


def turn_of(app: App, env: Mapping[str, Any]) -> Turn:
    """How to queue a request: by its user or, without a valid key, by its address."""
    cost = app.routes.cost(env)
    if (key := api_key(env)) is not None:
        try:
            if isinstance(caller := app.keys.authenticate(key), Caller):
                return Turn(caller.user_id, cost, cost == "write")
        except AcareError:  # the database is busy or closed
            pass
    elif email := app.proxy.signed_in(env):
        return Turn(email.lower(), cost, cost == "write")
    return Turn(bucket_name(app.proxy.address(env)), cost, False)
