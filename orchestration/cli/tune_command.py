"""`tune`: try the values of [tuner], up to the tuner's node."""

import argparse
from typing import Any

from orchestration.cli import local_command, options


def add(commands: Any) -> None:
    """Its place among the commands."""
    tune = commands.add_parser("tune", help="try the values of [tuner]: tune NAME")
    tune.add_argument("pipeline", metavar="NAME", help="configs/NAME.toml")
    tune.add_argument(
        "--trials",
        type=options.rows,
        metavar="N",
        help="most trials, the config's own values included (default: the config's)",
    )
    options.add_run_options(tune, options.absent)
    tune.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Run up to the tuner."""
    return local_command.run(arguments, to="tuner")
