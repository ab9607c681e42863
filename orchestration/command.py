"""The command line. Imports nothing heavy before the arguments are known: --help answers at once."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from errors import PipelineError, UserError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipeline.variants import Name

METADATA_VARIABLE = "PIPELINE_METADATA"
DEFAULT_PIPELINE = "houses"

EPILOG = """\
exit codes: 0 pushed or compiled, 2 config, data, schema or user code, 3 a gate refused, 4 a stage failed,
5 store, disk or engine
"""


def parser() -> argparse.ArgumentParser:
    """All arguments."""
    root = argparse.ArgumentParser(
        prog="runner.py",
        description="From a table and a small TOML file to a checked, trained, evaluated and pushed Keras model.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    target = root.add_mutually_exclusive_group()
    target.add_argument("--local", action="store_true", help="run on this machine")
    target.add_argument("--kubeflow", action="store_true", help="compile for Kubeflow Pipelines")
    target.add_argument("--vertex", action="store_true", help="compile for Vertex AI")
    root.add_argument(
        "--pipeline", default=DEFAULT_PIPELINE, metavar="NAME", help="configs/NAME.toml (default: houses)"
    )
    _add_run_options(root, lambda value: value)
    cloud = root.add_argument_group(
        "compiling for Kubeflow and Vertex AI",
        "writes the same pipeline to a file and sends it nowhere. Each stage runs in a container of --image, which "
        "holds this repository and starts in its folder; data is read there, or from --data-root gs://BUCKET/FOLDER",
    )
    cloud.add_argument(
        "--output", metavar="FILE", help="where to write the compiled pipeline (default: NAME.yaml, NAME.json)"
    )
    cloud.add_argument(
        "--image",
        metavar="IMAGE",
        help="container image that holds this repository and its packages (default: a placeholder)",
    )
    cloud.add_argument(
        "--cloud-root",
        metavar="URI",
        help="folder of artifacts and pushed models: gs://BUCKET/FOLDER, on Kubeflow also s3:// and minio:// "
        "(default: a placeholder)",
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND")
    inspect = commands.add_parser("inspect", help="list and show runs: inspect runs, inspect show RUN")
    from inspection import command as inspection_command

    inspection_command.add_arguments(inspect)
    new = commands.add_parser("new", help="look at data and write a config and a schema for it: new NAME PATH")
    schema = commands.add_parser("schema", help="schema infer NAME, schema diff NAME, schema approve NAME")
    from curation import command as curation_command

    curation_command.add_arguments(new, schema)
    tune = commands.add_parser("tune", help="try the values of [tuner]: tune NAME")
    tune.add_argument("pipeline", metavar="NAME", help="configs/NAME.toml")
    tune.add_argument(
        "--trials",
        type=_rows,
        metavar="N",
        help="most trials, the config's own values included (default: the config's)",
    )
    # The same options before and after the command: their absence here must not undo their presence there.
    _add_run_options(tune, lambda _: argparse.SUPPRESS)
    return root


def _add_run_options(parser: argparse.ArgumentParser, default: Callable[[Any], Any]) -> None:
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
        type=_rows,
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
    parser.add_argument("--root", default=default("runs"), metavar="DIR", help="folder of all runs (default: ./runs)")
    parser.add_argument(
        "--data-root",
        default=default(None),
        metavar="DIR",
        help="folder, or for a cloud bucket, that data paths start from (default: the repository)",
    )
    parser.add_argument(
        "--metadata",
        default=default(os.environ.get(METADATA_VARIABLE)),
        metavar="URL",
        help=f"ML Metadata store, as postgresql://USER:PASSWORD@HOST/DBNAME (default: ${METADATA_VARIABLE}, "
        "else SQLite under the root)",
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
        "-v",
        "--verbose",
        action="store_true",
        default=default(False),
        help="on an error show the traceback and the log",
    )


def main(argv: Sequence[str]) -> int:
    """Do what the arguments ask for.

    Returns:
        The exit code; see errors.py.
    """
    arguments = parser().parse_args(argv)
    try:
        return _dispatch(arguments)
    except PipelineError as error:
        if arguments.verbose:
            import traceback

            traceback.print_exc()
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "inspect":
        from inspection import command as inspection_command

        return inspection_command.run(arguments)
    if arguments.command in ("new", "schema"):
        return _curate(arguments)
    if arguments.command == "tune":
        return _run(arguments, to="tuner")
    if arguments.kubeflow or arguments.vertex:
        for name in _names(arguments):
            _compile(arguments, name)
        return 0
    if arguments.local:
        return _run(arguments)
    parser().print_help()
    return 0


def _curate(arguments: argparse.Namespace) -> int:
    from curation import command as curation_command
    from orchestration.places import REPOSITORY

    data_root = arguments.data_root or REPOSITORY
    if arguments.command == "schema":
        return curation_command.run_schema(arguments, REPOSITORY, data_root)

    def check(name: str) -> None:
        from components.ingestion import files
        from orchestration import preflight
        from pipeline import load
        from pipeline.variants import Name

        reviewed = load.reviewed(REPOSITORY, Name(name))
        data, label = reviewed.config.data, reviewed.config.label.column
        paths = files.under(REPOSITORY, data.path)
        preflight.check_data(paths, data, config=f"{load.CONFIGS}/{name}.toml", columns=reviewed.columns, label=label)

    return curation_command.run_new(arguments, REPOSITORY, check)


def _names(arguments: argparse.Namespace) -> "list[Name]":
    """The runs that were asked for."""
    from orchestration.places import REPOSITORY
    from pipeline import load
    from pipeline.variants import ALL, Name

    sample = arguments.sample is not None
    if arguments.variant != ALL:
        return [Name(arguments.pipeline, arguments.variant, sample)]
    found = load.variants(REPOSITORY, arguments.pipeline)
    if not found:
        raise UserError(f"configs/{arguments.pipeline}.toml has no [variant.NAME]: run it without --variant")
    if arguments.output is not None:
        raise UserError("--output names one file: leave it out, or name one variant")
    return [Name(arguments.pipeline, variant, sample) for variant in found]


def _overrides(arguments: argparse.Namespace) -> list[str]:
    sample, trials = arguments.sample, getattr(arguments, "trials", None)
    return [
        *arguments.overrides,
        *([f"data.sample={sample}"] if sample else []),
        *([f"tuner.trials={trials}"] if trials else []),
    ]


def _beam(arguments: argparse.Namespace) -> Sequence[str]:
    import shlex

    from pipeline.beam import BEAM_ARGS

    return shlex.split(arguments.beam) if arguments.beam else BEAM_ARGS


def _rows(text: str) -> int:
    rows = int(text)
    if rows < 1:
        raise ValueError
    return rows


def _run(arguments: argparse.Namespace, to: str | None = None) -> int:
    from orchestration import local
    from orchestration.places import REPOSITORY
    from orchestration.workers import Workers

    requests = [
        local.Request(
            name=name,
            overrides=_overrides(arguments),
            root=arguments.root,
            data_root=arguments.data_root or REPOSITORY,
            metadata=arguments.metadata,
            beam_args=_beam(arguments),
            cache=not arguments.no_cache,
            verbose=arguments.verbose,
            to=to,
        )
        for name in _names(arguments)
    ]
    if len(requests) > 1:
        return local.run_all(requests)
    with Workers() as workers:
        return local.run(requests[0], workers)


def _compile(arguments: argparse.Namespace, name: "Name") -> int:
    from orchestration import cloud

    return cloud.run(
        cloud.Request(
            target="kubeflow" if arguments.kubeflow else "vertex",
            name=name,
            overrides=_overrides(arguments),
            data_root=arguments.data_root,
            output=arguments.output,
            image=arguments.image,
            root=arguments.cloud_root,
            beam_args=_beam(arguments),
            cache=not arguments.no_cache,
        )
    )
