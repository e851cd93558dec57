"""The upgrade of 0.3.0 with two offices, and the way back: by the commands on the pages."""

import json
import re
import subprocess

import pytest
from support.data import JORDAN
from support.machine import ROOT, booted, make, units_of
from support.page import FENCE, examples, replaced

import acare

#: The commit of 0.3.0, and where its files are on the machine: without git, each version has its own folder.
BEFORE, SOURCE = "870b0939", "/mnt/before"
UPGRADE, DOWNGRADE = (
    re.sub(r"git [^&\n]+(&& |\n)", "", text) for text in examples("sh", "Installing a new version")
)
OFFICES = {"acare": 8080, "acare-north": 8081}
#: What is different for the other office on the way back.
NORTH = {
    ".service\n": "-north.service\n",
    "lib/acare": "lib/acare-north",
    "acare restore": "acare-north restore",
}
CLIENTS = 2000
SETTINGS = "ACARE_AGENCY=Example Homes\nACARE_KEEP_DAYS=730\n"
OVERRIDE = "[Service]\nIPAddressAllow=192.168.1.0/24\n"


def old_commands(machine, heading):
    """The first block of commands below a heading of the old page."""
    page = (machine / "mnt" / "before" / "acare" / "cli" / "docs" / "install.md").read_text()
    section = re.search(rf"^## {heading}.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)[0]
    return next(text for language, text in FENCE.findall(section) if language == "sh")


class Program:
    """A program of an office: what it remembers, and its requests."""

    def __init__(self, run, office, key):
        self._run, self._key = run, key
        self._url = f"127.0.0.1:{OFFICES[office]}/v1"
        self.client = self.call("POST", "/clients", JORDAN, "Idempotency-Key: 1")["data"]
        self.cursor = self.call("GET", "/changes?after=now")["data"]["meta"]["cursor"]
        self.call("PUT", f"/clients/{self.client['id']}", {"notes": "new", "version": 1})

    def call(self, method, path, body=None, header="X: y"):
        data = f"--data '{json.dumps(body)}' -H content-type:application/json" if body else ""
        line = f"curl -s -X {method} -H x-api-key:{self._key} -H '{header}' {data} '{self._url}{path}'"
        return json.loads(self._run(f"nsenter --net=/proc/1/ns/net {line}"))


def write_clients(file):
    rows = "".join(f"Ana {number},Silva,buyer,{'x' * 200}\n" for number in range(CLIENTS))
    file.write_text(f"first_name,last_name,client_type,notes\n{rows}")


def state(run, unit="acare.service"):
    """What systemd says about a unit: name of a property -> text."""
    return dict(line.split("=", 1) for line in run(f"systemctl show {unit}").splitlines() if "=" in line)


def exported(run):
    """The lines of the clients of both offices."""
    return [sorted(run(f"{office} export - 2>/dev/null").splitlines()) for office in OFFICES]


def contents(exports):
    """What both versions tell of each client: 0.3.0 gives all clients new versions in a restore."""
    return [[{**json.loads(line), "version": 0, "updated_at": ""} for line in lines] for lines in exports]


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory):
    """A machine with 0.3.0 and what it had before an upgrade with the page's command."""
    machine = tmp_path_factory.mktemp("upgraded") / "machine"
    make(machine)
    (machine / "mnt" / "before").mkdir()
    archive = subprocess.run(["git", "-C", ROOT, "archive", BEFORE], capture_output=True, check=True)
    subprocess.run(["tar", "-C", machine / "mnt" / "before", "-x"], input=archive.stdout, check=True)
    with booted(machine) as run:
        printed = [
            run(f"cd {SOURCE}\n{old_commands(machine, heading)}")
            for heading in ("A service", "Several offices")
        ]
        keys = [re.search("^[0-9a-f]{64}$", text, re.MULTILINE)[0] for text in printed]
        with (machine / "etc" / "acare.env").open("a") as settings:
            settings.write(SETTINGS)
        (units_of(machine) / "acare.service.d").mkdir()
        (units_of(machine) / "acare.service.d" / "override.conf").write_text(OVERRIDE)
        run("systemctl daemon-reload; systemctl restart acare.service")
        write_clients(machine / "var/lib/acare/clients.csv")
        run("acare import /var/lib/acare/clients.csv --user you@example.com")
        programs = [Program(run, office, key) for office, key in zip(OFFICES, keys, strict=True)]
        run("systemctl start acare-backup.service acare-north-backup.service")
        clients, process = exported(run), state(run)["MainPID"]
        run(UPGRADE)
        yield machine, run, programs, clients, process


def test_it_loses_nothing(upgraded):
    _, run, _, clients, _ = upgraded
    assert list(map(len, clients)) == [CLIENTS + 1, 1]
    assert exported(run) == clients


def test_programs_go_on(upgraded):
    """One that follows changes, one that repeats a request, and one that remembers versions."""
    _, _, programs, *_ = upgraded
    for program in programs:
        (change,) = program.call("GET", f"/changes?after={program.cursor}")["data"]["changes"]
        assert (change["id"], change["client"]["version"]) == (program.client["id"], 2)
        assert program.call("POST", "/clients", JORDAN, "Idempotency-Key: 1")["data"] == program.client
        path = f"/clients/{program.client['id']}"
        assert program.call("PUT", path, {"notes": "", "version": 1})["error"]["code"] == "VERSION_CONFLICT"
        assert program.call("PUT", path, {"notes": "new", "version": 2})["success"]


def test_the_new_version_runs_and_says_so(upgraded):
    _, run, *_, process = upgraded
    now = state(run)
    assert now["MainPID"] != process
    assert now["Description"] == f"acare {acare.__version__}, the Clients API (acare)"
    log = run("journalctl --quiet --output=cat --unit=acare.service")
    assert re.findall(r"^acare (\S+) serves", log, re.MULTILINE)[-1] == acare.__version__


def test_the_backup_and_the_check_pass(upgraded):
    _, run, *_ = upgraded
    for office in OFFICES:
        run(f"systemctl start {office}-backup.service && systemctl start {office}-check.service")
    assert "Purged " in run("journalctl --quiet --output=cat --unit=acare-backup.service")


def test_settings_and_changes_of_the_administrator_stay(upgraded):
    machine, run, *_ = upgraded
    assert SETTINGS in (machine / "etc" / "acare.env").read_text()
    assert [path.name for path in units_of(machine).glob("acare*.d/*")] == ["override.conf"]
    assert "192.168.1.0/24" in state(run)["IPAddressAllow"]


def test_the_way_back_serves_the_clients_with_the_old_version(upgraded):
    _, run, programs, clients, _ = upgraded
    for commands in (DOWNGRADE, replaced(DOWNGRADE, NORTH)):
        run(f"cd {SOURCE}\n{commands}")
    assert "acare 0.3.0 " in run("acare --version")
    assert contents(exported(run)) == contents(clients)
    for program in programs:  # they start again, as after any restore
        assert program.call("GET", f"/changes?after={program.cursor}")["error"]["code"] == "CURSOR_EXPIRED"
        assert program.call("PUT", f"/clients/{program.client['id']}", {"notes": "old"})["success"]


def test_after_the_way_back_the_backups_and_the_upgrade_go_on(upgraded):
    """The folders have backups of both versions, and those of the newer one were made before the way back."""
    _, run, *_ = upgraded
    clients = exported(run)
    backups = "systemctl start acare-backup.service acare-north-backup.service"
    run(f"{backups}\n{UPGRADE}\n{backups}")
    run("systemctl start acare-check.service && systemctl start acare-north-check.service")
    assert exported(run) == clients
