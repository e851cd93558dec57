"""The fixtures of the database: a file with its stores, and a writer on a small file."""

from support.stores import bench, database, fail, keys, other, other_user, path, sql, store, user

__all__ = ["bench", "database", "fail", "keys", "other", "other_user", "path", "sql", "store", "user"]
