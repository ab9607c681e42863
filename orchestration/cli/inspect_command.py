"""`inspect`: runs and artifacts from ML Metadata; the package inspection implements its commands."""

import argparse
from typing import Any

from inspection import inspect_parser


def add(commands: Any) -> None:
    """Add the command to the parser."""
    inspect = commands.add_parser("inspect", help="list and show runs: inspect runs, inspect show RUN")
    inspect_parser.add_arguments(inspect)
    inspect.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from orchestration import lazy_packages

    lazy_packages.defer(lazy_packages.OF_STORE_READERS)
    return inspect_parser.run(arguments)
