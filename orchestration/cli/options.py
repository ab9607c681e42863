"""Options that several commands share, and what they ask for. Imports nothing heavy: --help answers at once."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

import project
from errors import UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipeline.variants import Name

METADATA_VARIABLE = "PIPELINE_METADATA"


def add_run_options(parser: argparse.ArgumentParser, default: Callable[[Any], Any]) -> None:
    """Options of every command that runs stages on this machine.

    Args:
        parser: Gets them.
        default: From an option's default to what this parser takes as such.
    """
    parser.add_argument(
        "--variant",
        default=default(None),
        metavar="NAME",
        help="run [variant.NAME] of the config, as PIPELINE-NAME; all: every variant, one after the other",
    )
    parser.add_argument(
        "--sample",
        type=rows,
        default=default(None),
        metavar="N",
        help="run on N rows only, as PIPELINE-sample: floors are reported and stop nothing",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=default([]),
        metavar="KEY=VALUE",
        dest="overrides",
        help="override a config key for this run, as in training.epochs=5; may be given more than once",
    )
    add_store(parser, default)
    parser.add_argument(
        "--data-root",
        default=default(None),
        metavar="DIR",
        help="folder, or for a cloud bucket, that data paths start from (default: the project folder)",
    )
    parser.add_argument(
        "--beam",
        default=default(None),
        metavar="ARGS",
        help="arguments of another Beam runner, in one string (default: --runner=FnApiRunner, in memory)",
    )
    parser.add_argument(
        "--no-cache", action="store_true", default=default(False), help="run every stage, also unchanged ones"
    )
    parser.add_argument(
        "--new-run",
        action="store_true",
        default=default(False),
        help="make a new run, also where the last one did not finish and could go on",
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=default(False),
        help="on an error show the traceback and the log",
    )


def absent(_: Any) -> Any:
    """For options that stand before a command too: their absence after it must not undo their presence before it."""
    return argparse.SUPPRESS


def add_project(parser: argparse.ArgumentParser, default: Callable[[Any], Any]) -> None:
    """Add --project; arguments as of `add_run_options`."""
    parser.add_argument("--project", default=default(None), metavar="DIR", help=project.HELP)


def add_store(parser: argparse.ArgumentParser, default: Callable[[Any], Any]) -> None:
    """Options that say where runs and their records are; arguments as of `add_run_options`."""
    add_project(parser, default)
    parser.add_argument("--root", default=default(None), metavar="DIR", help=project.ROOT_HELP)
    parser.add_argument(
        "--metadata",
        default=default(os.environ.get(METADATA_VARIABLE)),
        metavar="URL",
        help=f"ML Metadata store, as postgresql://USER:PASSWORD@HOST/DBNAME (default: ${METADATA_VARIABLE}, "
        "else SQLite under the root)",
    )


def names(arguments: argparse.Namespace) -> "list[Name]":
    """The runs that were asked for."""
    from pipeline import load
    from pipeline.variants import ALL, Name

    sample = arguments.sample is not None
    if arguments.variant != ALL:
        return [Name(arguments.pipeline, arguments.variant, sample)]
    found = load.variants(project.folder(), arguments.pipeline)
    if not found:
        raise UserError(f"configs/{arguments.pipeline}.toml has no [variant.NAME]: run it without --variant")
    if arguments.output is not None:
        raise UserError("--output names one file: leave it out, or name one variant")
    return [Name(arguments.pipeline, variant, sample) for variant in found]


def overrides(arguments: argparse.Namespace) -> list[str]:
    """What the arguments change in the config, as `key=value` texts."""
    sample, trials = arguments.sample, getattr(arguments, "trials", None)
    return [
        *arguments.overrides,
        *([f"data.sample={sample}"] if sample else []),
        *([f"tuner.trials={trials}"] if trials else []),
    ]


def beam(arguments: argparse.Namespace) -> Sequence[str]:
    """Arguments of the Beam runner.

    Raises:
        UserError: no pipeline can run with them.
    """
    import shlex

    from components.engine.arguments import normalize
    from pipeline.beam_arguments import BEAM_ARGS

    if not arguments.beam:
        return BEAM_ARGS
    try:
        return normalize(shlex.split(arguments.beam))
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"--beam {arguments.beam}: {error}: a quote opens and never ends") from error


def rows(text: str) -> int:
    """A count of one or more, as an argument's type."""
    rows = int(text)
    if rows < 1:
        raise ValueError
    return rows
