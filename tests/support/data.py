"""Clients that tests create, and values that tests compare with."""

import re

#: An id that no client has.
UNKNOWN_ID = "550e8400-e29b-41d4-a716-446655440000"

#: A timestamp as responses show it.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

#: Scopes that allow everything.
ALL_SCOPES = {"all": ["read", "write"]}

JORDAN = {"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}

#: Status of an error → its code in the contract.
CODES = {
    400: "VALIDATION_ERROR",
    401: "UnauthorizedError",
    403: "INSUFFICIENT_SCOPE",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "VERSION_CONFLICT",
    410: "CURSOR_EXPIRED",
    412: "PRECONDITION_FAILED",
    413: "CONTENT_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "IDEMPOTENCY_KEY_REUSED",
    429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}

# All fields, and another value for each.
ALL_FIELDS = {
    "first_name": "Jordan", "last_name": "Lee", "email": "jordan@example.com", "phone": "(661) 555-0142",
    "client_type": "buyer", "status": "active", "source": "web", "budget_min": 1, "budget_max": 100,
    "preferred_locations": ["a"], "property_preferences": {"bedrooms_min": 1}, "pre_approved": False,
    "pre_approval_amount": 5, "notes": "notes", "tags": ["a"],
}  # fmt: skip
OTHER = {
    "first_name": "Dana", "last_name": "Ray", "email": "dana@example.com", "phone": "2",
    "client_type": "both", "status": "closed", "source": "door", "budget_min": 2, "budget_max": 200.5,
    "preferred_locations": ["b"], "property_preferences": {"bedrooms_min": 2}, "pre_approved": True,
    "pre_approval_amount": 6, "notes": "others", "tags": ["a", "b"],
}  # fmt: skip
