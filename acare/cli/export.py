"""``acare export``: all clients, as JSON lines or CSV."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from acare.cli.options import Commands, add_command, argument, open_database
from acare.database.temporary import temporary
from acare.errors import SettingError, UserError
from acare.importing.export import export, write_csv, write_json

_WRITERS = {"csv": write_csv, "jsonl": write_json}
_STDOUT = Path("-")


def add_to(commands: Commands) -> None:
    add_command(
        commands, "export", run, "export all clients as JSON lines or CSV",
        argument("file", metavar="FILE", nargs="?", type=Path, default=_STDOUT,
                 help="the file to write or replace (default: -, which is stdout)"),
        argument("--format", choices=_WRITERS,
                 help="the format (default: by the file's extension; jsonl for stdout)"),
        description="Write a consistent snapshot of all clients, even while a server runs.",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    form = args.format or ("jsonl" if args.file == _STDOUT else args.file.suffix.lower().removeprefix("."))
    if form not in _WRITERS:
        raise SettingError("--format", f"{args.file} does not end in .csv or .jsonl; use csv or jsonl")
    write = _WRITERS[form]
    with open_database(args, must_exist=True) as database:
        clients = export(database)
        if args.file == _STDOUT:
            file = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
            try:
                write(file, clients)
            finally:
                file.detach()
            return
        try:
            with _target(args.file) as path, path.open("w", encoding="utf-8", newline="") as target:
                write(target, clients)
        except OSError as error:
            raise UserError(f"{args.file}: not written: {error.strerror or error}") from None


@contextmanager
def _target(file: Path) -> Iterator[Path]:
    """The path to write: a new file that then replaces ``file``, or ``file`` if it is a device or a pipe.

    A symbolic link stays; its target is replaced.
    """
    if file.exists() and not file.is_file():
        yield file
        return
    target = Path(os.path.realpath(file))
    with temporary(target) as path:
        yield path
        os.replace(path, target)
