"""The user resources."""

from __future__ import annotations

import json

import falcon

from acare.api import envelope
from acare.auth import User, Users


class UserCollection:
    """``/v1/users``: the users whose clients the caller can see."""

    scope = "clients"

    def __init__(self, users: Users) -> None:
        self._users = users

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        found = ",".join(map(_json, self._users.visible_to(req.context.caller)))
        envelope.succeed(resp, f'{{"users":[{found}]}}')

    on_head = on_get


class CurrentUser:
    """``/v1/users/me``: the caller."""

    scope = "clients"

    def __init__(self, users: Users) -> None:
        self._users = users

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        envelope.succeed(resp, _json(self._users.of(req.context.caller)))

    on_head = on_get


def _json(user: User) -> str:
    return json.dumps(user._asdict(), ensure_ascii=False)
