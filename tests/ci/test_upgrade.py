"""Upgrades of 0.2.0, from the units of two versions and with the old server running, and the way back."""

import csv
import hashlib
import json
import re
import subprocess

import pytest
from support.machine import ROOT, booted, copy_of, on, own_program, units_of
from support.page import FENCE, examples, replaced

import acare

#: The version before, and one with the same commands whose page made the drop-in folders as symbolic links.
BEFORE, WITH_LINKS = "3b46be3c", "71e6642"
#: Without git: the sources are in folders of their own.
UPGRADE, DOWNGRADE = (
    re.sub(r"git [^&\n]+(&& |\n)", "", text) for text in examples("sh", "Installing a new version")
)
PACKAGE = "/opt/acare/lib/python3.*/site-packages/acare/cli/units"
CLIENTS = 2000
OVERRIDE = "[Service]\nIPAddressAllow=192.168.1.0/24\n"


def check_out(commit, folder):
    """Writes the files of a commit into a new folder."""
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit], capture_output=True, check=True)
    subprocess.run(["tar", "-C", folder, "-x"], input=archive.stdout, check=True)


@pytest.fixture(scope="module")
def before(bare, tmp_path_factory):
    """A machine with the program of 0.2.0, before its units, and the sources of both versions in /mnt."""
    folder = tmp_path_factory.mktemp("before") / "machine"
    subprocess.run(["cp", "-a", bare, folder], check=True)
    for commit in (BEFORE, WITH_LINKS):
        check_out(commit, folder / "mnt" / commit)
    install = commands(folder, BEFORE)[0]
    on(folder, replaced(install, {"pip install .": f"pip install /mnt/{BEFORE}"}))
    return folder


def commands(folder, commit):
    """The blocks of commands about the service on the old page."""
    page = (folder / "mnt" / commit / "acare" / "cli" / "docs" / "install.md").read_text()
    section = re.search(r"^## A service.*?(?=^## )", page, re.MULTILINE | re.DOTALL)[0]
    return [text for language, text in FENCE.findall(section) if language == "sh"]


def write_clients(file):
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["first_name", "last_name", "client_type", "notes"])
        rows.writerows([f"Ana {number}", "Silva", "buyer", "x" * 200] for number in range(CLIENTS))


def state(run, unit="acare.service"):
    """What systemd says about a unit: name of a property -> text."""
    return dict(line.split("=", 1) for line in run(f"systemctl show {unit}").splitlines() if "=" in line)


def exported(run):
    return sorted(run("acare export - 2>/dev/null").splitlines())


def digest(machine):
    """A hash of all that is installed, without what Python compiles."""
    found = hashlib.sha256()
    for path in sorted(path for part in ("etc", "opt", "usr") for path in (machine / part).rglob("*")):
        if path.suffix != ".pyc" and path.is_file():
            found.update(f"{path} {path.stat().st_mode}".encode() + path.read_bytes())
    return found.hexdigest()


@pytest.fixture(scope="module", params=[BEFORE, WITH_LINKS])
def upgraded(request, before, tmp_path_factory):
    """A machine with 0.2.0, its clients and its state, after an upgrade with the page's command."""
    machine = copy_of(before, tmp_path_factory.mktemp("upgraded") / "machine")
    own_program(machine, before)
    wrapper = machine / "usr" / "local" / "bin" / "acare"
    wrapper.write_text((ROOT / "acare/cli/units/acare").read_text().replace("@office@", "acare"))
    wrapper.chmod(0o755)
    old = f"/mnt/{request.param}/acare/cli/units" if request.param == WITH_LINKS else PACKAGE
    start = "".join(commands(machine, request.param)[1 : 3 if request.param == WITH_LINKS else 2])
    with booted(machine) as run:
        exists = "until [ -e /var/lib/acare/acare.db ]; do sleep 0.1; done\n"  # the page did not wait
        run(start.replace(PACKAGE, old).replace("runuser", f"{exists}runuser"))
        (units_of(machine) / "acare.service.d" / "override.conf").write_text(OVERRIDE)
        write_clients(machine / "var/lib/acare/clients.csv")
        run("systemctl daemon-reload && acare import /var/lib/acare/clients.csv --user you@example.com")
        clients, process = exported(run), state(run)["MainPID"]
        run(UPGRADE)
        yield machine, run, clients, process


def test_it_loses_nothing(upgraded):
    _, run, clients, _ = upgraded
    assert len(clients) == CLIENTS
    assert exported(run) == clients


def test_the_new_version_runs_and_says_so(upgraded):
    _, run, _, process = upgraded
    now = state(run)
    assert now["MainPID"] != process
    assert now["Description"] == f"acare {acare.__version__}, the Clients API (acare)"
    log = run("journalctl --quiet --output=cat --unit=acare.service")
    assert re.findall(r"^acare (\S+) serves", log, re.MULTILINE)[-1] == acare.__version__


def test_the_backup_and_the_check_pass(upgraded):
    _, run, *_ = upgraded
    run("systemctl start acare-backup.service && systemctl start acare-check.service")


def test_changes_of_the_administrator_stay_and_nothing_else(upgraded):
    machine, run, *_ = upgraded
    assert not [path for path in units_of(machine).glob("acare*.d") if path.is_symlink()]
    assert {path.name for path in units_of(machine).glob("acare*.d/*")} == {"override.conf"}
    for name in ("acare", "acare-backup", "acare-check"):
        assert state(run, f"{name}.service")["ProtectSystem"] == "strict"
    assert "192.168.1.0/24" in state(run)["IPAddressAllow"]


def test_a_second_time_changes_nothing(upgraded):
    machine, run, clients, _ = upgraded
    once = digest(machine)
    run(UPGRADE)
    assert digest(machine) == once
    assert exported(run) == clients


@pytest.mark.parametrize("upgraded", [BEFORE], indirect=True)
def test_the_way_back_serves_the_clients_with_the_old_version(upgraded):
    _, run, clients, _ = upgraded
    run(f"cd /mnt/{BEFORE}\n{replaced(DOWNGRADE, {'schema-5': 'schema-4'})}")  # that of 0.2.0
    assert "acare 0.2.0 " in run("acare --version")
    assert {json.loads(line)["id"] for line in exported(run)} == {json.loads(line)["id"] for line in clients}
    run("systemctl is-active acare.service")


@pytest.mark.parametrize("upgraded", [BEFORE], indirect=True)
def test_after_the_way_back_the_upgrade_and_the_backups_go_on(upgraded):
    """The folder has backups of both versions, and those of the newer one were made before the way back."""
    _, run, clients, _ = upgraded
    run("systemctl start acare-backup.service")  # of the old version
    run(UPGRADE)
    run("systemctl start acare-backup.service && systemctl start acare-check.service")
    assert {json.loads(line)["id"] for line in exported(run)} == {json.loads(line)["id"] for line in clients}
