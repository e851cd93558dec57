"""What can go wrong, in the words of the domain.

No HTTP and no SQL here: ``acare.api.envelope`` holds the one table from these to status and code.
"""

from __future__ import annotations

from dataclasses import dataclass


class AcareError(Exception):
    """Whatever acare itself raises on purpose. Its text is fit for a person to read."""


# --- what a caller can do wrong


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one field, parameter or header."""

    field: str
    message: str


class InvalidInput(AcareError):
    """Input that breaks a rule: every problem that was found, never none."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{problem.field} {problem.message}" for problem in problems))
        self.problems = problems


class NotAuthenticated(AcareError):
    """No key, or one that is malformed, unknown, expired or revoked: which of them is not told."""


class ScopeMissing(AcareError):
    """The key is valid but its scopes do not allow this."""

    def __init__(self, resource: str, actions: tuple[str, ...]) -> None:
        wanted = " or ".join(f"{resource}:{action}" for action in actions)
        super().__init__(f"The API key lacks the scope {wanted}.")
        self.resource = resource
        self.actions = actions


class ClientNotFound(AcareError):
    """Unknown, deleted, malformed or invisible id: a caller cannot tell these apart."""


class StaleVersion(AcareError):
    """What the caller has is not what the record is: somebody changed it since.

    ``attempted`` is the caller's version, None if it named none that could be one; ``changed_fields`` are
    those that differ between that and now, None if that version is not known any more.
    """

    def __init__(
        self,
        current: int,
        attempted: int | None,
        changed_fields: list[str] | None = None,
        changed_at: str | None = None,
    ) -> None:
        stale = "none that you name" if attempted is None else f"not {attempted}"
        super().__init__(f"The client is at version {current}, {stale}.")
        self.current = current
        self.attempted = attempted
        self.changed_fields = changed_fields
        self.changed_at = changed_at


class VersionConflict(StaleVersion):
    """``version`` in the body is not the record's."""


class PreconditionFailed(StaleVersion):
    """``If-Match`` does not name the record's version."""


class PreconditionRequired(AcareError):
    """The operator demands a version or ``If-Match`` with every change, and there is neither."""


class IdempotencyKeyReused(AcareError):
    """The ``Idempotency-Key`` was used for another body before."""


class BodyTooLarge(AcareError):
    """The request's body has more than ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body may have at most {limit} bytes.")
        self.limit = limit


class RateLimited(AcareError):
    """The caller's bucket is empty; the next token comes in the seconds that are told."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after} s.")
        self.retry_after = retry_after


# --- what can be wrong with the machine or its set-up


class StoreUnavailable(AcareError):
    """The database cannot do this now, though it may a little later: busy, disk full, file gone."""


class NotReady(StoreUnavailable):
    """The server cannot write now; ``checks`` says of each thing that it needs whether it is "ok"."""

    def __init__(self, checks: dict[str, str]) -> None:
        failed = (f"{name}: {state}" for name, state in checks.items() if state != "ok")
        super().__init__(f"Not ready. {' '.join(failed)}")
        self.checks = checks


class DatabaseRefused(AcareError):
    """The file is not one that acare can or should open. Nothing in it was changed."""


class SettingError(AcareError):
    """A setting has a value that it cannot have, or is none; ``name`` is the flag or the variable."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


class UserError(AcareError):
    """A command was asked for something that cannot be done; the text says what and why."""
