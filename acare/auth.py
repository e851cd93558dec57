"""Callers and the scopes of their keys, and the users and keys that the API manages."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from acare.field_types import USER_EMAIL, Enum, Type, boolean

Role = Literal["agent", "broker"]
ROLES: tuple[Role, ...] = ("agent", "broker")

#: Resources and actions that a scope may name. ``all`` stands for every resource.
RESOURCES = ("clients", "users", "keys", "all")
ACTIONS = ("read", "write", "delete", "create")

Scopes = Mapping[str, Sequence[str]]


class User(NamedTuple):
    """A user of the agency, who owns clients."""

    id: str
    email: str
    role: Role
    disabled_at: str | None = None


class Right(NamedTuple):
    """The right to an operation: one of ``actions`` on ``resource`` in the scopes of the key, and a role.

    Without ``actions``, any valid key has it.
    """

    resource: str
    actions: tuple[str, ...]
    roles: tuple[Role, ...] = ROLES


class NewKey(NamedTuple):
    """A new key. ``key`` is the key itself, which is not available later."""

    key: str
    listed: dict[str, Any]  # as ``KeyStore.list`` shows it


class Caller(NamedTuple):
    """The holder of a key, a user without a key, or the operator."""

    user_id: str  # "": the operator
    role: Role
    key_id: str | None
    key_preview: str
    scopes: Scopes

    @property
    def author_id(self) -> str | None:
        """The user who is recorded with each change; None for the operator."""
        return self.user_id or None

    @property
    def owner_id(self) -> str | None:
        """The user whose clients this caller can see; None: all clients of the agency."""
        return None if self.role == "broker" else self.user_id

    def may(self, resource: str, actions: tuple[str, ...]) -> bool:
        """Whether the key's scopes allow at least one of ``actions`` on ``resource``."""
        allowed = {*self.scopes.get(resource, ()), *self.scopes.get("all", ())}
        return not allowed.isdisjoint(actions)


def caller_without_key(user_id: str, role: Role = "agent") -> Caller:
    """A user whom the embedding app or the proxy has signed in; the key in the log is ``session``."""
    return Caller(user_id, role, key_id=None, key_preview="session", scopes={"all": ACTIONS})


#: The operator, who sees all clients.
OPERATOR = caller_without_key("", "broker")


ROLE = Enum(ROLES, "Role", "An agent sees their own clients, a broker the clients of all users.")

#: The fields of a user, and how they are checked.
USER_FIELDS: Mapping[str, Type] = {
    "email": USER_EMAIL,
    "role": ROLE,
}

#: Those that can be changed.
USER_CHANGES: Mapping[str, Type] = {**USER_FIELDS, "disabled": boolean}


def validate_scopes(value: object) -> dict[str, list[str]]:
    """The scopes in a JSON value: an object of lists. ValueError states the format and what is wrong."""
    given: Mapping[Any, Any] = value if isinstance(value, dict) else {"scopes": value}
    for resource, actions in given.items():
        if not is_scope(resource, actions):
            wrong = f"not {f'{resource}: {actions}':.100}"
            allowed = f"the resources {', '.join(RESOURCES)} and the actions {', '.join(ACTIONS)}"
            raise ValueError(f"must map resources to lists of actions, with {allowed}; {wrong}")
    if "read" in given.get("users", ()):  # stored ones stay
        raise ValueError("must not have users:read, which permits nothing: clients:read lists the users")
    # A generated Java client sends an empty list for each resource that its caller does not name.
    return {resource: list(dict.fromkeys(actions)) for resource, actions in given.items() if actions}


def is_scope(resource: object, actions: object) -> bool:
    """Whether this is a known resource with a list of known actions."""
    is_list = isinstance(actions, (list, tuple)) and all(action in ACTIONS for action in actions)
    return is_list and resource in RESOURCES
