"""The errors of acare: the API answers with them, and the commands print them."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class AcareError(Exception):
    """An error that acare raises on purpose. Its text is meant for people.

    A response has its ``code``, ``details`` and ``headers``. Without a code, it is answered like a defect.
    """

    def __init__(
        self,
        text: str,
        code: str | None = None,
        details: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.code, self.details, self.headers = code, details, headers or {}
        self.message = f"{text[:1].upper()}{text[1:].removesuffix('.')}."  # as a sentence


class FieldError(NamedTuple):
    """One problem with one field, parameter or header."""

    field: str
    message: str


class InvalidInput(AcareError):
    """The input breaks one or more rules."""

    def __init__(self, *problems: FieldError) -> None:
        """``problems`` are all problems, at least one."""
        text = "; ".join(f"{problem.field} {problem.message}" for problem in problems)
        super().__init__(text, "VALIDATION_ERROR", [problem._asdict() for problem in problems])
        self.message = f"Invalid request: {text}."
        self.problems = problems


class InsufficientScope(AcareError):
    """The scopes of the API key allow none of ``actions`` on ``resource``.

    Or there is no key, and the ``user`` who is signed in is unknown or disabled.
    """

    def __init__(self, resource: str = "", actions: tuple[str, ...] = (), user: str = "") -> None:
        text = f"the API key lacks the scope {' or '.join(f'{resource}:{action}' for action in actions)}"
        if user:
            text = (
                f"you are signed in as {user[:254]!r}, but this user is unknown or disabled here. "
                "Ask the operator of the client database to add you"
            )
        details = None if user else {"resource": resource, "actions": [*actions]}
        super().__init__(text, "INSUFFICIENT_SCOPE", details)


class StoreUnavailable(AcareError):
    """The database is unavailable: busy, disk full, damaged, or file missing."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "SERVICE_UNAVAILABLE", headers={"Retry-After": "1"})


#: The text of StoreUnavailable if the content of the file is damaged.
DAMAGED = "The database is damaged. Restore the newest backup that 'acare verify' accepts."


class DatabaseRefused(AcareError):
    """acare cannot or must not use this file; the text says why."""


class SettingError(AcareError):
    """A setting or an argument is invalid; the text names it."""


class Refused(AcareError):
    """What was requested cannot be done; the text says what and why."""


class AlreadyExists(Refused):
    """The user, key or client already exists."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "ALREADY_EXISTS")


class NotFound(Refused):
    """The id is unknown, deleted, malformed or not visible to the caller, who cannot tell which."""

    def __init__(self, record: str, text: str = "") -> None:
        """``record`` is what the id names, such as "client". The commands print the ``text``."""
        super().__init__(f"{record} not found", "NOT_FOUND")
        self.args = (text or f"{record} not found",)


#: Why a key is not valid, and the text of the error.
INVALID_KEY = {
    "missing": "Send an API key in the X-API-Key header",
    "malformed": "The API key is malformed: it must be 64 lower-case hex digits",
    "unknown": "The API key is unknown",
    "expired": "The API key has expired",
    "revoked": "The API key was revoked, or its user is disabled",
    "invitation": "This is an invitation, which only POST /v1/keys/redeem accepts",
}


class InvalidKey(AcareError):
    """The request has no valid key, or its key was revoked while it was answered.

    ``key_id`` is set for a known key, and ``ended_at`` for one that has expired or was revoked.
    """

    def __init__(
        self, reason: str, key_id: str | None = None, ended_at: str | None = None, hint: str = ""
    ) -> None:
        details = {"reason": reason} if ended_at is None else {"reason": reason, "endedAt": ended_at}
        headers = {"WWW-Authenticate": 'ApiKey realm="acare"'}
        super().__init__(f"{INVALID_KEY[reason]}{hint}", "UnauthorizedError", details, headers)
        self.reason, self.key_id = reason, key_id
