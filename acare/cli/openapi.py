"""``acare openapi``."""

from __future__ import annotations

import argparse
import re

from acare.api import openapi
from acare.cli.options import Commands, add_command
from acare.cli.output import print_json
from acare.version import __version__


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = add_command(commands, "openapi", run, "print the OpenAPI document", database=False)
    parser.add_argument("--prefix", metavar="PATH", type=_prefix, default="", help="where the API is mounted")


def run(args: argparse.Namespace) -> int:
    print_json(openapi.document(__version__, args.prefix))
    return 0


def _prefix(text: str) -> str:
    if text and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a path, like /crm")
    return text
