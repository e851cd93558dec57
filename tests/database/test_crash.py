"""Killed at any moment, the server keeps what it has answered, and leaves no incomplete file.

A real ``acare serve`` takes writes from eight threads until SIGKILL, and is started again on the same file;
then what it finds there is compared with what it had answered. ``ACARE_TEST_KILLS`` says how often.
"""

import random
import subprocess
import time

from support.crash import ALWAYS_CHECKPOINT, KILLS, WRITERS, Writer, check, write_until
from support.server import command, make_key, serving


def test_a_killed_server_loses_no_acknowledged_write(tmp_path):
    """It is killed in the middle of a checkpoint, and again during the next start."""
    database = tmp_path / "served.db"
    key = make_key(database)
    writers = [Writer(number, key) for number in range(WRITERS)]
    moments = random.Random(1)
    begins = "import acare.cli; print('begins', flush=True)"
    start = command("serve", "--database", database, "--listen", "127.0.0.1:0", before=begins)
    kills = 0
    while True:
        with subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            process.stdout.readline()
            time.sleep(moments.uniform(0, 0.04))
            process.kill()
        with serving(database, before=ALWAYS_CHECKPOINT) as (process, address):
            findings = check(database, writers)
            acknowledged = sum(writer.acknowledged for writer in writers)
            enough = kills >= KILLS and acknowledged > kills  # a busy machine needs more
            if findings or enough or kills == 3 * KILLS:
                break
            write_until(address, writers, moments.uniform(0.01, 0.3), process.kill)
            kills += 1
    print(f"\n{kills} kills, {acknowledged} writes acknowledged, {len(findings)} lost")
    assert findings == []
    assert acknowledged > kills
