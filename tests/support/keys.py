"""API keys, made as ``acare key create`` makes them."""

from types import SimpleNamespace

from acare.auth import OPERATOR
from acare.store import users


def new_key(keys, email, scopes, *, role="agent", caller=OPERATOR, **others):
    """A new key of a user, who is added if new: the key, and its entry in the list of keys."""
    with keys._database.read() as connection:
        user = users.find(connection, email)
    if user is None:
        user = users.UserStore(keys._database).add(email, role or "agent")
    key, listed = keys.create(caller, user_id=user.id, scopes=scopes, **others)
    return SimpleNamespace(key=key, **listed)
