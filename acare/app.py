"""The composition root: settings → stores → middleware → Falcon app. Read this file first."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import falcon

from acare.api import envelope, middleware
from acare.api.access_log import AccessLog, AccessRecord, log_access, new_request_id
from acare.api.admission import LimitSlowRequests
from acare.api.identify import Identify, IdentifyCaller
from acare.api.operations import Router
from acare.api.ratelimit import LimitRate
from acare.api.request import Request
from acare.api.services import Services
from acare.auth import Caller
from acare.config import Settings
from acare.errors import AcareError, Refused, SettingError


class App(falcon.App, Services, AbstractContextManager["App"]):  # type: ignore[type-arg]  # plain response
    """The WSGI application. Close it after use, or use it in a ``with`` statement.

    A server that is stopping sets ``acare.stopping`` in the WSGI environ, which ``/readyz`` reports.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], int] = time.monotonic_ns,
        access_log: Callable[[AccessRecord], None] = log_access,
        identify: Identify | None = None,
    ) -> None:
        _check(settings, identify)
        Services.__init__(self, settings, clock)
        self._access_log = access_log
        falcon.App.__init__(
            self,
            middleware=[  # in the order in which requests pass it; responses pass it in reverse
                AccessLog(access_log),
                IdentifyCaller(self, identify),
                middleware.SecurityHeaders(),
                middleware.Cors(settings),
                LimitRate(settings, clock),
                middleware.ReadBody(),
                middleware.RequireKey(),
                middleware.CsrfProtection(),
                middleware.RequireRight(),
                LimitSlowRequests(),
            ],
            request_type=Request,
            router=Router(self),
        )
        self.add_error_handler(Exception, envelope.answer_defect)
        self.add_error_handler(falcon.HTTPError, envelope.answer_http_error)
        self.add_error_handler(AcareError, envelope.answer_error)

    def caller(self, email: str) -> Caller:
        """The caller that ``clients`` takes for this user. Refused if unknown or disabled."""
        if (caller := self.callers.with_email(email)) is None:
            raise Refused(f"the user {email} does not exist or is disabled")
        return caller

    def refuse(self, address: str, status: int, reason: str) -> envelope.Refusal:
        """The answer to a request that a server has refused, and its line in the access log."""
        request_id = new_request_id()
        self._access_log(AccessRecord(address, "-", "-", status, 0.0, "-", request_id))
        return envelope.refuse(request_id, status, reason)

    def close(self) -> None:
        """Close the database. Later requests fail."""
        self.database.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def _check(settings: Settings, identify: Identify | None) -> None:
    """SettingError for settings that cannot be combined with ``identify``."""
    if identify is not None and "*" in settings.cors_origin:
        raise SettingError("cors_origin '*' cannot be combined with identify: name the origins")


def create_app(
    *,
    clock: Callable[[], int] = time.monotonic_ns,
    access_log: Callable[[AccessRecord], None] = log_access,
    identify: Identify | None = None,
    **options: object,
) -> App:
    """A WSGI app for one database file: ``create_app(database="clients.db", rate_limit="off")``.

    The options are the settings of ``acare serve`` by name (see ``acare.config``); the environment is not
    read. ``clock`` returns nanoseconds, for the rate limit and /readyz. ``access_log`` receives each line
    of the access log; by default it goes to the logger ``acare.access``. ``identify`` names the user
    behind a request without a key, so that users who are signed in to the embedding app need no key. Raises
    SettingError for an invalid setting and DatabaseRefused for a file that acare cannot open.
    """
    return App(Settings.from_options(options), clock, access_log, identify)
