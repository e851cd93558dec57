"""The systemd units in acare/cli/units: systemd accepts them, and runs the backup, the check and the alarm.

A systemd of its own runs them, as process 1 of a container that ``unshare`` makes. Needs root.
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.http import serving_with
from support.page import PAGE, examples, replaced
from support.server import make_key, serving
from support.sockets import wait_for

from acare.maintenance.backup import back_up

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "acare" / "cli" / "units"
#: The exposure that ``systemd-analyze security`` may report: 0 is best, without restrictions it is 9.6.
MAX_EXPOSURE = {"acare.service": 1.3, "acare-backup.service": 0.9, "acare-check.service": 1.3}

BOOT = """
mount --make-rprivate /
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run && mkdir /run/systemd
mount --bind "$1/lib" /var/lib
exec env container=test SYSTEMD_LOG_TARGET=null SYSTEMD_UNIT_PATH="$1/units" \
    /lib/systemd/systemd --system --show-status=no --unit="$2"
"""


@pytest.fixture
def units(tmp_path):
    """A folder with the units as the page installs them, but with this environment's program."""
    (folder := tmp_path / "units").mkdir()
    (commands,) = [text for text in examples("sh", "A service") if "cp -r" in text]
    paths = {
        "/etc/systemd/system": folder,
        "/opt/acare/lib/python3.*/site-packages/acare/cli/units": UNITS,
        "/etc/acare-alarm": tmp_path / "acare-alarm",
    }
    subprocess.run(["sh", "-eu", "-c", replaced(commands, paths)], check=True)
    program = str(Path(sys.executable).with_name("acare"))
    for path in folder.glob("*.service"):
        text = path.read_text().replace("/opt/acare/bin/acare", program)
        path.write_text(text.replace("/etc/acare-alarm", str(tmp_path / "acare-alarm")))
    return folder


def analyze(units, *arguments):
    return subprocess.run(
        ["systemd-analyze", *arguments],
        cwd=units,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.glob("*.*") if path.is_file()))
def test_a_unit_is_valid(units, name):
    ended = analyze(units, "verify", "--man=no", f"./{name.replace('@', '@acare-backup.service')}")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("name", MAX_EXPOSURE)
def test_a_service_is_restricted(units, name):
    ended = analyze(units, "security", "--offline=true", f"./{name}")
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", ended.stdout)[1]) <= MAX_EXPOSURE[name]


def test_the_pages_name_no_other_units():
    named = set(re.findall(r"\bacare[\w-]*@?(?:test)?\.(?:service|socket|timer)\b", PAGE))
    assert named - {"acare-alarm@test.service"} <= {path.name for path in UNITS.iterdir()}


# --- running them


@contextmanager
def systemd(units, unit):
    """A systemd that starts this unit, with ``lib`` next to the units as /var/lib.

    The services run as root, and see the program and the files of the test in spite of PrivateTmp and
    PrivateDevices.
    """
    for name in ("sysinit", "basic", "shutdown", "timers", "sockets"):
        (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    for path in units.glob("*.service"):
        path.write_text(path.read_text().replace("User=acare\n", ""))
    seen = f"[Service]\nBindPaths={sys.prefix} {ROOT} {units.parent}\n"
    (units / "acare.service.d" / "seen.conf").write_text(seen)
    namespace = ("unshare", "--mount", "--pid", "--fork", "--mount-proc")
    with subprocess.Popen([*namespace, "sh", "-c", BOOT, "sh", units.parent, unit]) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            yield
        finally:
            os.kill(int(children.read_text()), signal.SIGKILL)


@pytest.fixture
def lib(tmp_path):
    """The folder that is /var/lib for the units."""
    (tmp_path / "lib" / "acare").mkdir(parents=True)
    return tmp_path / "lib"


@pytest.fixture
def mails(tmp_path):
    """A file with the messages that the alarm has sent."""
    (sendmail := tmp_path / "sendmail").write_text(
        f'#!/bin/sh\n{{ echo "To: $1"; cat; }} >>{tmp_path}/mails\n'
    )
    sendmail.chmod(0o755)
    alarm = tmp_path / "acare-alarm"
    alarm.write_text(replaced(alarm.read_text(), {"sendmail": sendmail}))
    (tmp_path / "mails").touch()
    return tmp_path / "mails"


def test_a_backup_is_made_without_an_alarm(units, lib, mails):
    make_key(lib / "acare" / "acare.db")
    with systemd(units, "acare-backup.service"):
        wait_for(lambda: list(lib.glob("acare-backups/acare-*.db.sha256")), seconds=30)
        time.sleep(1)
    assert mails.read_text() == ""


def test_a_failing_backup_sends_a_mail_within_a_minute(units, lib, mails):
    with systemd(units, "acare-backup.service"):
        wait_for(lambda: mails.read_text().count("\n") > 2, seconds=60)
    to, subject, empty = mails.read_text().splitlines()[:3]
    assert (to, empty) == ("To: you@example.com", "")
    assert subject.startswith("Subject: acare-backup.service failed on ")


def test_an_alarm_calls_a_url(units, lib, tmp_path):
    posted = []

    def answer(request):
        posted.append(request.rfile.read(int(request.headers["Content-Length"])))
        request.send_response(204)
        request.end_headers()

    with serving_with(answer) as url:
        (tmp_path / "acare-alarm").write_text(f"ALARM=curl -fsS --data-binary @- {url}\n")
        with systemd(units, "acare-backup.service"):
            wait_for(lambda: posted, seconds=60)
    assert posted[0].startswith(b"Subject: acare-backup.service failed on ")


@pytest.fixture
def runs(units, tmp_path):
    """A file with the result of each run of the check, which a timer starts each second."""
    timer, check = units / "acare-check.timer", units / "acare-check.service"
    timer.write_text(replaced(timer.read_text(), {"*:0/15": "*:*:*\nAccuracySec=1ms"}))
    stop = f"ExecStopPost=/bin/sh -c 'echo $$SERVICE_RESULT >>{tmp_path}/runs'\n"
    check.write_text(replaced(check.read_text(), {"Nice=19\n": stop}))
    (tmp_path / "runs").touch()
    return tmp_path / "runs"


def test_a_check_that_keeps_failing_sends_one_alarm(units, mails, runs, lib):
    with systemd(units, "acare-check.timer"):
        wait_for(lambda: runs.read_text().startswith("exit-code\n" * 3), seconds=30)
    assert mails.read_text().count("Subject: acare-check.service failed") == 1


def test_a_check_of_a_healthy_server_sends_no_alarm(units, mails, runs, lib):
    database = lib / "acare" / "acare.db"
    make_key(database)
    back_up(database, lib / "acare-backups")
    with serving(database) as (_, address):
        check = units / "acare-check.service"
        check.write_text(replaced(check.read_text(), {"127.0.0.1:8080": address}))
        with systemd(units, "acare-check.timer"):
            wait_for(lambda: runs.read_text().startswith("success\n" * 2), seconds=30)
    assert mails.read_text() == ""
