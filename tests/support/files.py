"""Database files as another program sees them, and the folders that they are in."""

import resource
import sqlite3
from contextlib import closing, contextmanager

from acare import search_terms
from acare.database.connection import add_functions


def edit(path, script):
    """Change a file without acare's settings, but with the function that its schema calls."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        add_functions(connection, {"search_words": search_terms.of_client})
        connection.executescript(script)


def query(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def contents(folder):
    """Each file in a folder with its bytes, except the index of a log, which SQLite makes from the log."""
    files = (entry for entry in folder.iterdir() if entry.is_file() and not entry.name.endswith("-shm"))
    return {file.name: file.read_bytes() for file in files}


def files_with(folder, text):
    """The names of the files that contain the text."""
    return [name for name, content in contents(folder).items() if text.encode() in content]


def listing(folder):
    return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []


@contextmanager
def write_lock(path):
    """While this lasts, another program may write and acare may not; its connection."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@contextmanager
def snapshot(path):
    """While this lasts, another program reads, and the log cannot start over."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        yield other


def leave_in_log(path, statement):
    """What a crash after the statement leaves: the file is as before, and the statement is in its log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)
        left = {file: file.read_bytes() for file in (path, path.with_name(f"{path.name}-wal"))}
    for each, content in left.items():
        each.write_bytes(content)
    return {each.name: content for each, content in left.items()}


@contextmanager
def file_size_limit(size):
    """No file can grow beyond so many bytes, as when the disk is full or a quota is used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
