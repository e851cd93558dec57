"""``acare openapi``."""

from __future__ import annotations

import argparse
import json

from acare.api import openapi
from acare.cli.options import Commands
from acare.version import __version__


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("openapi", help="print the OpenAPI document")
    parser.add_argument("--prefix", metavar="PATH", default="", help="where the API is mounted")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    print(json.dumps(openapi.document(__version__, args.prefix), indent=2))
    return 0
