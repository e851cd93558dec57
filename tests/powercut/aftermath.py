"""Checks the folder that a power cut left against what had been acknowledged."""

import copy
import json
import sqlite3
from pathlib import Path

from powercut.recording import Recording
from support.client import Api
from support.crash import Writer, check, content, damage, read_clients
from webtest import AppError

import acare
from acare.errors import AcareError
from acare.maintenance.status import damaged_logs

FAILURES = (
    AcareError,  # it does not open
    AppError,  # it does not answer
    AssertionError,
    sqlite3.Error,
    UnicodeDecodeError,
    json.JSONDecodeError,
)


def examine(recording: Recording, folder: Path, instant: int) -> list[str]:
    """Open what is left with acare: what is damaged, or lost of what was acknowledged by this instant."""
    database = folder / recording.database.name
    try:
        with acare.create_app(database=database, rate_limit="off") as app:
            findings = check(database, [_as_of(writer, instant) for writer in recording.writers])
            api = Api(app, recording.key)
            findings += [lost for writer in recording.writers for lost in _replay(api, writer, instant)]
            read_clients(database)  # still one of each name
        findings += damage(database)  # closed, with the writes of these checks
        findings += damaged_logs(database)  # a torn end of a log is not damage
    except FAILURES as error:
        return [f"{type(error).__name__}: {error}"]
    return findings


def _as_of(writer: Writer, instant: int) -> Writer:
    """The writer as it was at an instant."""
    past = copy.copy(writer)
    past.known = {name: known for at, name, known in writer.journal if at <= instant}
    return past


def _replay(api: Api, writer: Writer, instant: int) -> list[str]:
    """Repeat the creations that were made, or perhaps made, by then: none may create a second client."""
    journal = [(name, known) for at, name, known in writer.journal if at <= instant]
    answers = {name: known.record for name, known in journal if known.versions == frozenset({1})}
    expected = [(name, answers.get(name) or _create(api, name)) for name in dict(journal)]
    return [
        f"{name}: another answer to its idempotency key"
        for name, record in expected
        if _create(api, name) != record
    ]


def _create(api: Api, name: str) -> dict[str, object]:
    headers = {**api.headers, "Idempotency-Key": name}
    return api.web.post_json("/v1/clients", content(name, 1), headers=headers).json["data"]
