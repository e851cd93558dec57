"""The errors of the domain, independent of HTTP and SQL.

``acare.api.envelope`` has the one table that maps them to statuses and codes.
"""

from __future__ import annotations

from dataclasses import dataclass


class AcareError(Exception):
    """An error that acare raises on purpose. Its text is meant for people."""


# --- errors of the caller


@dataclass(frozen=True)
class FieldError:
    """One problem with one field, parameter or header."""

    field: str
    message: str


class InvalidInput(AcareError):
    """The input breaks one or more rules."""

    def __init__(self, *problems: FieldError) -> None:
        """``problems`` are all problems of the input, at least one."""
        super().__init__("; ".join(f"{problem.field} {problem.message}" for problem in problems))
        self.problems = problems


class NotAuthenticated(AcareError):
    """The API key is missing, malformed, unknown, expired or revoked; the response does not say which."""


class ScopeMissing(AcareError):
    """The API key is valid, but its scopes do not allow this operation."""

    def __init__(self, resource: str, actions: tuple[str, ...]) -> None:
        wanted = " or ".join(f"{resource}:{action}" for action in actions)
        super().__init__(f"The API key lacks the scope {wanted}.")
        self.resource = resource
        self.actions = actions


class UnknownUser(AcareError):
    """The embedding app named a user who is unknown or disabled."""

    def __init__(self, email: str) -> None:
        super().__init__(
            f"You are logged in as {email[:254]!r}, but this user is unknown or disabled here. "
            "Ask the operator of the client database to add you."
        )


class CrossSiteRequest(AcareError):
    """A page of another site may have sent this write with the session of the embedding app's user."""


class ClientNotFound(AcareError):
    """The client id is unknown, deleted, malformed or not visible to the caller, who cannot tell which."""


class StaleVersion(AcareError):
    """The client is at another version than the request requires.

    ``attempted`` is the version that the request named, or None. ``changed_fields`` are the fields that
    differ between that version and the current one, or None if the history does not have that version.
    """

    def __init__(
        self,
        current: int,
        attempted: int | None,
        changed_fields: list[str] | None = None,
        changed_at: str | None = None,
    ) -> None:
        tag = f'which If-Match or If-None-Match excludes; its entity tag is "{current}", in quotes'
        reason = f"not {attempted}" if attempted is not None else tag
        super().__init__(f"The client is at version {current}, {reason}.")
        self.current = current
        self.attempted = attempted
        self.changed_fields = changed_fields
        self.changed_at = changed_at


class VersionConflict(StaleVersion):
    """The ``version`` in the body is not the current version of the client."""


class PreconditionFailed(StaleVersion):
    """The current version does not satisfy ``If-Match`` or ``If-None-Match``."""


class PreconditionRequired(AcareError):
    """The server requires a version or ``If-Match`` with every change, and the request has neither."""


class IdempotencyKeyReused(AcareError):
    """The ``Idempotency-Key`` was already used with a different body."""


class BodyTooLarge(AcareError):
    """The body exceeds the size limit."""

    def __init__(self, limit: int) -> None:
        """``limit`` is in bytes."""
        super().__init__(f"The body must not exceed {limit} bytes.")
        self.limit = limit


class UnsupportedMediaType(AcareError):
    """The body is declared as something other than JSON."""


class UnsupportedContentCoding(AcareError):
    """The body has a ``Content-Encoding`` other than ``identity``."""


class RateLimited(AcareError):
    """The caller's token bucket is empty."""

    def __init__(self, retry_after: int) -> None:
        """``retry_after`` is the number of seconds until the next token."""
        super().__init__(f"Too many requests. Try again in {retry_after} s.")
        self.retry_after = retry_after


# --- errors of the machine or its configuration


class StoreUnavailable(AcareError):
    """The database is temporarily unavailable: busy, disk full, or file missing."""


class NotReady(StoreUnavailable):
    """The server cannot write now."""

    def __init__(self, checks: dict[str, str]) -> None:
        """``checks`` has the result of each readiness check: "ok" or the problem."""
        failed = (f"{name}: {state}" for name, state in checks.items() if state != "ok")
        super().__init__(f"Not ready. {' '.join(failed)}")
        self.checks = checks


class DatabaseRefused(AcareError):
    """acare cannot or must not open this file. The file is unchanged."""


class SettingError(AcareError):
    """A setting is unknown or has an invalid value; ``name`` is the flag or the environment variable."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


class UserError(AcareError):
    """A command cannot do what was requested; the text says what and why."""
