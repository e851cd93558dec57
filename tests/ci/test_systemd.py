"""The systemd units in acare/cli/docs/install.md."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.page import PAGE, examples

FOLDER = "/etc/systemd/system/"


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """A folder with the units of the page, with the path of this environment's program."""
    folder = tmp_path_factory.mktemp("units")
    for text in examples("ini"):
        first = text.partition("\n")[0]
        path = folder / first.removeprefix(f"# {FOLDER}")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("/opt/acare/bin/acare", str(Path(sys.executable).with_name("acare"))))
    (folder / "acare-backup.service.d").symlink_to("acare.service.d")
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


@pytest.mark.parametrize(
    "name", ["acare.socket", "acare.service", "acare-backup.service", "acare-backup.timer"]
)
def test_a_unit_is_valid(units, name):
    ended = analyze(units, "verify", "--man=no", f"./{name}")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("name", ["acare.service", "acare-backup.service"])
def test_the_score_is_as_good_as_documented(units, name):
    ended = analyze(units, "security", "--offline=true", f"./{name}")
    score = float(re.search(r"exposure level for \S+: ([\d.]+)", ended.stdout)[1])
    told = float(re.search(rf"`{name}` ([\d.]+\d)", PAGE)[1])
    assert score <= told + 0.3  # other versions of systemd may rate slightly differently
