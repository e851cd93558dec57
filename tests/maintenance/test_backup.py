"""Backups: copies that are verified, those that are refused, and restoring one."""

import errno
import hashlib
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import pytest
from support.client import Api
from support.data import JORDAN
from support.files import edit, file_size_limit, listing, query
from support.http import HttpCaller
from support.sockets import wait_for
from support.threads import Call

import acare
from acare.auth import operator_for
from acare.cli import main
from acare.database import copying
from acare.database.schema import SCHEMA_VERSION
from acare.errors import DatabaseRefused
from acare.fields import validate_create
from acare.maintenance.backup import back_up, checksum_file, verify
from acare.maintenance.restore import restore

PAGE = 4096
SCOPES = {"all": ["read", "write"]}


class Printed(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys, path):
    """Runs the command on the database at ``path``: its exit code and what it printed."""

    def run_it(command, *arguments, database=path):
        where = [] if command == "verify" else ["--database", str(database)]
        code = main([command, *map(str, arguments), *where])
        return Printed(code, *capsys.readouterr())

    return run_it


@pytest.fixture
def folder(tmp_path):
    """Where backups go; it is not there yet."""
    return tmp_path / "backups"


class Content(NamedTuple):
    closed: bytes  # a database that was closed
    killed: bytes  # one whose server was killed
    log: bytes  # which is in the log beside it


@cache
def content(*names):
    """The bytes of a database with a client of each first name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "acare.db"
        with acare.create_app(database=path, rate_limit="off") as app:
            add(app, *names)
            killed, log = path.read_bytes(), path.with_name("acare.db-wal").read_bytes()
        return Content(path.read_bytes(), killed, log)


def add(app, *names):
    user = app.keys.create("ana@example.com", SCOPES).user_id
    for name in names:
        app.clients.create(operator_for(user), validate_create({**JORDAN, "first_name": name}))


def fill(path, *names):
    """Make a database with a client of each first name."""
    path.write_bytes(content(*names).closed)


def leave_log(path, *names):
    """What a server that was killed leaves: a database whose clients are still in its log."""
    path.write_bytes(content(*names).killed)
    path.with_name(f"{path.name}-wal").write_bytes(content(*names).log)


def names(path):
    """The first names of the clients in a file, in the order of their creation."""
    return [name for (name,) in query(path, "SELECT first_name FROM clients ORDER BY seq")]


def assert_refused(printed):
    """Exit code 1, and one line on stderr."""
    assert (printed.code, printed.out) == (1, "")
    assert re.fullmatch(r"acare: [^\n]+\n", printed.err)


def sign(path):
    """Write the right checksum beside a file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    checksum_file(path).write_text(f"{digest}  {path.name}\n")


# --- creating one


def test_a_backup_is_a_private_file_with_its_checksum(path, folder):
    """In the format that sha256sum reads, in folders that are created, and without a log."""
    fill(path, "Ana", "Bea")
    before, inside = path.read_bytes(), listing(path.parent)
    earliest = datetime.now(UTC)
    backup = back_up(path, folder / "of" / "today")
    stamps = [f"acare-{moment:%Y%m%dT%H%M%S}" for moment in (earliest, datetime.now(UTC))]
    digest = hashlib.sha256(backup.read_bytes()).hexdigest()
    assert names(backup) == ["Ana", "Bea"]
    assert backup.read_bytes()[18:20] == b"\1\1"  # not WAL (sqlite.org/fileformat.html, 1.3.3)
    assert re.sub(r"\.\d{3}Z\.db$", "", backup.name) in stamps
    assert listing(backup.parent) == [backup.name, f"{backup.name}.sha256"]
    assert checksum_file(backup).read_text() == f"{digest}  {backup.name}\n"
    assert {stat.S_IMODE(each.stat().st_mode) for each in backup.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(backup.parent.stat().st_mode) == 0o700
    shutil.rmtree(folder)
    assert (path.read_bytes(), listing(path.parent)) == (before, inside)  # the database is unchanged


@pytest.mark.parametrize("folder", [None, "mine"])
def test_the_command_prints_where_the_backup_is(run, path, tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    fill(path)
    printed = run("backup", *([folder] if folder else []))
    assert (printed.code, printed.err) == (0, "")
    assert Path(printed.out.strip()).parent == Path(folder or "backups")
    assert verify(Path(printed.out.strip())) == 0


def test_two_backups_in_one_second_have_different_names(path, folder):
    fill(path, "Ana")
    assert [verify(backup) for backup in {back_up(path, folder) for _ in range(3)}] == [1, 1, 1]


@pytest.mark.parametrize("name", ["agência.db", "naïve 客户.db", "a b?c#d%20.db", "[a]*.db", "acare"])
def test_a_database_of_any_name_can_be_backed_up_and_restored(tmp_path, folder, name):
    path = tmp_path / name
    fill(path, "Ana")
    backup = back_up(path, folder)
    restore(backup, path)
    assert (verify(backup), names(path)) == (1, ["Ana"])


def test_a_backup_has_what_a_killed_server_left_in_the_log(path, folder):
    leave_log(path, "Ana", "Bea")
    assert names(back_up(path, folder)) == ["Ana", "Bea"]


def test_a_database_behind_a_symbolic_link_is_backed_up(path, folder, tmp_path):
    (tmp_path / "disk").mkdir()
    fill(tmp_path / "disk" / "real.db", "Ana")
    path.symlink_to("disk/real.db")
    assert names(back_up(path, folder)) == ["Ana"]


def test_without_a_database_there_is_no_backup(run, path, folder):
    assert_refused(run("backup", folder))
    assert (path.exists(), listing(folder)) == (False, [])


@pytest.fixture
def synced(monkeypatch):
    """Each name that is given, with whether the file was on disk by then; and each folder that is synced."""
    happened, on_disk = [], set()
    fsync, replace = os.fsync, os.replace

    def note_fsync(handle):
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            happened.append("the folder")
        on_disk.add(status.st_ino)
        fsync(handle)

    def note_replace(source, target):
        happened.append((os.path.splitext(target)[1], os.stat(source).st_ino in on_disk))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    return happened


def test_a_backup_is_synced_before_it_is_renamed(path, folder, synced):
    fill(path)
    synced.clear()
    back_up(path, folder)
    # The folder is new: its own name is synced in its parent.
    assert synced == ["the folder", (".sha256", True), (".db", True), "the folder"]


class Meddling(sqlite3.Connection):
    """A connection after whose copying something happens to the copy."""

    script = ""

    def backup(self, target, **options):
        super().backup(target, **options)
        target.executescript(self.script)


BAD_COPIES = {
    "a client less": "DELETE FROM clients WHERE seq = (SELECT min(seq) FROM clients)",
    "no client": "UPDATE clients SET status = 'closed'; DELETE FROM clients",
    "a wrong total": "UPDATE client_totals SET total = total + 1",
    "clients without an owner": "PRAGMA foreign_keys = OFF; DELETE FROM users",
    "a newer schema": "PRAGMA user_version = 99",
}


@pytest.mark.parametrize("script", BAD_COPIES.values(), ids=BAD_COPIES)
def test_a_copy_that_differs_from_the_database_is_no_backup(path, folder, monkeypatch, script):
    fill(path, "Ana", "Bea")
    monkeypatch.setattr(Meddling, "script", script)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Meddling))
    with pytest.raises(DatabaseRefused):
        back_up(path, folder)
    assert listing(folder) == []


# --- while others write


def test_writers_do_not_wait_for_a_backup(path, folder, monkeypatch):
    """Between any two batches of pages a write goes through at once, and is not in the backup."""
    written = []

    class Batched(sqlite3.Connection):
        def backup(self, target, *, pages, progress):
            assert pages > 0
            super().backup(target, pages=5, progress=write_one)

    def write_one(status, remaining, total):
        if len(written) < 50:  # a copy that began anew with each write would never end
            add(app, f"Late {remaining}")
            written.append(remaining)

    with acare.create_app(database=path, rate_limit="off") as app:
        app.database.write(lambda connection: connection.execute("PRAGMA busy_timeout = 0").fetchall())
        add(app, "Ana", "Bea")
        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Batched))
        backup = back_up(path, folder)
    assert 3 < len(written) < 50
    assert names(backup) == ["Ana", "Bea"]
    assert len(names(path)) == 2 + len(written)


def test_a_backup_during_writes_is_a_snapshot(start, run, tmp_path, folder):
    server = start("--rate-limit", "off")
    answered, stop = [], threading.Event()

    def write():
        with closing(HttpCaller(server.url, server.key)) as caller:
            while not stop.is_set():
                answered.append(caller.create()["id"])

    writers = [Call(write) for _ in range(3)]
    moments = []
    try:
        for _ in range(4):
            enough = len(answered) + 5
            wait_for(lambda enough=enough: len(answered) >= enough)
            before = len(answered)
            printed = run("backup", folder, database=tmp_path / "served.db")
            moments.append((before, folder / printed.out.strip(), len(answered) + len(writers)))
    finally:
        stop.set()
        for writer in writers:
            writer.result()
    made = query(tmp_path / "served.db", "SELECT id FROM clients ORDER BY seq")
    for before, backup, after in moments:
        rows = query(backup, "SELECT id FROM clients ORDER BY seq")
        assert rows == made[: len(rows)]  # none is missing in between
        assert [(len(rows),)] == query(backup, "SELECT sum(total) FROM client_totals") == [(verify(backup),)]
        assert before <= len(rows) <= after  # each that was answered before is in it


# --- --keep


@pytest.mark.parametrize("keep", [2, None])
def test_keep_deletes_all_but_the_newest(run, path, folder, keep):
    fill(path)
    arguments = ["--keep", keep] if keep else []
    made = [Path(run("backup", folder, *arguments).out.strip()).name for _ in range(4)]
    assert listing(folder) == sorted(
        name + ending for name in made[-(keep or 4) :] for ending in ("", ".sha256")
    )


@pytest.mark.parametrize("name", ["acare.db", "[a].db", "a*.db", "agência.db"])
def test_the_backups_of_other_databases_are_kept(tmp_path, folder, name):
    others = []
    for other in ("acare-old.db", "acare-2.db", "bcare.db", "acare-20260715T143210.000Z.db"):
        fill(tmp_path / other)
        others.append(back_up(tmp_path / other, folder))
    fill(tmp_path / name)
    made = [back_up(tmp_path / name, folder, keep=1) for _ in range(3)]
    assert {each.name for each in folder.glob("*.db")} == {each.name for each in [*others, made[-1]]}


FOREIGN = """
    acare.db acare-Z.db acare-newest-Z.db acare-2026Z.db notes.txt .acare-20260715T143210.000Z.db
    acare-20260715T143210.000Z.db.gz acare-20260715T143210.000Z.db.sha256 acare-20260715T143210Z.db
    my-acare-20260715T143210.000Z.db acare-20260715T143210.000Z.db.schema-0.db
"""


def test_files_that_are_no_backups_are_kept(path, folder):
    fill(path)
    folder.mkdir()
    for name in FOREIGN.split():
        (folder / name).write_text("mine")
    made = [back_up(path, folder, keep=1) for _ in range(2)][-1]
    assert set(listing(folder)) == {*FOREIGN.split(), made.name, f"{made.name}.sha256"}


def test_the_new_backup_is_kept_if_the_clock_was_set_back(path, folder):
    fill(path)
    first = back_up(path, folder)
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y%m%dT%H%M%S}.000"
    later = folder / f"acare-{tomorrow}Z.db"
    os.replace(first, later)
    os.replace(checksum_file(first), checksum_file(later))
    assert back_up(path, folder, keep=1).exists()


def test_a_failed_backup_deletes_no_older_one(path, folder):
    fill(path)
    good = back_up(path, folder)
    edit(path, "INSERT INTO client_totals VALUES ('x', 'buyer', 'active', 1)")
    with pytest.raises(DatabaseRefused):
        back_up(path, folder, keep=1)
    assert listing(folder) == [good.name, f"{good.name}.sha256"]


# --- failures


@pytest.mark.parametrize("where", ["/proc", "/dev/null", "acare.db", "acare.db/below", "n" * 300])
def test_an_unwritable_folder_is_reported_in_one_line(run, path, tmp_path, where):
    fill(path)
    before = listing(tmp_path)
    assert_refused(run("backup", tmp_path / where))
    assert listing(tmp_path) == before


PARTS = [0, 0.05, 0.5, 0.99]


@pytest.mark.parametrize("part", PARTS)
def test_a_full_disk_is_reported_in_one_line_and_leaves_no_file(run, path, folder, part):
    fill(path, "Ana")
    with file_size_limit(int(path.stat().st_size * part)):
        assert_refused(run("backup", folder))
    assert listing(folder) == []


def failing(real, times):
    """A call that fails the last of so many times: there is no room."""
    calls = []

    def call(*arguments):
        calls.append(arguments)
        if len(calls) == times:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    return call


@pytest.mark.parametrize(("name", "times"), [("fsync", 1), ("fsync", 2), ("replace", 1), ("replace", 2)])
def test_a_disk_that_is_full_at_the_end_leaves_nothing(path, folder, run, monkeypatch, name, times):
    fill(path)
    monkeypatch.setattr(os, name, failing(getattr(os, name), times))
    assert_refused(run("backup", folder))
    assert listing(folder) == []


# --- interrupted at any moment

CUT_OFF = """
import os, shutil, sys
from pathlib import Path
from acare.maintenance.backup import back_up
from acare.maintenance.restore import restore
from acare.database.schema import SCHEMA_VERSION

template, where, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
step = 0
while True:
    folder = where / str(step)
    shutil.copytree(template, folder)
    child = os.fork()
    if child == 0:
        left = step

        def cut_off(event, arguments):
            global left
            if event in ("os.rename", "os.link", "os.remove", "os.mkdir", "os.truncate"):
                left -= 1
                if left < 0:
                    os._exit(9)

        sys.addaudithook(cut_off)
        if what == "restore":
            restore(next((folder / "backups").glob("*.db")), folder / "acare.db")
        else:
            back_up(folder / "acare.db", folder / "backups", keep=1)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    step += 1
"""


@pytest.fixture
def cut_off(tmp_path):
    """Backs up or restores in a copy of a folder, killed before the first change of a name, the second, …"""

    def run(template, what):
        where = tmp_path / "steps"
        where.mkdir()
        subprocess.run([sys.executable, "-c", textwrap.dedent(CUT_OFF), template, where, what], check=True)
        return sorted(where.iterdir(), key=lambda step: int(step.name))

    return run


@pytest.mark.parametrize("before", [0, 1])
def test_an_interrupted_backup_is_complete_or_absent(tmp_path, cut_off, before):
    """With one before it, that is deleted only when the new one is complete."""
    (tmp_path / "template").mkdir()
    fill(tmp_path / "template" / "acare.db", "Ana")
    for _ in range(before):
        back_up(tmp_path / "template" / "acare.db", tmp_path / "template" / "backups")
    steps = cut_off(tmp_path / "template", "backup")
    backups = [[verify(each) for each in step.glob("backups/*.db")] for step in steps]
    assert (backups[0], backups[-1], len(steps) > 3) == ([1] * before, [1], True)
    assert all(before <= len(found) <= before + 1 for found in backups)


def test_an_interrupted_restore_leaves_the_old_or_the_new(tmp_path, cut_off):
    template = tmp_path / "template"
    template.mkdir()
    fill(template / "acare.db", "New")
    back_up(template / "acare.db", template / "backups")
    (template / "acare.db").unlink()
    leave_log(template / "acare.db", "Old")
    steps = [names(step / "acare.db") for step in cut_off(template, "restore")]
    assert (steps[0], steps[-1]) == (["Old"], ["New"])
    assert steps == sorted(steps, reverse=True)


# --- verifying one


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """A backup of a few clients, for all to copy."""
    folder = tmp_path_factory.mktemp("intact")
    fill(folder / "acare.db", *(f"Client {n}" for n in range(20)))
    return back_up(folder / "acare.db", folder)


@pytest.fixture
def backup(intact, tmp_path):
    """A backup that a test may change."""
    backup = tmp_path / "mine" / intact.name
    backup.parent.mkdir()
    shutil.copyfile(intact, backup)
    shutil.copyfile(checksum_file(intact), checksum_file(backup))
    return backup


def test_verifying_an_intact_backup_changes_nothing(run, backup):
    """It may have been renamed."""
    renamed = backup.with_name("monday.db")
    backup.rename(renamed)
    checksum_file(backup).rename(checksum_file(renamed))
    before = renamed.read_bytes(), listing(renamed.parent)
    assert run("verify", renamed) == (0, f"{renamed}: OK, 20 clients\n", "")
    assert (renamed.read_bytes(), listing(renamed.parent)) == before


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_log_next_to_a_backup_is_not_applied_to_it(backup, path, ending):
    """Neither by verifying nor by restoring, whether that is refused or the log passed over."""
    before = backup.read_bytes()
    backup.with_name(backup.name + ending).write_bytes(content("Old").log)
    with suppress(DatabaseRefused):
        verify(backup)
    with suppress(DatabaseRefused):
        restore(backup, path)
        assert len(names(path)) == 20
    assert backup.read_bytes() == before


def flipped(path, offsets):
    """Each offset with one of its bits flipped for as long as the loop is there."""
    content = path.read_bytes()
    handle = os.open(path, os.O_WRONLY)
    try:
        for offset in offsets:
            os.pwrite(handle, bytes([content[offset] ^ 1 << offset % 8]), offset)
            yield offset
            os.pwrite(handle, content[offset : offset + 1], offset)
    finally:
        os.close(handle)


def is_intact(path, **options):
    with suppress(DatabaseRefused):
        verify(path, **options)
        return True
    return False


def test_a_flipped_bit_is_found_wherever_it_is(backup):
    size = backup.stat().st_size
    offsets = [*range(100), *range(101, size, 997), size - 1]
    assert [offset for offset in flipped(backup, offsets) if is_intact(backup)] == []
    assert verify(backup) == 20


def test_without_checksum_a_flipped_bit_never_crashes(backup):
    size = backup.stat().st_size
    offsets = [*range(100), *range(101, PAGE, 61), *range(PAGE, size, 797)]
    seen = [is_intact(backup, checksum=False) for _ in flipped(backup, offsets)]
    assert {True, False} == set(seen)


def page(content, number):
    return content[number * PAGE : (number + 1) * PAGE]


CORRUPTIONS = {
    "nothing": lambda content: b"",
    "half a header": lambda content: content[:50],
    "the first page alone": lambda content: page(content, 0),
    "half of it": lambda content: content[: len(content) // 2],
    "a byte less": lambda content: content[:-1],
    "a page less": lambda content: content[:-PAGE],
    "a page missing within": lambda content: content.replace(page(content, 2), b"", 1),
    "a page of zeros": lambda content: content.replace(page(content, 2), bytes(PAGE), 1),
    "a page twice": lambda content: content.replace(page(content, 2), page(content, 1), 1),
    "another name": lambda content: content.replace(b"Client 7", b"Client 8", 1),
    "a byte more": lambda content: content + b"\0",
    "a page more": lambda content: content + bytes(PAGE),
    "twice": lambda content: content + content,
    "a magic word and zeros": lambda content: content[:16] + bytes(len(content) - 16),
    "something else": lambda content: b"x" * len(content),
}

# What is beyond the last page, or within a text, only a checksum can tell.
NOT_STRUCTURE = {"another name", "a byte less", "a byte more", "a page more", "twice"}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupt_copy_is_refused_in_one_line(run, backup, name):
    backup.write_bytes(CORRUPTIONS[name](backup.read_bytes()))
    assert_refused(run("verify", backup))
    if name not in NOT_STRUCTURE:
        with pytest.raises(DatabaseRefused):
            verify(backup, checksum=False)


CHECKSUMS = {
    "none": lambda checksum: checksum.unlink(),
    "empty": lambda checksum: checksum.write_bytes(b""),
    "blank": lambda checksum: checksum.write_bytes(b"\n"),
    "no text": lambda checksum: checksum.write_bytes(b"\xff\xfe"),
    "the name alone": lambda checksum: checksum.write_text(checksum.stem),
    "wrong": lambda checksum: checksum.write_text(f"{'0' * 64}  {checksum.stem}\n"),
    "cut": lambda checksum: checksum.write_text(checksum.read_text()[1:]),
    "a folder": lambda checksum: (checksum.unlink(), checksum.mkdir()),
}


@pytest.mark.parametrize("spoil", CHECKSUMS.values(), ids=CHECKSUMS)
def test_a_backup_without_its_checksum_is_refused(run, backup, path, spoil):
    fill(path, "Old")
    spoil(checksum_file(backup))
    assert_refused(run("verify", backup))
    assert_refused(run("restore", backup))
    assert names(path) == ["Old"]


def test_a_backup_can_be_verified_without_its_checksum(run, backup):
    checksum_file(backup).unlink()
    assert "--no-checksum" in run("verify", backup).err
    assert run("verify", backup, "--no-checksum").code == 0


EDITS = {
    "a wrong total": "UPDATE client_totals SET total = total + 1",
    "no totals": "DELETE FROM client_totals",
    "a total without clients": "INSERT INTO client_totals VALUES ('x', 'buyer', 'active', 1)",
    "wrong totals with the right sum": (
        "UPDATE client_totals SET total = 1; INSERT INTO client_totals VALUES ('x', 'buyer', 'active', 19)"
    ),
    "text that is not UTF-8": "UPDATE client_totals SET client_type = CAST(x'ff' AS TEXT)",
    "clients without an owner": "PRAGMA foreign_keys = OFF; DELETE FROM users",
    "a version of 0": "PRAGMA ignore_check_constraints = ON; UPDATE clients SET version = 0",
    "a table less": "DROP TABLE client_totals",
    "unused pages": (
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'clients_by_status'"
    ),
    "an index of another column": (
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = ("
        "SELECT rootpage FROM sqlite_schema WHERE name = 'clients_by_type'"
        ") WHERE name = 'clients_by_status'"
    ),
    "a newer schema": f"PRAGMA user_version = {SCHEMA_VERSION + 1}",
    "another program": "PRAGMA application_id = 7",
}


@pytest.mark.parametrize("script", EDITS.values(), ids=EDITS)
def test_wrong_content_is_refused_despite_its_checksum(run, backup, path, tmp_path, script):
    edit(backup, script)
    sign(backup)
    fill(path, "Old")
    before = listing(tmp_path)
    assert_refused(run("verify", backup))
    assert_refused(run("restore", backup))
    assert (names(path), listing(tmp_path)) == (["Old"], before)


@pytest.mark.parametrize("name", ["nothing.db", "mine"])
def test_a_missing_file_or_a_folder_is_not_restored(run, backup, path, tmp_path, name):
    fill(path, "Old")
    assert_refused(run("restore", tmp_path / name))
    assert (names(path),) == (["Old"],)


def test_a_backup_that_changes_meanwhile_is_not_restored(backup, path, monkeypatch):
    def change_and_copy(source, target, report):
        backup.write_bytes(backup.read_bytes().replace(b"Client 7", b"Client 8"))
        return copying.copy_file(source, target, report)

    fill(path, "Old")
    monkeypatch.setattr("acare.maintenance.restore.copy_file", change_and_copy)
    with suppress(DatabaseRefused):
        restore(backup, path)
    assert names(path) == ["Old"]


# --- restoring one


def restored_name(printed):
    """The new name of the old database, as the command prints it."""
    return re.search(r"renamed to (/.*)\.\n", printed.out)[1]


def test_a_restore_keeps_the_old_database_and_the_backup(run, backup, path):
    leave_log(path, "Old", "In the log")
    path.chmod(0o600)
    backup.chmod(0o644)
    before = set(listing(path.parent))
    old = Path(restored_name(run("restore", backup)))
    assert (len(names(path)), names(old), verify(backup)) == (20, ["Old", "In the log"], 20)
    assert set(listing(path.parent)) == {*before, old.name} - {"acare.db-wal"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_restored_database_is_synced_before_its_rename(backup, path, synced):
    fill(path)
    synced.clear()
    restore(backup, path)
    assert synced == ["the folder", (".db", True), "the folder"]


def test_a_backup_is_restored_where_no_database_is(run, backup, path):
    printed = run("restore", backup)
    assert (printed.code, len(names(path))) == (0, 20)
    assert "before-restore" not in printed.out


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_logs_of_a_removed_database_are_not_applied(backup, path, ending):
    leave_log(path, "Old")
    os.replace(f"{path}-wal", f"{path}{ending}")
    path.unlink()
    with suppress(DatabaseRefused):  # this would do as well
        restore(backup, path)
        assert not os.path.exists(f"{path}{ending}")
        assert len(names(path)) == 20


def test_each_restore_keeps_the_database_before_it(backup, path):
    fill(path, "Old")
    kept = [restore(backup, path).old for _ in range(3)]
    assert [len(names(old)) for old in kept] == [1, 20, 20]


def test_a_restore_follows_a_symbolic_link(run, backup, path, tmp_path):
    (tmp_path / "disk").mkdir()
    fill(tmp_path / "disk" / "real.db", "Old")
    path.symlink_to("disk/real.db")
    old = restored_name(run("restore", backup))
    assert path.is_symlink()
    assert (len(names(tmp_path / "disk" / "real.db")), names(old)) == (20, ["Old"])


DAMAGES = {
    "nothing": lambda content: b"",
    "something else": lambda content: b"x" * len(content),
    "a page less": lambda content: content[:-PAGE],
    "a header alone": lambda content: content[:PAGE] + b"\xff" * (len(content) - PAGE),
    "half a header": lambda content: content[:50] + b"\xff" * 50 + content[100:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_database_is_replaced_and_kept_as_it_is(backup, path, damage):
    fill(path, "Old")
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    old = restore(backup, path).old
    assert (len(names(path)), old.read_bytes()) == (20, damaged)


def test_a_damaged_database_is_kept_with_what_was_in_its_log(backup, path):
    fill(path, "Old")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE users SET email = 'bob@example.com'")
        header, log = path.read_bytes()[:100], path.with_name("acare.db-wal").read_bytes()
    fill(path, "Old")
    path.write_bytes(b"x" * 100 + path.read_bytes()[100:])
    path.with_name("acare.db-wal").write_bytes(log)
    old = restore(backup, path).old
    old.write_bytes(header + old.read_bytes()[100:])
    assert query(old, "SELECT email FROM users") == [("bob@example.com",)]


def test_a_log_is_kept_though_its_database_was_emptied(backup, path):
    """SQLite deletes a log beside a file of no bytes; the clients may all be in it."""
    leave_log(path, "Old")
    path.write_bytes(b"")
    restore(backup, path)
    kept = [each for each in path.parent.glob("acare.db.*-wal") if each.read_bytes() == content("Old").log]
    assert (len(kept), len(names(path))) == (1, 20)


def answers(path, key):
    """What the API says of everything, but for the time at which it does."""
    with acare.create_app(database=path, rate_limit="off") as app:
        caller = Api(app, key)
        lists = [caller.get(f"/v1/clients{query}") for query in ("", "?limit=2&page=2", "?status=closed")]
        ids = [client["id"] for client in lists[0].json["data"]["clients"]]
        items = [caller.get(f"/v1/clients/{each}") for each in ids]
        return [answer.json["data"] for answer in lists + items]


def test_a_restored_database_gives_the_same_answers(path, folder):
    with acare.create_app(database=path, rate_limit="off") as app:
        caller = Api(app, app.keys.create("ana@example.com", SCOPES).key)
        created = [
            caller.create(first_name=name, tags=[name], budget_min=0.5) for name in ("Zoë", "客户", "C")
        ]
        caller.put(created[0]["id"], {"status": "closed", "notes": "a\nb"})
    before = answers(path, caller.key)
    backup = back_up(path, folder)
    with acare.create_app(database=path, rate_limit="off") as app:
        again = Api(app, caller.key)
        again.put(created[1]["id"], {"status": "closed"})
        again.delete(created[2]["id"])
        again.create()
    assert answers(path, caller.key) != before
    restore(backup, path)
    assert answers(path, caller.key) == before


# --- open databases


@pytest.mark.parametrize("what", ["app", "reader", "writer"])
def test_an_open_database_is_not_replaced(run, backup, path, what):
    fill(path, "Old")
    with closing(sqlite3.connect(path)) as other:
        if what == "app":
            other = acare.create_app(database=path, rate_limit="off")
        elif what == "reader":
            other.execute("BEGIN")
            other.execute("SELECT count(*) FROM clients").fetchall()
        else:
            other.execute("BEGIN IMMEDIATE")
        printed = run("restore", backup)
        other.close()
    assert_refused(printed)
    assert names(path) == ["Old"]


def test_a_database_that_a_server_serves_is_not_replaced(start, run, backup, tmp_path):
    server = start()
    with closing(HttpCaller(server.url, server.key)) as caller:
        client = caller.create()
        printed = run("restore", backup, database=tmp_path / "served.db")
        assert_refused(printed)
        assert f"(process {server.process.pid}); stop it first" in printed.err
        caller.create()
        assert (caller.get(client), caller.total()) == (client, 2)


@pytest.mark.parametrize("content", [b"x" * 100, b""], ids=["no header", "no bytes"])
def test_a_damaged_database_that_is_served_is_not_replaced(start, run, backup, tmp_path, content):
    """SQLite cannot tell that it is open, since it cannot read it at all."""
    start()
    served = tmp_path / "served.db"
    damaged = content and content + served.read_bytes()[100:]
    served.write_bytes(damaged)
    assert_refused(run("restore", backup, database=served))
    assert served.read_bytes() == damaged


def test_after_a_kill_the_old_database_is_kept_complete(start, run, backup, tmp_path):
    server = start()
    with closing(HttpCaller(server.url, server.key)) as caller:
        caller.create(first_name="Ana")
        caller.create(first_name="Bea")
    server.process.kill()
    server.process.wait()
    served = tmp_path / "served.db"
    assert served.with_name("served.db-wal").stat().st_size > 0
    old = restored_name(run("restore", backup, database=served))
    assert [each for each in listing(tmp_path) if each.endswith(("-wal", "-shm"))] == []
    assert (names(old), len(names(served))) == (["Ana", "Bea"], 20)


# --- a restore that fails


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "I/O error"), KeyboardInterrupt()], ids=["error", "Ctrl-C"]
)
@pytest.mark.parametrize("make", [fill, leave_log], ids=["closed", "killed"])
def test_an_interrupted_restore_leaves_the_old_database(backup, path, monkeypatch, make, error):
    make(path, "Old")
    before = set(listing(path.parent)) - {"acare.db-wal"}

    def replace(source, target):
        raise error

    monkeypatch.setattr(os, "replace", replace)
    with suppress(DatabaseRefused, KeyboardInterrupt):
        restore(backup, path)
    assert names(path) == ["Old"]
    assert set(listing(path.parent)) == before


def test_a_failed_restore_puts_the_log_back(backup, path, monkeypatch):
    leave_log(path, "Old")
    path.write_bytes(b"")  # so its log cannot be merged
    replace, wal = os.replace, path.with_name("acare.db-wal")
    before = listing(path.parent), path.read_bytes(), wal.read_bytes()

    def fail(source, target):
        if Path(target) == path:
            raise OSError(errno.EIO, "I/O error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(DatabaseRefused):
        restore(backup, path)
    assert (listing(path.parent), path.read_bytes(), wal.read_bytes()) == before


@pytest.mark.parametrize("part", PARTS)
def test_a_disk_too_full_for_a_restore_leaves_the_old_database(run, path, backup, part):
    fill(path, "Old")
    before = listing(path.parent)
    with file_size_limit(int(backup.stat().st_size * part)):
        assert_refused(run("restore", backup))
    assert (names(path), listing(path.parent)) == (["Old"], before)


def test_a_restore_into_a_missing_folder_is_refused(run, backup, tmp_path):
    assert_refused(run("restore", backup, database=tmp_path / "missing" / "acare.db"))
    assert "missing" not in listing(tmp_path)
