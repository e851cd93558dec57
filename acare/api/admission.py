"""What a request costs, by a pattern, and how many slow requests a caller may have at a time."""

import re
import threading
from typing import Literal

import falcon

from acare.api.request import Request
from acare.errors import Refused

#: Slow requests of a caller in progress. One runs, and the others wait for it.
MAX_SLOW = 4

# A list is quick if an index has its order and filters, and it ends after few clients: SQLite walks the index
# up to the page, less than 10,000 rows here.
_FILTER = r"page=[1-3]?\d{1,2}|limit=(?:1?\d|2[0-5])|client_type=\w+|status=\w+|user_id=[0-9a-f-]{36}"
_QUICK = re.compile(
    r"(?:GET|HEAD) /*(?:(?:v1/clients/[^/?]+|v1/users/me|healthz|openapi\.json|web/[^/?]*)?\?.{0,500}"
    rf"|v1/clients\?(?:(?:{_FILTER})(?:&|\Z)){{0,5}})"
)
_SLOW = re.compile(
    r"(?:GET|HEAD) /*v1/(?:clients|clients\.csv|clients/[^/?]+/history|changes|users|keys)\?"
    r"|POST /*v1/users/[^/?]+/handover\?"
)


def cost(method: str, path: str, query: str) -> Literal["quick", "slow", "other"]:
    """A "quick" request has a short answer, takes a few milliseconds and does not wait for the disk."""
    line = f"{method} {path}?{query}"
    if _QUICK.fullmatch(line):
        return "quick"
    return "slow" if _SLOW.match(line) else "other"


class _Caller:
    """The slow requests of a caller."""

    def __init__(self) -> None:
        self.number = 0
        self.running = threading.Lock()


class LimitSlowRequests:
    """Refuses a caller's next slow request while MAX_SLOW are in progress, and runs one at a time."""

    def __init__(self) -> None:
        self._callers: dict[str, _Caller] = {}
        self._lock = threading.Lock()  # guards _callers

    def process_resource(self, req: Request, resp: falcon.Response, *_: object) -> None:
        if cost(req.method, req.env["PATH_INFO"], req.env.get("QUERY_STRING", "")) != "slow":
            return
        with self._lock:
            slow = self._callers.setdefault(req.caller.user_id, _Caller())
            if slow.number == MAX_SLOW:
                message = f"You have {MAX_SLOW} slow requests in progress. Try again when one is answered."
                raise Refused(message, "RATE_LIMIT_EXCEEDED", {"retryAfter": 1}, {"Retry-After": "1"})
            slow.number += 1
        slow.running.acquire()
        req.context.slow = slow

    def process_response(self, req: Request, *_: object) -> None:
        if (slow := req.context.slow) is None:
            return
        slow.running.release()
        with self._lock:
            slow.number -= 1
