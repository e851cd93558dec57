"""The fixtures of the stores."""

from support.stores import client_lists, database, keys, other_user, path, sql, store, user

__all__ = ["client_lists", "database", "keys", "other_user", "path", "sql", "store", "user"]
