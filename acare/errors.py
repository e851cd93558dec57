"""The errors of the domain. ``acare.api.envelope`` maps them to responses, and the commands print them."""

from dataclasses import dataclass
from typing import NamedTuple


class AcareError(Exception):
    """An error that acare raises on purpose. Its text is meant for people."""


class FieldError(NamedTuple):
    """One problem with one field, parameter or header."""

    field: str
    message: str


class InvalidInput(AcareError):
    """The input breaks one or more rules."""

    def __init__(self, *problems: FieldError) -> None:
        """``problems`` are all problems, at least one."""
        super().__init__("; ".join(f"{problem.field} {problem.message}" for problem in problems))
        self.problems = problems


@dataclass(eq=False)
class InsufficientScope(AcareError):
    """The scopes of the API key allow none of ``actions`` on ``resource``.

    Or there is no key, and the ``user`` who is signed in is unknown or disabled.
    """

    resource: str = ""
    actions: tuple[str, ...] = ()
    user: str = ""

    def __str__(self) -> str:
        if self.user:
            return (
                f"You are signed in as {self.user[:254]!r}, but this user is unknown or disabled here. "
                "Ask the operator of the client database to add you."
            )
        wanted = " or ".join(f"{self.resource}:{action}" for action in self.actions)
        return f"The API key lacks the scope {wanted}."


class BrokerRequired(AcareError):
    """The operation requires the broker role, and the caller is an agent."""


@dataclass(eq=False)
class StaleVersion(AcareError):
    """The client is at another version than the request requires.

    ``changed_by`` is the e-mail address of the user who made the current version; None: the operator.
    ``attempted`` is the version that the request named, or None. The ``changed_fields`` have changed since
    that version; None if the history does not have it.
    """

    current: int
    attempted: int | None
    changed_fields: list[str] | None
    changed_at: str
    changed_by: str | None

    def __str__(self) -> str:
        tag = f'which If-Match or If-None-Match excludes; its entity tag, with quotes, is "{self.current}"'
        reason = f"not {self.attempted}" if self.attempted is not None else tag
        return f"The client is at version {self.current}, {reason}."


class VersionConflict(StaleVersion):
    """The ``version`` in the body is not the current version."""


class PreconditionFailed(StaleVersion):
    """The current version does not satisfy ``If-Match`` or ``If-None-Match``."""


class CursorExpired(AcareError):
    """The cursor has expired: changes after it were deleted, or it is from another view."""


class IdempotencyKeyReused(AcareError):
    """The ``Idempotency-Key`` was already used with a different body."""


class StoreUnavailable(AcareError):
    """The database is unavailable: busy, disk full, damaged, or file missing."""


#: The text of StoreUnavailable if the content of the file is damaged.
DAMAGED = "The database is damaged. Restore the newest backup that 'acare verify' accepts."


class DatabaseRefused(AcareError):
    """acare cannot or must not use this file; the text says why."""


class SettingError(AcareError):
    """A setting or an argument is invalid; the text names it."""


class Refused(AcareError):
    """What was requested cannot be done; the text says what and why."""


class NotFound(Refused):
    """The id is unknown, deleted, malformed or not visible to the caller, who cannot tell which."""

    def __init__(self, record: str, message: str = "") -> None:
        """``record`` is what the id names, such as "client"."""
        super().__init__(message or f"{record} not found")
        self.record = record


#: Why a key is not valid, and the text of the error.
INVALID_KEY = {
    "missing": "Send an API key in the X-API-Key header",
    "malformed": "The API key is malformed: it must be 64 lower-case hex digits",
    "unknown": "The API key is unknown",
    "expired": "The API key has expired",
    "revoked": "The API key was revoked, or its user is disabled",
    "invitation": "This is an invitation, which only POST /v1/keys/redeem takes",
}


@dataclass(eq=False)
class InvalidKey(AcareError):
    """The request has no valid key, or its key was revoked while it was answered.

    ``key_id`` is set for a known key, and ``ended_at`` for one that has expired or was revoked.
    """

    reason: str
    key_id: str | None = None
    ended_at: str | None = None
    hint: str = ""

    def __str__(self) -> str:
        return f"{INVALID_KEY[self.reason]}{self.hint}."


class TooManyKeys(Refused):
    """The user has as many valid keys as a user may have."""


class AlreadyExists(Refused):
    """The user or client already exists."""


class LastBroker(Refused):
    """The change would leave the agency without an enabled broker."""
