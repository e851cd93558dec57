"""The commands for systemd in acare/cli/docs, as they stand there, on machines of their own."""

import re
import shutil
import socket

import pytest
from support.machine import ROOT, SCRIPT, booted, copy_of, mails_of, on, own_program, units_of
from support.page import PAGE, examples, replaced
from support.sockets import free_port, wait_for

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
ENABLED = "acare.service acare-backup.timer acare-check.timer"
LEAVE, ARRIVE = examples("sh", "Moving to another machine")
(UNINSTALL,) = examples("sh", "Uninstalling")
(LITESTREAM,) = examples("yaml", "Replication")
(STAND_BY,) = examples("sh", "Another machine")
GET_SIGN_IN, START_SIGN_IN = examples("sh", "Sign-in by a proxy")
RESTORE, _ = examples("sh", "Restoring a backup")

CURL = """nsenter --net=/proc/1/ns/net curl -sk --resolve crm.example:443:127.0.0.1 \
    --header accept:text/html --header x-forwarded-prefix:/forged"""
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
    assert "No alarm is configured yet" in printed
    assert are_active(run, ENABLED)


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


@pytest.fixture(scope="module")
def north(started):
    """What the commands for another office print."""
    return started[2](NORTH)


def test_another_office_has_its_own_service_users_and_alarm(started, north):
    folder, _, run = started
    assert re.search("^[0-9a-f]{64}$", north, re.MULTILINE)
    assert are_active(run, ENABLED.replace("acare", "acare-north"))
    assert run("acare-north user list | cut -d ' ' -f 1") == "email\nyou@example.com\n"
    run("systemctl start acare-north-check.service")  # of the first backup, too
    assert len(list((folder / "var/lib/acare-north-backups").glob("*.db"))) == 1
    run("acare user add south@example.com --role agent")
    assert "south@example.com" not in run("acare-north user list")


@pytest.mark.usefixtures("north")
def test_an_office_on_the_port_of_another_fails_to_start_and_its_check_too(started):
    folder, _, run = started
    settings = folder / "etc" / "acare-north.env"
    kept = settings.read_text()
    settings.write_text(replaced(kept, {":8081": ":8080"}))
    run("! systemctl restart acare-north.service; ! systemctl start acare-north-check.service")
    log = run("journalctl --quiet --output=cat --unit=acare-north.service --unit=acare-north-check.service")
    assert "cannot listen on 127.0.0.1:8080: Address already in use" in log
    assert "no process has the database open: http://127.0.0.1:8080 is another program," in log
    settings.write_text(kept)
    run("systemctl restart acare-north.service && systemctl start acare-north-check.service")


def test_offices_use_the_first_ones_alarm_unless_they_name_one(started):
    folder, _, run = started
    run("sh acare/cli/units/install.sh west 8083")
    trial = "systemctl start acare-west-alarm@test.service"
    run(f"cp -a /etc/acare-alarm /mnt; echo 'ALARM=sendmail first@example.com' >>/etc/acare-alarm; {trial}")
    run(
        f"cp -a /mnt/acare-alarm /etc; echo 'ALARM=sendmail own@example.com' >>/etc/acare-west-alarm; {trial}"
    )
    mailed = re.findall("^To: (.*)\nSubject: acare-west on ", mails_of(folder), re.MULTILINE)
    assert mailed == ["first@example.com", "own@example.com"]


def test_a_setting_makes_the_nightly_backup_purge(started):
    folder, _, run = started
    log = "journalctl --quiet --output=cat --unit=acare-backup.service"
    run("systemctl start acare-backup.service")
    assert "Purged" not in run(log)
    with (folder / "etc" / "acare.env").open("a") as settings:
        settings.write("ACARE_KEEP_DAYS=730\n")
    run("systemctl start acare-backup.service")
    assert "Purged 0 old versions" in run(log)
    assert run("acare purge") == "Purged 0 old versions.\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("north", "give none, or the name and the port"),
        ("North 8082", "the name 'North' must be a short word"),
        ("west 80", "the port '80' must be a number from 1024 to 65535"),
        ("west 8080", "the port in /etc/acare.env is 8080"),
    ],
)
def test_an_invalid_office_is_refused_before_anything_changes(installed, arguments, reason):
    printed = on(installed, f"! {SCRIPT} {arguments}")
    assert reason in printed
    assert "Nothing was changed." in printed


def test_an_office_on_the_port_of_another_program_is_refused_first(started):
    folder, _, run = started
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        printed = run(f"! {SCRIPT} east {port}")
    assert f"another program uses the port {port}; name another" in printed
    assert "Nothing was changed." in printed
    assert not (folder / "etc" / "acare-east.env").exists()
    run(f"{SCRIPT} east {free_port()}")
    assert are_active(run, ENABLED.replace("acare", "acare-east"))


STATUS = "nsenter --net=/proc/1/ns/net acare status"


def test_status_alone_checks_the_service(started):
    _, _, run = started
    assert "\nserver: ok " in run(STATUS)
    for problem, begin, end in (
        (
            "acare-check.timer is not enabled",
            "systemctl stop acare-check.timer",
            "systemctl start acare-check.timer",
        ),
        ("acare.service is not enabled", "systemctl stop acare.service", "systemctl start acare.service"),
        (
            "acare-backup.timer is not enabled",
            "systemctl disable acare-backup.timer",
            "systemctl enable acare-backup.timer",
        ),
        ("no alarm is configured", "mv /etc/acare-alarm /mnt", "mv /mnt/acare-alarm /etc"),
    ):
        assert problem in run(f"{begin}; ! {STATUS}; {end}")
    assert "\nserver: ok " in run(STATUS)


def test_a_disk_that_is_mounted_read_only_is_named(started):
    _, _, run = started
    disk = "/var/lib/acare"
    run(f"mount --bind {disk} {disk} && mount -o remount,bind,ro {disk}")
    checked, refused = run(f"! {STATUS}"), run("! acare erase --yes 00000000-0000-4000-8000-000000000000")
    run(f"umount {disk}")
    assert "writes: the disk is mounted read-only\n" in checked
    assert "acare.db: Read-only file system; the disk is mounted read-only\n" in refused


def test_an_earlier_systemd_gets_an_alarm_without_filters(machine):
    """Debian 12's takes them for NoNewPrivileges= too, with which no sendmail writes to its queue."""
    systemctl = machine / "usr" / "local" / "sbin" / "systemctl"
    systemctl.write_text("#!/bin/sh\necho 'systemd 252 (252.39-1~deb12u1)'\n")
    systemctl.chmod(0o755)
    on(machine, SCRIPT)
    assert (units_of(machine) / "acare-alarm@.service").read_text().endswith("\nProtectProc=invisible\n")


#: For each step that fails: what makes it fail, on a machine that is not booted.
STEPS = {
    "pip (see above). What ran still runs, but /opt/acare may be incomplete": "ln -sf /bin/false "
    "/opt/acare/bin/pip",
    "writing /etc/systemd/system/acare-check.service": "mkdir /etc/systemd/system/acare-check.service.new",
    "systemctl daemon-reload": "printf '#!/bin/sh\\n[ $1 != daemon-reload ]\\n' >/usr/local/sbin/systemctl",
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_is_named(machine, installed, step):
    own_program(machine, installed)
    on(machine, "printf '#!/bin/sh\\n' >/usr/local/sbin/systemctl && chmod +x /usr/local/sbin/systemctl")
    on(machine, STEPS[step])
    printed = on(machine, f"! {SCRIPT}")
    assert f"install.sh: FAILED: {step}. " in printed


def test_an_upgrade_restarts_only_what_runs(started):
    _, _, run = started
    process = "systemctl show --value --property=MainPID acare.service"
    before = run(process)
    run(f"systemctl stop acare-check.timer && {SCRIPT}")
    assert run(process) != before
    assert run("systemctl is-active acare-check.timer || true") == "inactive\n"


def test_the_program_of_an_earlier_python_is_made_anew(machine, installed):
    """As after an upgrade of Debian: python finds no packages in the environment."""
    own_program(machine, installed)
    on(machine, "ln -s /bin/true /usr/local/sbin/systemctl; cd /opt/acare/lib && mv python3* python3.1")
    assert "run install.sh again" in on(machine, "! acare status")
    on(machine, SCRIPT)
    assert on(machine, "/opt/acare/bin/acare --version").startswith("acare ")


def test_the_commands_serve_the_api_with_tls(started):
    _, _, run = started
    run("install -d -o caddy /var/lib/caddy && systemctl start caddy.service")
    run(replaced(CADDY, {"{\n    reverse": "{\n    tls internal\n    reverse"}))
    wait_for(lambda: 'href="./web/' in run(f"{CURL} https://crm.example/ || true"), seconds=20)
    (root,) = re.findall("`(/var/lib/caddy/[^`]*)`", PAGE)
    run(f"{replaced(CURL, {'-sk': '-s'})} --cacert {root} https://crm.example/")


#: In place of the release of oauth2-proxy: a program that needs its settings.
RELEASE = r"""
mkdir -p /mnt/bin /mnt/oauth2-proxy
printf '#!/bin/sh\ntest $OAUTH2_PROXY_REDIRECT_URL && exec sleep 60\n' >/mnt/oauth2-proxy/oauth2-proxy
printf '#!/bin/sh\nexec tar -cz -C /mnt oauth2-proxy\n' >/mnt/bin/curl
chmod +x /mnt/oauth2-proxy/oauth2-proxy /mnt/bin/curl
"""


def test_the_commands_start_the_sign_in(started):
    folder, _, run = started
    settings = (folder / "etc" / "acare.env").read_text()
    run(f"{RELEASE}PATH=/mnt/bin:$PATH\n{GET_SIGN_IN}{START_SIGN_IN}")
    process = "/proc/$(systemctl show --value --property=MainPID oauth2-proxy.service)/comm"
    wait_for(lambda: run(f"cat {process} || true") == "sleep\n")
    assert are_active(run, "acare.service oauth2-proxy.service")
    me = run(f"{CURL} --header Remote-Email:you@example.com 127.0.0.1:8080/v1/users/me")
    assert '"you@example.com"' in me
    assert (folder / "etc" / "oauth2-proxy.env").stat().st_mode & 0o777 == 0o600
    (folder / "etc" / "acare.env").write_text(settings)
    run("systemctl restart acare.service; systemctl disable --now oauth2-proxy.service")


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
            assert (
                run(f"acare user list --database {database} | cut -d ' ' -f 1") == "email\nyou@example.com\n"
            )
        assert are_active(run, ENABLED)
        run(RESTORE)
        run(NORTH)
        of_north = ENABLED.replace("acare", "acare-north")
        remove = replaced(UNINSTALL, {"~/": "/mnt/"})
        assert "/etc/acare-north.env" in run("set +e\n" + remove)
        assert are_active(run, f"{ENABLED} {of_north}")
        run(replaced(remove, {"office=acare": "office=acare-north"}))
        assert are_active(run, ENABLED)
        run(remove)
        assert run("find /etc /opt /usr/local/sbin /usr/local/bin /var/lib -name 'acare*'") == ""


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
        key = re.search("^[0-9a-f]{64}$", run(START), re.MULTILINE)[0]
        feed = f"{CURL} --header x-api-key:{key} 127.0.0.1:8080/v1/changes?after="
        run("systemctl enable --now litestream.service")
        wait_for(lambda: list(machine.glob("mnt/replica/acare/ltx/0/*.ltx")), seconds=30)
        cursor = re.search('"cursor": ?"([^"]+)"', run(f"{feed}now"))[1]
        run(stop + "rm -r /var/lib/acare*")
        run(replaced(START, {"you@example.com": "other@example.com"}))  # the second machine
        run("".join(others))
        assert run("acare user list | cut -d ' ' -f 1") == "email\nyou@example.com\n"
        assert "CURSOR_EXPIRED" in run(feed + cursor)
        assert are_active(run, others[-2])
