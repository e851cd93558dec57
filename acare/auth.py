"""Who is calling: the user behind a key, what they see and what the key lets them do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Role = Literal["agent", "broker"]
ROLES: tuple[Role, ...] = ("agent", "broker")

#: Resources and actions that a scope may name. ``all`` stands for every resource. (vendor)
RESOURCES = ("clients", "all")
ACTIONS = ("read", "write", "delete")

Scopes = Mapping[str, frozenset[str]]


class Caller(NamedTuple):
    """Whoever holds a valid key. The key acts as its user. (vendor)"""

    user_id: str
    role: Role
    key_id: str
    key_preview: str
    scopes: Scopes

    @property
    def owner_id(self) -> str | None:
        """The user whose clients this caller sees; None sees all of the agency's. (our choice)"""
        return None if self.role == "broker" else self.user_id

    def may(self, resource: str, actions: tuple[str, ...]) -> bool:
        """Whether any of ``actions`` on ``resource`` is within the key's scopes."""
        granted = self.scopes.get(resource, _NOTHING) | self.scopes.get("all", _NOTHING)
        return not granted.isdisjoint(actions)


_NOTHING: frozenset[str] = frozenset()


def parse_scope(text: str) -> tuple[str, list[str]]:
    """``"clients:read,write"`` → ``("clients", ["read", "write"])``; ValueError says what is allowed."""
    resource, colon, listed = text.partition(":")
    actions = [action.strip() for action in listed.split(",")] if colon else []
    if resource not in RESOURCES or not actions or not set(actions) <= set(ACTIONS):
        raise ValueError(f"RESOURCE:ACTION[,ACTION], of {', '.join(RESOURCES)} and {', '.join(ACTIONS)}")
    return resource, actions
