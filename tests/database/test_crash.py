"""Killed at any moment, the server keeps what it has answered, and leaves no incomplete file.

A real ``acare serve`` takes writes from eight threads until SIGKILL, and is started again on the same file;
then what it finds there is held against what it had answered. ``ACARE_TEST_KILLS`` says how often.
"""

import functools
import http.client
import random
import shutil
import time
from contextlib import closing

import pytest
from support.clients import FILL, new
from support.crash import (
    ALWAYS_CHECKPOINT,
    FEWER_KILLS,
    KILLS,
    WRITERS,
    Writer,
    check,
    content,
    damage,
    purge_deleted,
    reading,
    write_until,
)
from support.server import begun, make_key, serving

import acare
from acare.auth import operator_for
from acare.errors import DatabaseRefused
from acare.maintenance import backup


@pytest.mark.parametrize(
    "before", ["", ALWAYS_CHECKPOINT], ids=["at any moment", "in the middle of a checkpoint"]
)
def test_a_killed_server_loses_no_acknowledged_write(tmp_path, before):
    database = tmp_path / "served.db"
    key = make_key(database)
    writers = [Writer(number, key) for number in range(WRITERS)]
    moments = random.Random(1)
    kills = 0
    while True:
        with serving(database, before=before) as (process, address):  # it finds its way in what is left
            findings = check(database, writers)
            purge_deleted(database)
            acknowledged = sum(writer.acknowledged for writer in writers)
            enough = kills >= KILLS and acknowledged > kills  # a busy machine needs more
            if findings or enough or kills == 3 * KILLS:
                break
            write_until(address, writers, moments.uniform(0.01, 0.3), process.kill)
            kills += 1
    print(f"\n{kills} kills, {acknowledged} writes acknowledged, {len(findings)} lost")
    assert findings == []
    assert acknowledged > kills


def test_a_kill_during_the_start_loses_no_write(tmp_path):
    database = tmp_path / "served.db"
    key = make_key(database)
    writers = [Writer(number, key) for number in range(WRITERS)]
    with serving(database) as (process, address):
        write_until(address, writers, 0.2, process.kill)
    moments = random.Random(2)
    for _ in range(FEWER_KILLS):
        with begun("serve", "--database", database, "--listen", "127.0.0.1:0") as process:
            time.sleep(moments.uniform(0, 0.04))
            process.kill()
    with serving(database):
        assert check(database, writers) == []


def test_a_file_cut_off_in_a_checkpoint_is_opened_with_its_log(tmp_path):
    intact, cut_off = tmp_path / "intact.db", tmp_path / "cut-off.db"
    with acare.create_app(database=intact) as app:
        user_id = app.keys.create("ana@example.com", {}).user_id
        for number in range(20):
            app.clients.create(operator_for(user_id), new(**content(f"client-{number}", 1)))
        for ending in ("", "-wal"):
            shutil.copy(f"{intact}{ending}", f"{cut_off}{ending}")
    with intact.open("rb") as checkpointed, cut_off.open("r+b") as begun:
        begun.write(checkpointed.read(4096))  # the first page, and then came the end
    with acare.create_app(database=cut_off) as app:
        assert app.clients.page(operator_for(user_id, "broker"), page=1, limit=1).total == 20


# --- a backup


def make_large(database):
    """Fill the file with so many clients that a backup takes a while."""
    with acare.create_app(database=database) as app:
        app.database.write(lambda connection: connection.execute(FILL, {"count": 3000, "notes": "0" * 4000}))


def everything(database):
    """All clients, as another program reads them."""
    with reading(database) as connection:
        return connection.execute("SELECT seq, json FROM clients ORDER BY seq").fetchall()


def is_accepted(path, *, checksum=True):
    try:
        backup.verify(path, checksum=checksum)
    except DatabaseRefused:
        return False
    return True


def assert_only_intact_backups(folder, *contents):
    """Every file named like a backup verifies, and every file that verifies has one of these contents."""
    files = list(folder.iterdir()) if folder.exists() else []
    unverified = [file.name for file in files if file.match("[!.]*.db") and not is_accepted(file)]
    accepted = [file for file in files if is_accepted(file, checksum=False)]
    assert unverified == []
    assert [file.name for file in accepted if everything(file) not in contents] == []


def test_a_killed_backup_leaves_no_file_that_looks_like_one(tmp_path):
    database, folder = tmp_path / "served.db", tmp_path / "backups"
    key = make_key(database)
    make_large(database)
    moments = random.Random(3)
    killed = 0
    with serving(database) as (_, address), closing(http.client.HTTPConnection(address)) as connection:
        writer = Writer(0, key)
        for number in range(FEWER_KILLS):
            with begun("backup", folder, "--database", database) as process:
                time.sleep(moments.uniform(0, 0.3))
                process.kill()
                killed += process.wait() != 0
            assert_only_intact_backups(folder, everything(database))
            shutil.rmtree(folder, ignore_errors=True)
            writer.create(functools.partial(writer.ask, connection), f"client-{number}")
    assert killed > 0
    assert damage(database) == []
    assert len(everything(database)) == 3000 + FEWER_KILLS
