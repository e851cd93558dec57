"""Database files as another program sees them, and the folders that they are in."""

import resource
import sqlite3
from contextlib import closing, contextmanager


def edit(path, script):
    """Change a file as another program does, without acare's settings."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(script)


def query(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def contents(folder):
    """Each file in a folder with its bytes."""
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


def listing(folder):
    return sorted(each.name for each in folder.iterdir()) if folder.exists() else []


@contextmanager
def file_size_limit(size):
    """No file can grow beyond so many bytes, as when the disk is full or a quota is used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
