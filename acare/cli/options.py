"""Flags out of the table of settings."""

from __future__ import annotations

import argparse
from collections.abc import Container

from acare.config import SETTINGS, Settings

Commands = argparse._SubParsersAction  # argparse has no public name for it


def add_flags(
    parser: argparse.ArgumentParser, *, without: Container[str] = (), only: Container[str] = ()
) -> None:
    """Give ``parser`` a flag for each setting, or for those named in ``only``."""
    for setting in SETTINGS:
        if setting.name in without or (only and setting.name not in only):
            continue
        parser.add_argument(
            setting.flag,
            dest=setting.name,
            metavar=setting.metavar,
            action="append" if setting.repeatable else "store",
            help=f"{setting.help} [{setting.variable}]",
        )


def read_settings(args: argparse.Namespace, **fixed: object) -> Settings:
    """The settings that the flags, the environment and ``fixed`` make."""
    given = {setting.name: getattr(args, setting.name, None) for setting in SETTINGS}
    return Settings.read({**given, **fixed})
