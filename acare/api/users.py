"""The resources of users and of their API keys."""

from collections.abc import Mapping
from typing import ClassVar

import falcon

from acare import ids, timestamps
from acare.api import body, envelope
from acare.api.request import PAGE_PARAMETERS, Request, api_key, path_id, read_query, take_page
from acare.api.services import Resource
from acare.auth import USER_CHANGES, USER_FIELDS
from acare.errors import FieldError, InvalidInput, InvalidKey
from acare.field_types import NAME
from acare.json_text import to_json
from acare.parameters import Parameter, flag
from acare.store.keys import PARSERS

_KEY_FIELDS = (
    "id user_id email preview name scopes created_at expires_at last_used_at revoked_at made_by made_with "
    "invitation"
).split()


class UserCollection(Resource):
    """``/v1/users``: the users whose clients the caller can see."""

    parameters: ClassVar = {"disabled": Parameter(flag, "Whether to list disabled users too.")}

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        query = read_query(req, self.parameters)
        users = self._services.users.list(req.caller, disabled=query.get("disabled", False))
        envelope.succeed(resp, to_json({"users": [*map(_as_json, users)]}))

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        given = body.read_fields(req, USER_FIELDS, required=USER_FIELDS)
        user = self._services.users.add(**given)
        resp.status = falcon.HTTP_201
        envelope.succeed(resp, to_json(_as_json(user._asdict())))


class CurrentUser(Resource):
    """``/v1/users/me``: the caller."""

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        user = self._services.users.get(req.caller.user_id)
        envelope.succeed(resp, to_json(_as_json(user._asdict())))


class UserItem(Resource):
    """``/v1/users/{user_id}``"""

    def on_put(self, req: Request, resp: falcon.Response, user_id: str) -> None:
        changes = body.read_fields(req, USER_CHANGES)
        if not changes:
            raise InvalidInput(FieldError("body", f"must have at least one of {', '.join(USER_CHANGES)}"))
        user = self._services.users.change(path_id(user_id, "user"), **changes)
        envelope.succeed(resp, to_json(_as_json(user._asdict())))


class Handover(Resource):
    """``/v1/users/{user_id}/handover``: all clients of the user go to another user."""

    def on_post(self, req: Request, resp: falcon.Response, user_id: str) -> None:
        to = body.read_fields(req, {"to": ids.parse}, required=["to"])["to"]
        number = self._services.clients.handover(req.caller, path_id(user_id, "user"), to)
        envelope.succeed(resp, to_json({"clients": number}))


class KeyCollection(Resource):
    """``/v1/keys``: the keys of the caller; for a broker, all keys."""

    parameters = PAGE_PARAMETERS

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        page, limit = take_page(read_query(req, self.parameters))
        found = self._services.keys.list(req.caller, page=page, limit=limit)
        rows = [to_json(_key_as_json(key)) for key in found.rows]
        envelope.succeed_with_page(resp, "keys", rows, page, limit, found.total)

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        fields = {**PARSERS, "expires_at": _parse_expiry}
        key, listed = self._services.keys.create(req.caller, **body.read_fields(req, fields))
        _answer_created(resp, key, listed)


class KeyRedemption(Resource):
    """``/v1/keys/redeem``: exchanges an invitation, which is in the header of the key, for a key."""

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        invitation = api_key(req.env)
        if invitation is None:  # a user who is signed in without a key
            raise InvalidKey("missing")
        given = body.read_fields(req, {"name": NAME}) if req.context.body else {}
        key, listed = self._services.keys.redeem(invitation, **given)
        _answer_created(resp, key, listed)


class KeyItem(Resource):
    """``/v1/keys/{key_id}``"""

    parameters: ClassVar = {
        "made": Parameter(
            flag,
            "With `true`, the keys that were made with this key, directly or indirectly, are revoked too.",
        )
    }

    def on_delete(self, req: Request, resp: falcon.Response, key_id: str) -> None:
        made = read_query(req, self.parameters).get("made", False)
        self._services.keys.revoke(req.caller, path_id(key_id, "API key"), made=made)
        envelope.succeed(resp, "{}")


def _answer_created(resp: falcon.Response, key: str, listed: Mapping[str, object]) -> None:
    """Answer with a new key, which no later response has."""
    resp.status = falcon.HTTP_201
    envelope.succeed(resp, to_json({**_key_as_json(listed), "key": key}))


def _key_as_json(key: Mapping[str, object]) -> dict[str, object]:
    return {name: key[name] for name in _KEY_FIELDS}


def _as_json(user: Mapping[str, object]) -> dict[str, object]:
    """The user as JSON; only a disabled user has ``disabled``."""
    shown = {name: user[name] for name in ("id", "email", "role")}
    return shown if user["disabled_at"] is None else {**shown, "disabled": True}


def _parse_expiry(value: object) -> str:
    at = timestamps.parse(value)
    if at <= timestamps.now():
        raise ValueError("must be in the future")
    return at
