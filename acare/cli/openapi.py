"""``acare openapi``."""

from __future__ import annotations

import argparse
import json
import re

from acare.api import openapi
from acare.cli.options import Commands
from acare.version import __version__


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("openapi", help="print the OpenAPI document")
    parser.add_argument("--prefix", metavar="PATH", type=_prefix, default="", help="where the API is mounted")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    print(json.dumps(openapi.document(__version__, args.prefix), indent=2))
    return 0


def _prefix(text: str) -> str:
    if text and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a path, like /crm")
    return text
