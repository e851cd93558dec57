"""Clients for tests that use the store without the API."""

from support.data import JORDAN, UNKNOWN_ID

from acare.auth import operator_for
from acare.fields import validate_create

BROKER = operator_for(UNKNOWN_ID, "broker")


def new(**fields):
    """Jordan Lee but for ``fields``, as the store takes a client."""
    return validate_create({**JORDAN, **fields})
