"""Machines with a systemd of their own, for the commands on the pages.

``unshare`` makes the namespaces of a machine, in which systemd is process 1. It has its own /etc, /opt and
/var/lib, which are in a folder. Needs root.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from support.sockets import wait_for

ROOT = Path(__file__).parents[2]
SCRIPT = "sh acare/cli/units/install.sh"

# The user acare may not see the Python that runs this.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOLDERS = """
mount --make-rprivate /
for name in etc mnt opt usr/local/bin usr/local/sbin var/lib; do mount --bind "$0/$name" "/$name"; done
"""
BOOT = f"""{FOLDERS}
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 none /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$2" && echo 0 >"/sys/fs/cgroup/$2/cgroup.procs" # others boot the same units
mount -t tmpfs none /run && mkdir /run/systemd
install -d -m 2755 -g systemd-journal /run/log/journal # as systemd-tmpfiles does
mount -t tmpfs none /dev/shm # may have the folders of this test, which RemoveIPC= would clear
exec env container=test SYSTEMD_LOG_TARGET=null SYSTEMD_UNIT_PATH=/etc/systemd/system \
    /lib/systemd/systemd --system --show-status=no --unit="$1"
"""
SENDMAIL = '#!/bin/sh\n{ echo "To: $1"; cat; } >>/var/lib/mails\n'


def shell(script, *arguments, prefix):
    """Runs a script, with the folder of the source as the current one. Returns what it prints."""
    line = [*prefix, "sh", "-euc", script, *arguments]
    env = {**os.environ, "PATH": PATH}
    ended = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def on(machine, script):
    """Runs a script on a machine that is not booted."""
    return shell(FOLDERS + script, machine, prefix=["unshare", "--mount"])


def make(folder):
    """Makes the folder of a machine without acare."""
    for name in ("mnt", "opt", "usr/local/bin", "usr/local/sbin", "var/lib"):
        (folder / name).mkdir(parents=True)
    subprocess.run(["cp", "-a", "/etc", folder], check=True)
    units = folder / "etc" / "systemd" / "system"
    shutil.rmtree(units)
    units.mkdir()
    for name in ("sysinit", "basic", "shutdown", "timers", "sockets", "network-online", "multi-user"):
        (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    with (units / "sysinit.target").open("a") as target:
        target.write("Wants=systemd-journald.service\nAfter=systemd-journald.service\n")
    for name in ("systemd-journald.service", "systemd-journald.socket", "caddy.service"):
        shutil.copy(f"/lib/systemd/system/{name}", units)
    (folder / "usr" / "local" / "sbin" / "apt").symlink_to("/bin/true")


def copy_of(installed, folder):
    """A copy of the machine. Its sendmail writes to /var/lib/mails."""
    folder.mkdir()
    subprocess.run(
        ["cp", "-a", *(installed / name for name in ("etc", "mnt", "usr", "var")), folder], check=True
    )
    (folder / "opt").symlink_to(installed / "opt")
    sendmail = folder / "usr" / "local" / "sbin" / "sendmail"
    sendmail.write_text(SENDMAIL)
    sendmail.chmod(0o755)
    (folder / "var" / "lib" / "mails").touch()
    (folder / "var" / "lib" / "mails").chmod(0o666)
    return folder


def units_of(machine):
    return machine / "etc" / "systemd" / "system"


def mails_of(machine):
    """The messages that the alarm has sent."""
    return (machine / "var" / "lib" / "mails").read_text()


@contextmanager
def booted(machine, unit="basic.target", namespaces=("--net",)):
    """Boots a machine with this unit. Yields a function that runs a script there and returns its output."""
    line = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", *namespaces]
    cgroup = f"acare-{os.getpid()}-{time.monotonic_ns()}"
    with subprocess.Popen([*line, "sh", "-c", BOOT, machine, unit, cgroup]) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            wait_for(children.read_text)
            pid = children.read_text().strip()
            wait_for(Path("/proc", pid, "root", "run/systemd/private").exists)
            enter = ["nsenter", "--target", pid, "--mount", "--pid", f"--wd={ROOT}"]
            yield lambda script: shell(script, prefix=enter)
        finally:
            os.kill(int(children.read_text()), signal.SIGKILL)
    leave = f"mount -t cgroup2 none /mnt && find /mnt/{cgroup} -depth -type d -delete"
    shell(leave, prefix=["unshare", "--mount"])


def own_program(machine, installed):
    """Gives the machine its own copy of the installed program, which others then do not share."""
    (machine / "opt").unlink()
    shutil.copytree(installed / "opt", machine / "opt", symlinks=True)


def subjects(machine):
    """The problems that the subjects of the mails name."""
    return re.findall(r"^Subject: acare on \S+: (?:/var/lib/acare/acare.db: )?(.*)", mails_of(machine), re.M)
