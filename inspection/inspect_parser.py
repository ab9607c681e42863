"""Arguments of `inspect runs`, `inspect show RUN` and the other inspect commands.

The code of a command is in a module of its name in inspection/commands/, and is imported when the command runs, which
keeps `--help` fast.
"""

import argparse
import importlib
import os
import re
from datetime import datetime, timedelta

import project
from errors import UserError
from inspection.run_files import RUN_STATES
from spec.rows.data_paths import is_remote

_METADATA_HELP = (
    "URL of the metadata store, sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DBNAME (default: "
    "environment variable PIPELINE_METADATA, which keeps the password out of the process list, or DIR/metadata.sqlite)"
)
_RUN_HELP = "a run id, a unique prefix or suffix of one, a pipeline (its newest run), or: latest"
_MODEL_HELP = "a model's artifact id, a pushed version, a run, a pipeline (its newest model), or: latest"
_PIPELINE_HELP = "search only in this pipeline"
_OPEN_STORE_THEMSELVES = ("backup", "restore")
_OF_THIS_MACHINE = (*_OPEN_STORE_THEMSELVES, "clean", "logs")
_STATES = tuple(RUN_STATES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands, and the options for project and store; imports nothing slow."""
    # The options are accepted before and after the command: with SUPPRESS, an absent option does not reset one that was
    # given elsewhere, here or in the parent parser.
    parser.add_argument("--project", metavar="DIR", default=argparse.SUPPRESS, help=project.HELP)
    parser.add_argument("--root", metavar="DIR", default=argparse.SUPPRESS, help=project.ROOT_HELP)
    parser.add_argument("--metadata", metavar="URL", default=argparse.SUPPRESS, help=_METADATA_HELP)
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--project", metavar="DIR", help=project.HELP)
    common.add_argument("--root", metavar="DIR", help=project.ROOT_HELP)
    common.add_argument("--metadata", metavar="URL", help=_METADATA_HELP)
    common.add_argument("--json", action="store_true", help="print JSON instead of tables")
    commands = parser.add_subparsers(dest="inspect_command", metavar="COMMAND", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[common], help=text, description=text[0].upper() + text[1:] + ".")

    runs = add("runs", "list runs, newest first")
    runs.add_argument("--pipeline", metavar="P", help="only this pipeline's runs")
    runs.add_argument(
        "--state",
        metavar="STATE",
        type=_states,
        help=f"only runs in this state, or in several, with commas: {', '.join(_STATES)}; FAILED are "
        "runs with an error, not those that a gate or a rule refused",
    )
    runs.add_argument(
        "--since", metavar="WHEN", type=_since, help="only runs that started at or after: 2026-11-25, 12h, 7d"
    )
    _limit(runs, "runs")
    show = add(
        "show", "show data, code and config of a model or run, the reason of its push, and the changes before it"
    )
    _model(show, "name", "NAME", f"{_RUN_HELP}; or a model's artifact id or pushed version")
    artifacts = add("artifacts", "list artifacts, newest first")
    artifacts.add_argument("--type", metavar="TYPE", help="only artifacts of this type, such as Model")
    artifacts.add_argument("--run", metavar="RUN", help="only inputs and outputs of this run")
    _limit(artifacts, "artifacts")
    lineage = add("lineage", "show the lineage of an artifact: its inputs, back to the data, and its descendants")
    _model(lineage, "artifact", "ARTIFACT", f"an artifact's id; {_MODEL_HELP}")
    output_format = lineage.add_mutually_exclusive_group()
    output_format.add_argument("--dot", action="store_true", help="print the graph for Graphviz")
    output_format.add_argument("--mermaid", action="store_true", help="print the graph for Mermaid")
    lineage.add_argument(
        "--limit",
        metavar="N",
        type=_positive,
        default=500,
        help="at most N artifacts in each direction (default: %(default)s)",
    )
    _model(
        add("why", "explain why a model is blessed or not: metrics, slices, limits, baseline"),
        "model",
        "MODEL",
        _MODEL_HELP,
    )
    compare = add("compare", "compare two runs, or the runs of two models; largest differences first")
    for name in ("a", "b"):
        compare.add_argument(
            name, metavar=name.upper(), help=f"{_RUN_HELP}; or a model's artifact id or pushed version"
        )
    compare.add_argument("--pipeline", metavar="P", help=_PIPELINE_HELP)
    compare.add_argument(
        "--limit", metavar="N", type=_positive, default=20, help="at most N rows a table (default: %(default)s)"
    )
    logs = add("logs", "print the log of a node of a run")
    _run_of(logs)
    logs.add_argument("node", metavar="NODE", help="the node, such as trainer")
    logs.add_argument("--tail", metavar="N", type=_positive, help="only the last N lines")
    examples = add("examples", "show rows of an Examples artifact")
    _artifact(examples)
    examples.add_argument("-n", dest="limit", metavar="N", type=_positive, default=10, help="rows (default: 10)")
    examples.add_argument("--split", metavar="SPLIT", help="which split (default: the first)")
    statistics = add("statistics", "show the statistics of each column")
    _artifact(statistics)
    statistics.add_argument("--split", metavar="SPLIT", help="only this split")
    _artifact(add("anomalies", "show anomalies of the data against the schema"))
    _artifact(add("schema", "show type, presence and domain of each column of the schema"))
    clean = add("clean", "list files that no recent run, blessed or pushed model needs; --yes moves them to the trash")
    action = clean.add_mutually_exclusive_group()
    action.add_argument("--yes", action="store_true", help="move them to DIR/.trash; without this nothing is changed")
    action.add_argument(
        "--undo",
        metavar="TIME",
        nargs="?",
        const="latest",
        help="put back the files that the last clean-up, or that of TIME, moved there",
    )
    action.add_argument("--empty-trash", action="store_true", help="delete the files in DIR/.trash from the disk")
    clean.add_argument(
        "--keep",
        metavar="N",
        type=_positive,
        default=5,
        help="number of last runs of each pipeline to keep (default: 5)",
    )
    clean.add_argument("--pipeline", metavar="P", help="only this pipeline")
    for name, text in (("backup", "copy the store to a file"), ("restore", "replace the store by a backup")):
        add(name, text).add_argument("file", metavar="FILE", help="the backup file")


def _run_of(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help=_RUN_HELP)
    parser.add_argument("--pipeline", metavar="P", help=_PIPELINE_HELP)


def _model(parser: argparse.ArgumentParser, name: str, metavar: str, text: str) -> None:
    parser.add_argument(name, metavar=metavar, help=text)
    parser.add_argument("--pipeline", metavar="P", help=_PIPELINE_HELP)


def _artifact(parser: argparse.ArgumentParser) -> None:
    text = f"the artifact's id, or a run that has it: {_RUN_HELP} (default: latest, the newest run of the store)"
    parser.add_argument("artifact", metavar="ARTIFACT", nargs="?", default="latest", help=text)
    parser.add_argument("--pipeline", metavar="P", help=_PIPELINE_HELP)


def _limit(parser: argparse.ArgumentParser, kind: str) -> None:
    parser.add_argument(
        "--limit", metavar="N", type=_positive, default=50, help=f"at most N {kind} (default: %(default)s)"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {number}")
    return number


def _states(text: str) -> tuple[str, ...]:
    states = tuple(text.upper().replace("-", "_").split(","))
    if not set(states) <= set(_STATES):
        raise argparse.ArgumentTypeError(f"expected one or several of {', '.join(_STATES)}, got {text}")
    return states


def _since(text: str) -> datetime:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    try:
        if text[-1:] in units and text[:-1].isdigit():
            return datetime.now().astimezone() - timedelta(**{units[text[-1]]: int(text[:-1])})
        # Python 3.10 does not read the Z of UTC.
        return datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text)).astimezone()
    except (ValueError, OverflowError) as error:
        message = f"expected a date or time such as 2026-11-25 or 2026-11-25T14:30, or 30m, 12h or 7d ago, got {text}"
        raise argparse.ArgumentTypeError(message) from error


def root_and_url(args: argparse.Namespace) -> tuple[str, str | None]:
    """Return the folder of all runs and the URL of the store, from arguments and environment."""
    url = getattr(args, "metadata", None) or os.environ.get("PIPELINE_METADATA")
    return getattr(args, "root", None) or "./runs", url


def run(args: argparse.Namespace) -> int:
    """Run the command that `add_arguments` parsed, and print its result to standard output.

    Returns:
      0, whatever the state of the shown run.

    Raises:
      UserError: There is no store yet, the name is unknown, or the URL is invalid.
      ResourceError: The store or a file of an artifact cannot be read, or `clean` kept something.
    """
    import printing
    from inspection.store.replayed_store import open_root
    from inspection.text_output import as_json

    root, url = root_and_url(args)
    if args.inspect_command in _OF_THIS_MACHINE and is_remote(root) and not url:
        raise UserError(
            f"inspect {args.inspect_command} is for runs of this machine: for {root} use the tools of the bucket and "
            "the pages of the platform"
        )
    store = None if args.inspect_command in _OPEN_STORE_THEMSELVES else open_root(root, url)
    command = importlib.import_module(f"inspection.commands.{args.inspect_command}_command")
    value, text = command.answer(store, args)
    printing.block(as_json(value) if getattr(args, "json", False) else text())
    if hasattr(command, "refuse"):
        command.refuse(value)
    return 0
