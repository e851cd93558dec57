"""The fixtures of the stores."""

from support.stores import database, keys, other_user, path, sql, store, user

__all__ = ["database", "keys", "other_user", "path", "sql", "store", "user"]
