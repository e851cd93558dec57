"""The command that installs acare, in a folder (``DESTDIR``) in place of the machine."""

import subprocess
from pathlib import Path

import acare

INSTALL = Path(acare.__file__).parent / "cli" / "units" / "install.sh"


def test_the_default_port_is_taken_by_settings_without_one(tmp_path):
    """Those of 0.2.0 have none."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "acare.env").write_text("#ACARE_AGENCY=\n")
    command = ["sh", str(INSTALL), "west", "8080"]
    ended = subprocess.run(command, env={"DESTDIR": str(tmp_path)}, capture_output=True, text=True)
    assert (ended.returncode, "etc/acare.env is 8080" in ended.stderr) == (2, True)
    assert [each.name for each in tmp_path.rglob("*")] == ["etc", "acare.env"]
