"""Clients for tests that use the store without the API."""

from support.data import JORDAN, UNKNOWN_ID

from acare.auth import operator_for
from acare.fields import validate_create

BROKER = operator_for(UNKNOWN_ID, "broker")

#: Many clients of each user, with ids that end in a number from 1.
FILL = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
INSERT INTO clients (
    id, user_id, first_name, last_name, client_type, status, preferred_locations, property_preferences,
    pre_approved, notes, tags, version, created_at, updated_at
)
SELECT
    printf('00000000-0000-4000-8000-%012d', n), users.id, 'n' || n, 'Lee', 'buyer', 'active', '[]', '{}',
    0, :notes, '[]', 1, '2026-07-15T14:32:10.000Z', '2026-07-15T14:32:10.000Z'
FROM numbers, users
"""


def new(**fields):
    """Jordan Lee but for ``fields``, as the store takes a client."""
    return validate_create({**JORDAN, **fields})
