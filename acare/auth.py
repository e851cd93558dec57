"""Callers: the user behind an API key, the clients they can see, and the scopes of the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Role = Literal["agent", "broker"]
ROLES: tuple[Role, ...] = ("agent", "broker")

#: Resources and actions that a scope may name. ``all`` stands for every resource.
RESOURCES = ("clients", "all")
ACTIONS = ("read", "write", "delete")

Scopes = Mapping[str, frozenset[str]]


class User(NamedTuple):
    """A user of the agency, who owns clients."""

    id: str
    email: str
    role: Role


class Caller(NamedTuple):
    """The holder of a key, a user of the embedding app, or the operator acting for a user."""

    user_id: str
    role: Role
    key_id: str | None  # None: the operator, who needs no key
    key_preview: str
    scopes: Scopes

    @property
    def owner_id(self) -> str | None:
        """The user whose clients this caller can see; None: all clients of the agency."""
        return None if self.role == "broker" else self.user_id

    def may(self, resource: str, actions: tuple[str, ...]) -> bool:
        """Whether the key's scopes allow at least one of ``actions`` on ``resource``."""
        return not (
            self.scopes.get(resource, _NO_ACTIONS).isdisjoint(actions)
            and self.scopes.get("all", _NO_ACTIONS).isdisjoint(actions)
        )


_NO_ACTIONS: frozenset[str] = frozenset()

#: The scopes of a user of the embedding app, and the text that the log shows as the key of this user.
FULL_ACCESS: Scopes = {"all": frozenset(ACTIONS)}
HOST = "host"


def operator_for(user_id: str, role: Role = "agent") -> Caller:
    """The operator acting for a user: changes are recorded without a key."""
    return Caller(user_id, role, key_id=None, key_preview="-", scopes={})


def parse_scope(text: str) -> tuple[str, list[str]]:
    """``"clients:read,write"`` → ``("clients", ["read", "write"])``. ValueError states the format."""
    resource, colon, listed = text.partition(":")
    actions = [action.strip() for action in listed.split(",")] if colon else []
    if resource not in RESOURCES or not actions or not set(actions) <= set(ACTIONS):
        raise ValueError(
            f"RESOURCE:ACTION[,ACTION] with one of the resources {', '.join(RESOURCES)} "
            f"and the actions {', '.join(ACTIONS)}"
        )
    return resource, actions
