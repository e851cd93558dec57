"""Fixtures: machines with systemd, and programs from npm."""

import subprocess

import pytest
from support.machine import SCRIPT, copy_of, make, on

PROGRAMS = (
    "@redocly/cli@2.77.0",
    "@stoplight/spectral-cli@6.16.3",
    "openapi-typescript@7.13.0",
    "typescript@5.9.3",
)


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """The folder of the commands of programs that read the OpenAPI document."""
    folder = tmp_path_factory.mktemp("programs")
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, *PROGRAMS]
    subprocess.run(npm, check=True, timeout=300)
    return folder / "node_modules" / ".bin"


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """The folder of a machine without acare."""
    folder = tmp_path_factory.mktemp("bare") / "machine"
    make(folder)
    return folder


@pytest.fixture(scope="session")
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
