"""`tune`: a run up to the tuner."""

import argparse
from typing import Any

from orchestration.cli import local_command, options


def add(commands: Any) -> None:
    """Add the command to the parser."""
    tune = commands.add_parser("tune", help="search the space of [tuner]: tune NAME")
    tune.add_argument("pipeline", metavar="NAME", help="configs/NAME.toml")
    tune.add_argument(
        "--trials",
        type=options.rows,
        metavar="N",
        help="number of trials, including that of the config's own values (default: tuner.trials)",
    )
    options.add_run_options(tune, options.absent)
    tune.set_defaults(do=run)


def run(arguments: argparse.Namespace) -> int:
    """Run up to the tuner."""
    return local_command.run(arguments, to="tuner")
