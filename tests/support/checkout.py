"""The checkout that the tests are in."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "build", "dist", "*.egg-info")


def copy_checkout(folder: Path) -> Path:
    """Copy the checkout, without built and installed files, to a new folder."""
    shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)
    return folder
