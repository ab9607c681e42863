"""Options that several commands share. Without heavy imports, so that --help is fast."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

import project
from errors import UserError
from spec.rows.data_paths import is_remote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipeline.variants import Name

METADATA_VARIABLE = "PIPELINE_METADATA"


def add_run_options(parser: argparse.ArgumentParser, default: Callable[[Any], Any]) -> None:
    """Add the options of every command that runs stages on this machine.

    Args:
        parser: The parser.
        default: Maps the default of an option to the one that this parser uses.
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
        help="run on N rows only, as PIPELINE-sample: gates and floors report and block nothing",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=default([]),
        metavar="KEY=VALUE",
        dest="overrides",
        help="override a config key for this run, such as training.epochs=5; can be repeated",
    )
    add_store(parser, default)
    parser.add_argument(
        "--data-root",
        default=default(None),
        metavar="DIR",
        help="folder, or bucket for a cloud job, that data paths are relative to (default: the project folder)",
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
        help="start a new run instead of resuming an unfinished one",
    )
    parser.add_argument(
        "--no-warm",
        action="store_true",
        default=default(False),
        help="import TensorFlow in a new process that ends with the run, and end that of an earlier one: see "
        "limits.keep_warm",
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=default(False),
        help="show traceback and log of an error",
    )


def absent(_: Any) -> Any:
    """Return no default, for options that may also precede the command: absent after it, they keep that value."""
    return argparse.SUPPRESS


def add_project(parser: argparse.ArgumentParser, default: Callable[[Any], Any]) -> None:
    """Add --project; arguments as of `add_run_options`."""
    parser.add_argument("--project", default=default(None), metavar="DIR", help=project.HELP)


def add_store(parser: argparse.ArgumentParser, default: Callable[[Any], Any]) -> None:
    """Add the options for the place of runs and their records; arguments as of `add_run_options`."""
    add_project(parser, default)
    parser.add_argument("--root", default=default(None), metavar="DIR", help=project.ROOT_HELP)
    parser.add_argument(
        "--metadata",
        default=default(os.environ.get(METADATA_VARIABLE)),
        metavar="URL",
        help=f"ML Metadata store, such as postgresql://USER:PASSWORD@HOST/DBNAME (default: ${METADATA_VARIABLE}, "
        "else SQLite under the root)",
    )


_LOCAL_ONLY = {
    "--from": ("first", "a compiled job runs all stages"),
    "--to": ("to", "a compiled job runs all stages"),
    "--only": ("only", "a compiled job runs all stages"),
    "--new-run": ("new_run", "a compiled job resumes no run"),
    "--no-warm": ("no_warm", "each step of a compiled job starts its own process"),
    "--metadata": ("metadata", "the platform has its own store"),
    "--root": ("root", "artifacts and pushed models go to --cloud-root gs://BUCKET/FOLDER"),
}
"""Option of --local -> its attribute, and why a compiled job has no use for it."""
_CLOUD_ONLY = {
    "--submit": "submit",
    "--follow": "follow",
    "--output": "output",
    "--image": "image",
    "--cloud-root": "cloud_root",
    "--dry-run": "dry_run",
    "--job": "job",
    "--spot": "spot",
    "--parameter": "parameter",
}

_OF_COMPILATION = {
    "--pipeline": "pipeline",
    "--variant": "variant",
    "--sample": "sample",
    "--set": "overrides",
    "--data-root": "data_root",
    "--beam": "beam",
    "--no-cache": "no_cache",
    "--output": "output",
    "--image": "image",
    "--cloud-root": "cloud_root",
    "--spot": "spot",
}
"""Option that is part of the compilation of a job -> its attribute."""


def check_target(arguments: argparse.Namespace) -> None:
    """Reject options that the requested target would ignore.

    Args:
        arguments: Parsed arguments, before defaults that depend on the project are filled in.

    Raises:
        UserError: an option has no effect, or the root is not a folder.
    """
    cloud = "--kubeflow" if arguments.kubeflow else "--vertex" if arguments.vertex else ""
    if arguments.command is not None:
        return
    if cloud:
        for option, (name, reason) in _LOCAL_ONLY.items():
            value = getattr(arguments, name)
            inherited = name == "metadata" and value == os.environ.get(METADATA_VARIABLE)
            inherited = inherited or (name == "root" and arguments.dry_run is not None)
            if value not in (None, False) and not inherited:
                raise UserError(f"{option} has no effect with {cloud}: {reason}; remove it")
        if arguments.job is not None:
            for option, name in _OF_COMPILATION.items():
                if getattr(arguments, name) not in (None, False, []):
                    raise UserError(f"{option} has no effect with --job: the job is compiled already; remove it")
    elif arguments.local:
        for option, name in _CLOUD_ONLY.items():
            if getattr(arguments, name) is not None:
                raise UserError(f"{option} has no effect with --local: it is for --kubeflow and --vertex; remove it")
        if is_remote(arguments.root or ""):
            raise UserError(
                f"--root {arguments.root}: a run on this machine needs a folder; for a bucket, compile the pipeline "
                "with --kubeflow or --vertex, and name the bucket with --cloud-root"
            )


def names(arguments: argparse.Namespace) -> "list[Name]":
    """Return the requested runs."""
    from pipeline import load
    from pipeline.variants import ALL, Name

    sample = arguments.sample is not None
    if arguments.variant != ALL:
        return [Name(arguments.pipeline, arguments.variant, sample)]
    variants = load.variants(project.folder(), arguments.pipeline)
    if not variants:
        raise UserError(f"configs/{arguments.pipeline}.toml has no [variant.NAME]: run it without --variant")
    if arguments.output is not None:
        raise UserError("--output names one file, --variant all writes several: remove --output, or name one variant")
    return [Name(arguments.pipeline, variant, sample) for variant in variants]


def overrides(arguments: argparse.Namespace) -> list[str]:
    """Return the changes of the config that the arguments request, as `key=value` strings."""
    sample, trials = arguments.sample, getattr(arguments, "trials", None)
    return [
        *arguments.overrides,
        *([f"data.sample={sample}"] if sample else []),
        *([f"tuner.trials={trials}"] if trials else []),
    ]


def beam(arguments: argparse.Namespace) -> Sequence[str]:
    """Return the arguments of the Beam runner.

    Raises:
        UserError: they are not valid.
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
        raise UserError(f"--beam {arguments.beam}: {error}: close the quote") from error


def rows(text: str) -> int:
    """Parse a count of one or more."""
    rows = int(text)
    if rows < 1:
        raise ValueError
    return rows
