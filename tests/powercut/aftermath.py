"""Checks the folder that a power cut left against what had been acknowledged."""

import copy
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

from powercut.recording import Recording, Step
from support.client import Api
from support.crash import GONE, Known, Writer, check, content, damage, gaps, read_clients, rows
from webtest import AppError

import acare
from acare.errors import AcareError, DatabaseRefused
from acare.maintenance import backup
from acare.maintenance.status import damaged_logs

FAILURES = (
    AcareError,  # it does not open
    AppError,  # it does not answer
    AssertionError,
    sqlite3.Error,
    UnicodeDecodeError,
    json.JSONDecodeError,
)

#: The backup that each step makes.
BACKUPS = {"backup": "backups/*.db", "migration": "*.schema-*.db"}

HISTORY = """
SELECT client_id, version, json, ended_at, deleted
FROM client_history
ORDER BY client_id, version
"""

# What is left of a client that was erased.
TRACES = """
SELECT id FROM clients
UNION ALL
SELECT client_id FROM client_history
UNION ALL
SELECT client_id FROM idempotency_keys
"""


def client_rows(database: Path) -> list[tuple[str]]:
    """All clients, to be compared with those of another file."""
    return rows(database, "SELECT json FROM clients ORDER BY seq")


def examine(recording: Recording, folder: Path, instant: int) -> list[str]:
    """Open what is left with acare: what is damaged, or lost of what was acknowledged by this instant."""
    database = folder / recording.database.name
    check_content = _check_clients
    if "restore" in recording.steps:
        check_content = _check_restored
    elif "rows" in recording.before:
        check_content = _check_unchanged
    try:
        with acare.create_app(database=database, rate_limit="off") as app:
            findings = check_content(recording, app, instant)
        findings += _check_backups(recording, folder, instant)
        findings += damage(database)  # closed, with the writes of these checks
        if not recording.failing_syncs:  # otherwise commits that were refused may be left behind the others
            findings += damaged_logs(database)  # a torn end of a log is not damage
    except FAILURES as error:
        return [f"{type(error).__name__}: {error}"]
    return findings


def _as_of(writer: Writer, begun: int, ended: int | None = None) -> Writer:
    """The writer at an instant or, with ``ended``, with every version that was possible until then."""
    past = copy.copy(writer)
    past.known = {}
    for instant, name, known in writer.journal:
        if instant <= begun:
            past.known[name] = known
        elif ended is not None and instant <= ended:
            earlier = past.known.get(name, Known())
            past.known[name] = replace(known, versions=known.versions | earlier.versions)
    return past


def _check_clients(recording: Recording, app: acare.App, instant: int) -> list[str]:
    database = app.database.path
    writers = [_as_of(writer, instant) for writer in recording.writers]
    findings = check(database, [_as_of(writer, instant) for writer in recording.writers])  # it changes them
    findings += _erased(database, writers)
    if recording.has_key(instant):
        api = Api(app, recording.key)
        api.get("/v1/clients")
        findings += [lost for writer in recording.writers for lost in _replay(api, writer, instant)]
        read_clients(database)  # still one of each name
    return findings


def _erased(database: Path, writers: list[Writer]) -> list[str]:
    traces = {client_id for (client_id,) in rows(database, TRACES)}
    erased = [known.record["id"] for writer in writers for known in writer.known.values() if known.erased]
    return [f"{client_id}: was erased, and is there" for client_id in erased if client_id in traces]


def _replay(api: Api, writer: Writer, instant: int) -> list[str]:
    """Repeat the creations that were made, or perhaps made, by then: none may create a second client."""
    known = _as_of(writer, instant).known
    answers = {
        name: each.record
        for at, name, each in writer.journal
        if at <= instant and each.versions == frozenset({1})
    }
    expected = [
        (name, answers.get(name) or _create(api, name))
        for name, each in known.items()
        if not each.erased and (name not in answers or len(each.versions) == 1)  # else it is being erased
    ]
    return [
        f"{name}: another answer to its idempotency key"
        for name, record in expected
        if _create(api, name) != record
    ]


def _create(api: Api, name: str) -> dict[str, object]:
    headers = {**api.headers, "Idempotency-Key": name}
    return api.web.post_json("/v1/clients", content(name, 1), headers=headers).json["data"]


def _check_restored(recording: Recording, app: acare.App, instant: int) -> list[str]:
    """The database is the old or the new one. When the command has finished, the old one is kept."""
    database = app.database.path
    old, new = recording.before["old"], recording.before["new"]
    findings = gaps(database)
    found = client_rows(database)
    is_done = recording.steps["restore"].is_done(instant)
    if found != new and (found != old or is_done):
        findings.append("the database is neither the old one nor the backup")
    kept = [path for path in database.parent.glob("*.before-restore-*") if not path.name.endswith("-shm")]
    if (is_done or found == new) and not any(client_rows(path) == old for path in kept):
        findings.append("the old database is not kept")
    return findings


def _check_unchanged(recording: Recording, app: acare.App, instant: int) -> list[str]:
    """All clients and versions are as they were before."""
    database = app.database.path
    Api(app, recording.key).get("/v1/clients")
    is_same = (client_rows(database), rows(database, HISTORY)) == recording.before["rows"]
    return [] if is_same else ["clients or versions are not as they were"]


def _check_backups(recording: Recording, folder: Path, instant: int) -> list[str]:
    """A backup that passes verification is correct, and a backup that was reported exists."""
    lost = []
    for name, pattern in BACKUPS.items():
        step = recording.steps.get(name)
        if step is None:
            continue
        accepted = [path for path in folder.glob(pattern) if _is_accepted(path)]
        if step.is_done(instant) and not accepted:
            lost.append(f"no {pattern}")
        lost += [wrong for path in accepted for wrong in _wrong_in(path, recording, step, instant)]
    return lost


def _is_accepted(path: Path) -> bool:
    try:
        backup.verify(path)
    except DatabaseRefused:
        return False
    return True


def _wrong_in(path: Path, recording: Recording, step: Step, instant: int) -> list[str]:
    """Clients in a backup that are not as they were at one instant while it was made."""
    found = read_clients(path) if recording.writers else {}  # others may have one name
    return [
        f"{path.name}: {name} is at {version} of {set(known.versions)}"
        for writer in recording.writers
        for name, known in _as_of(writer, step.begun, min(step.ended, instant)).known.items()
        if (version := found[name]["version"] if name in found else GONE) not in known.versions
    ]
