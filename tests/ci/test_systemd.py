"""The commands for systemd in acare/cli/docs, as they stand there, on a machine of their own.

``unshare`` makes its namespaces, in which systemd is process 1. It has its own /etc, /opt and /var/lib. Needs
root and the network.
"""

import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.http import serving_with
from support.page import PAGE, examples, replaced
from support.sockets import wait_for

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "acare" / "cli" / "units"
#: The exposure that ``systemd-analyze security`` may report: 0 is best, without restrictions it is 9.6.
MAX_EXPOSURE = {
    "acare.service": 1.3,
    "acare-backup.service": 0.9,
    "acare-check.service": 1.3,
    "acare-alarm@test.service": 3.6,
}

INSTALL, ALARM, CADDY = examples("sh", "A service")
START = INSTALL + ALARM
(NORTH,) = examples("sh", "Several offices")
UPGRADE, DOWNGRADE = examples("sh", "Installing a new version")
SCRIPT = "sh acare/cli/units/install.sh"
ENABLED = "acare.service acare-backup.timer acare-check.timer"
LEAVE, ARRIVE = examples("sh", "Moving to another machine")
(UNINSTALL,) = examples("sh", "Uninstalling")
(LITESTREAM,) = examples("yaml", "Replication")
(STAND_BY,) = examples("sh", "Another machine")
RESTORE, _ = examples("sh", "Restoring a backup")

# The user acare may not see the Python that runs this.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOLDERS = """
mount --make-rprivate /
for name in etc mnt opt usr/local/bin usr/local/sbin var/lib; do mount --bind "$0/$name" "/$name"; done
"""
BOOT = f"""{FOLDERS}
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run && mkdir /run/systemd
install -d -m 2755 -g systemd-journal /run/log/journal # as systemd-tmpfiles does
mount -t tmpfs none /dev/shm # may have the folders of this test, which RemoveIPC= would clear
exec env container=test SYSTEMD_LOG_TARGET=null SYSTEMD_UNIT_PATH=/etc/systemd/system \
    /lib/systemd/systemd --system --show-status=no --unit="$1"
"""
CURL = """nsenter --net=/proc/1/ns/net curl -sk --resolve crm.example:443:127.0.0.1 \
    --header accept:text/html --header x-forwarded-prefix:/forged"""
SENDMAIL = '#!/bin/sh\n{ echo "To: $1"; cat; } >>/var/lib/mails\n'
LITESTREAM_UNIT = f"""
[Unit]
After=acare.service
[Service]
User=acare
ExecStart=/usr/local/sbin/litestream replicate
{re.search("`(ReadWritePaths=[^`]+)`", PAGE)[1].replace(chr(10), " ")}
[Install]
WantedBy=multi-user.target
"""


def shell(script, *arguments, prefix):
    """Runs a script, with the folder of the source as the current one. Returns what it prints."""
    line = [*prefix, "sh", "-euc", script, *arguments]
    env = {**os.environ, "PATH": PATH}
    ended = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def on(machine, script):
    """Runs a script on a machine that is not booted."""
    return shell(FOLDERS + script, machine, prefix=["unshare", "--mount"])


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The folder of a machine without acare."""
    folder = tmp_path_factory.mktemp("machine")
    for name in ("mnt", "opt", "usr/local/bin", "usr/local/sbin", "var/lib"):
        (folder / name).mkdir(parents=True)
    subprocess.run(["cp", "-a", "/etc", folder], check=True)
    units = folder / "etc" / "systemd" / "system"
    shutil.rmtree(units)
    units.mkdir()
    for name in ("sysinit", "basic", "shutdown", "timers", "sockets", "network-online", "multi-user"):
        (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    with (units / "sysinit.target").open("a") as target:
        target.write("Wants=systemd-journald.service\n")
    for name in ("systemd-journald.service", "systemd-journald.socket", "caddy.service"):
        shutil.copy(f"/lib/systemd/system/{name}", units)
    (folder / "usr" / "local" / "sbin" / "apt").symlink_to("/bin/true")
    return folder


@pytest.fixture(scope="module")
def installed(bare, tmp_path_factory):
    """The folder of a machine with the installed files, before its systemd has started anything.

    Later calls of the script there do not call pip, which takes seconds.
    """
    folder = tmp_path_factory.mktemp("installed") / "machine"
    subprocess.run(["cp", "-a", bare, folder], check=True)
    systemctl = folder / "usr" / "local" / "sbin" / "systemctl"
    systemctl.symlink_to("/bin/true")
    on(folder, SCRIPT)
    systemctl.unlink()
    pip = folder / "opt" / "acare" / "bin" / "pip"
    pip.rename(pip.with_name("real-pip"))
    pip.symlink_to("/bin/true")
    return folder


@pytest.fixture
def machine(installed, tmp_path):
    """A machine on which acare is installed."""
    return copy_of(installed, tmp_path / "machine")


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
    with subprocess.Popen([*line, "sh", "-c", BOOT, machine, unit]) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            wait_for(children.read_text)
            pid = children.read_text().strip()
            wait_for(Path("/proc", pid, "root", "run/systemd/private").exists)
            enter = ["nsenter", "--target", pid, "--mount", "--pid", f"--wd={ROOT}"]
            yield lambda script: shell(script, prefix=enter)
        finally:
            os.kill(int(children.read_text()), signal.SIGKILL)


# --- the units


@pytest.mark.parametrize(
    "name", sorted(path.name for path in UNITS.glob("acare*.*") if path.suffix != ".env")
)
def test_a_unit_is_valid(installed, name):
    unit = name.replace("@", "@acare-backup.service")
    assert on(installed, f"cd /etc/systemd/system && systemd-analyze verify --man=no ./{unit}") == ""


def test_the_pages_name_no_other_units():
    named = set(re.findall(r"\bacare[\w-]*@?(?:test)?\.(?:service|timer)\b", PAGE))
    assert named - {"acare-alarm@test.service"} <= {path.name for path in UNITS.iterdir()}


# --- the commands


def are_active(run, command):
    """Whether the units that a command names are active."""
    units = re.findall(r"[\w-]+\.(?:service|timer)", command)
    return run(f"systemctl is-active {' '.join(units)}") == "active\n" * len(units)


@pytest.fixture(scope="module")
def started(installed, tmp_path_factory):
    """A machine on which the commands have started acare, what they printed, and a function to run others."""
    folder = copy_of(installed, tmp_path_factory.mktemp("started") / "machine")
    with booted(folder) as run:
        yield folder, run(START), run


def test_the_commands_start_the_units_and_print_a_key(started):
    _, printed, run = started
    assert re.search("^[0-9a-f]{64}$", printed, re.MULTILINE)
    assert are_active(run, ENABLED)


def test_the_check_passes_and_the_only_alarm_is_the_trial(started):
    machine, _, run = started
    run("systemctl start acare-check.service")  # of the server, the database and the first backup
    assert mails_of(machine).startswith("To: you@example.com\nSubject: ")
    assert subjects(machine) == ["a trial"]


@pytest.mark.parametrize("name", MAX_EXPOSURE)
def test_a_service_is_restricted(started, name):
    _, _, run = started
    protects = "full" if "alarm" in name else "strict"
    assert run(f"systemctl show --value --property=ProtectSystem {name}") == f"{protects}\n"
    report = run(f"systemd-analyze security --no-pager {name}")
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", report)[1]) <= MAX_EXPOSURE[name]


def test_a_server_that_could_not_start_returns_when_it_can(started):
    folder, _, run = started
    settings = folder / "etc" / "acare.env"
    kept = settings.read_text()
    settings.write_text("ACARE_LISTEN=nowhere\n")
    for _ in range(6):  # by default, systemd gives up after 5 starts in 10 seconds
        run("! systemctl restart acare.service")  # which reports the failure
    settings.write_text(f"{kept}ACARE_AGENCY=Example Homes\n")
    wait_for(lambda: "<title>Clients · Example Homes" in run(f"{CURL} 127.0.0.1:8080 || true"), seconds=20)


def test_commands_run_as_the_user_of_the_service(started):
    _, _, run = started
    run("cd /var/lib/acare && acare backup backups --create-folder && acare verify backups/*.db")
    assert "Permission denied" in run("acare backup /opt || true")


def test_another_user_learns_how_to_run_commands(started):
    _, _, run = started
    line = "runuser -u nobody -- /opt/acare/bin/acare key list --database /var/lib/acare/acare.db || true"
    assert re.search("Permission denied; /var/lib/acare belongs to acare.*/usr/local/bin/acare", run(line))


def test_the_commands_serve_the_api_with_tls(started):
    _, _, run = started
    run("install -d -o caddy /var/lib/caddy && systemctl start caddy.service")
    run(replaced(CADDY, {"{\n    reverse": "{\n    tls internal\n    reverse"}))
    wait_for(lambda: 'href="./web/' in run(f"{CURL} https://crm.example/ || true"), seconds=20)


def test_the_commands_of_a_year_move_and_remove_the_service(machine, installed):
    own_program(machine, installed)
    with booted(machine) as run:
        run(START)
        run(LEAVE + "acare backup /var/lib/acare/moving")  # one of several, as in a copied backup folder
        run("rm /var/lib/acare/acare.db* /var/lib/acare-backups/*")
        run("systemctl stop acare.service")
        run(replaced(START, {"you@example.com": "other@example.com"}))  # the new machine
        run(ARRIVE)
        for database in ("/var/lib/acare/acare.db", '"$(ls /var/lib/acare-backups/*.db | tail -n 1)"'):
            assert run(f"acare user list --database {database} | cut -f 5") == "email\nyou@example.com\n"
        assert are_active(run, ENABLED)
        run(RESTORE)
        run(replaced(UNINSTALL, {"~/": "/mnt/"}))
        assert run("find /etc /opt /usr/local/sbin /usr/local/bin /var/lib -name 'acare*'") == ""


def own_program(machine, installed):
    """Gives the machine its own copy of the installed program, which others then do not share."""
    (machine / "opt").unlink()
    shutil.copytree(installed / "opt", machine / "opt", symlinks=True)


def test_a_failing_step_ends_a_removal(started):
    _, _, run = started
    process = "systemctl show --value --property=MainPID acare.service"
    before = run(process)
    run("set +e\n" + replaced(UNINSTALL, {"~/": "/missing/"}) + "true")
    assert run(process) == before


def test_only_root_reads_the_address_of_the_alarm(started):
    folder, _, _ = started
    assert (folder / "etc" / "acare-alarm").stat().st_mode & 0o777 == 0o600


def test_the_commands_move_the_service_to_another_machine(machine):
    shutil.copy(shutil.which("litestream"), machine / "usr" / "local" / "sbin")
    (machine / "etc" / "litestream.yml").write_text(LITESTREAM)
    (units_of(machine) / "litestream.service").write_text(LITESTREAM_UNIT)
    (units_of(machine) / "litestream.service.d").mkdir()
    shutil.copy(UNITS / "hardening.conf", units_of(machine) / "litestream.service.d")
    stop, *others = STAND_BY.splitlines(keepends=True)
    with booted(machine) as run:
        run("install -d -o acare /mnt/replica")
        run(START)
        run("systemctl enable --now litestream.service")
        wait_for(lambda: list(machine.glob("mnt/replica/acare/ltx/0/*.ltx")), seconds=30)
        run(stop)
        run("rm -r /var/lib/acare/* /var/lib/acare/.acare*")
        run("".join(others))
        assert "you@example.com" in run("acare key list")
        assert are_active(run, others[-1])


# --- the alarm


def subjects(machine):
    """The problems that the subjects of the mails name."""
    return re.findall(r"^Subject: acare on \S+: (?:/var/lib/acare/acare.db: )?(.*)", mails_of(machine), re.M)


def test_a_failing_backup_calls_a_url_with_the_reason(machine):
    posted = []

    def answer(request):
        posted.append(request.rfile.read(int(request.headers["Content-Length"])))
        request.send_response(204)
        request.end_headers()

    (program,) = re.findall("`(curl .*) https://alarms.example/acare`", PAGE)
    with serving_with(answer) as url:
        (machine / "etc" / "acare-alarm").write_text(f"ALARM={program} {url}\n")
        with booted(machine, "acare-backup.service", namespaces=()):
            wait_for(lambda: posted, seconds=60)
    assert re.match(b"Subject: acare on .*: (?:/.*: )?the database does not exist", posted[0])


CHECK = """
    systemctl reset-failed; systemctl start acare-check.service || true
    while systemctl list-jobs | grep -q alarm; do sleep 0.1; done
"""


def test_new_problems_are_sent_at_once_others_daily_and_their_end(machine):
    with booted(machine) as run:
        run(START + "systemctl start acare-alarm@test.service" + CHECK)
        run("rm /var/lib/acare-backups/*" + CHECK + CHECK)
        run("touch -d yesterday /var/lib/acare-alarm/sent" + CHECK)
        run("systemctl stop acare.service" + CHECK + CHECK)
        run("systemctl start acare.service acare-backup.service" + CHECK + CHECK)
        run("rm /var/lib/acare-backups/*; systemctl stop acare.service" + CHECK)
    none = "there is no backup in /var/lib/acare-backups"
    sent = [subject.partition(": GET")[0] for subject in subjects(machine)]
    assert sent == ["a trial", "a trial", none, none, "server", "over: server", "server"]
    assert "/readyz" not in re.sub("server: GET .*", "", mails_of(machine))  # no access lines
