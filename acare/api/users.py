"""The user resources."""

from __future__ import annotations

import json
from typing import Any

import falcon

from acare.api import envelope
from acare.auth import User


class UserCollection:
    """``/v1/users``: the users whose clients the caller can see."""

    scope = "clients"

    def __init__(self, users: Any) -> None:
        """``users`` is a UserStore, which the API does not import."""
        self._users = users

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        found = [user._asdict() for user in self._users.visible_to(req.context.caller)]
        envelope.succeed(resp, json.dumps({"users": found}, ensure_ascii=False))

    on_head = on_get


class CurrentUser(UserCollection):
    """``/v1/users/me``: the caller."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        user: User = self._users.get(req.context.caller)
        envelope.succeed(resp, json.dumps(user._asdict(), ensure_ascii=False))

    on_head = on_get
