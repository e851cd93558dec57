"""Clients for tests that use the store without the API."""

from support.data import JORDAN

from acare.fields import validate_create


def new(**fields):
    """Jordan Lee but for ``fields``, as the store takes a client."""
    return validate_create({**JORDAN, **fields})
