"""Killed at any moment, the server keeps what it has answered, and leaves no incomplete file.

A real ``acare serve`` takes writes from eight threads until SIGKILL, and is started again on the same file;
then what it finds there is held against what it had answered. ``ACARE_TEST_KILLS`` says how often.
"""

import random
import sqlite3
import time
from contextlib import closing

import pytest
from support.crash import (
    ALWAYS_CHECKPOINT,
    FEWER_KILLS,
    KILLS,
    WRITERS,
    Writer,
    check,
    write_until,
)
from support.server import begun, make_key, serving


def purge_deleted(database):
    """Delete the history of deleted clients, as ``acare purge`` does, so that checks stay fast."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("DELETE FROM client_history WHERE client_id NOT IN (SELECT id FROM clients)")


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
