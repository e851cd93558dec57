"""Virtual environments for tests that need other packages."""

import subprocess
import sys
import venv


def environment(folder, *packages):
    """The folder of the commands of a new environment with these packages, and without a pip of its own."""
    venv.create(folder)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    subprocess.run([*pip, "install", "-q", "--no-compile", *packages], check=True, timeout=300)
    return folder / "bin"
