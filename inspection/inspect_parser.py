"""The commands that show what ran: `inspect runs`, `inspect show RUN` and the others.

Only arguments here: what reads the store and draws tables is imported when a command runs, so that `--help` stays
quick. Each command is a module of its name in inspection/commands/.
"""

import argparse
import importlib
import os
from datetime import datetime, timedelta

import project
from inspection.run_files import RUN_STATES

_METADATA_HELP = (
    "the store, where it is not DIR/metadata.sqlite: sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DBNAME "
    "(default: the environment's PIPELINE_METADATA, which keeps the password out of the list of processes)"
)
_RUN_HELP = "a run id, a beginning or end that only one has, a pipeline (its newest run), or: latest"
_MODEL_HELP = "a model's artifact id, a pushed version, a run, a pipeline (its newest model), or: latest"
_PIPELINE_HELP = "only of this pipeline: whose latest run, model or version is meant"
_OPEN_IT_THEMSELVES = ("backup", "restore")
_STATES = tuple(RUN_STATES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the commands and the options that say which store; imports nothing that takes time."""
    # The same options before and after the command: SUPPRESS keeps their absence in one place from undoing their
    # presence in another, here and in the parser above.
    parser.add_argument("--project", metavar="DIR", default=argparse.SUPPRESS, help=project.HELP)
    parser.add_argument("--root", metavar="DIR", default=argparse.SUPPRESS, help=project.ROOT_HELP)
    parser.add_argument("--metadata", metavar="URL", default=argparse.SUPPRESS, help=_METADATA_HELP)
    where = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    where.add_argument("--project", metavar="DIR", help=project.HELP)
    where.add_argument("--root", metavar="DIR", help=project.ROOT_HELP)
    where.add_argument("--metadata", metavar="URL", help=_METADATA_HELP)
    where.add_argument("--json", action="store_true", help="print JSON instead of tables")
    commands = parser.add_subparsers(dest="inspect_command", metavar="COMMAND", required=True)

    def add(name: str, told: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[where], help=told, description=told[0].upper() + told[1:] + ".")

    runs = add("runs", "list runs, the newest first")
    runs.add_argument("--pipeline", metavar="P", help="only this pipeline's runs")
    runs.add_argument("--state", metavar="STATE", type=_state, help=f"only runs in this state: {', '.join(_STATES)}")
    runs.add_argument(
        "--since", metavar="WHEN", type=_since, help="only runs that started then or later: 2026-11-25, 12h, 7d"
    )
    _limit(runs, "runs")
    show = add("show", "show one run: its nodes and their artifacts")
    _run_of(show)
    artifacts = add("artifacts", "list artifacts, the newest first")
    artifacts.add_argument("--type", metavar="TYPE", help="only artifacts of this type, such as Model")
    artifacts.add_argument("--run", metavar="RUN", help="only what this run made or took")
    _limit(artifacts, "artifacts")
    lineage = add("lineage", "show what an artifact was made from, up to the data, and what it led to")
    _model(lineage, "artifact", "ARTIFACT", f"any artifact's id; {_MODEL_HELP}")
    shape = lineage.add_mutually_exclusive_group()
    shape.add_argument("--dot", action="store_true", help="print a graph for Graphviz")
    shape.add_argument("--mermaid", action="store_true", help="print a flowchart for Mermaid")
    lineage.add_argument(
        "--limit", metavar="N", type=_positive, default=500, help="at most N artifacts each way (default: %(default)s)"
    )
    _model(
        add("why", "say why a model is blessed or not: metrics, slices, limits, baseline"),
        "model",
        "MODEL",
        _MODEL_HELP,
    )
    compare = add("compare", "show what differs between two runs, or the runs of two models, the worst first")
    for name in ("a", "b"):
        compare.add_argument(
            name, metavar=name.upper(), help=f"{_RUN_HELP}; or a model's artifact id or pushed version"
        )
    compare.add_argument("--pipeline", metavar="P", help=_PIPELINE_HELP)
    compare.add_argument(
        "--limit", metavar="N", type=_positive, default=20, help="at most N rows a table (default: %(default)s)"
    )
    logs = add("logs", "print the log of one node of a run")
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
    _artifact(add("anomalies", "show what of the data does not fit the schema"))
    _artifact(add("schema", "show what the schema demands of each column"))
    clean = add("clean", "show what no kept run, blessed or pushed model needs, and move it to the trash with --yes")
    what = clean.add_mutually_exclusive_group()
    what.add_argument("--yes", action="store_true", help="move it to DIR/.trash; without this nothing is touched")
    what.add_argument("--undo", metavar="TIME", nargs="?", const="latest", help="put back what a clean-up moved there")
    what.add_argument("--empty-trash", action="store_true", help="remove what is in DIR/.trash from the disk")
    clean.add_argument(
        "--keep", metavar="N", type=_positive, default=5, help="last runs of each pipeline that stay (default: 5)"
    )
    clean.add_argument("--pipeline", metavar="P", help="only of this pipeline")
    for name, told in (("backup", "copy the store to a file"), ("restore", "put a backup in the store's place")):
        add(name, told).add_argument("file", metavar="FILE", help="the backup")


def _run_of(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help=_RUN_HELP)
    parser.add_argument("--pipeline", metavar="P", help=_PIPELINE_HELP)


def _model(parser: argparse.ArgumentParser, name: str, shown: str, told: str) -> None:
    parser.add_argument(name, metavar=shown, help=told)
    parser.add_argument("--pipeline", metavar="P", help=_PIPELINE_HELP)


def _artifact(parser: argparse.ArgumentParser) -> None:
    told = f"the artifact's id, or the run that has it: {_RUN_HELP} (default: latest, the newest run of the store)"
    parser.add_argument("artifact", metavar="ARTIFACT", nargs="?", default="latest", help=told)
    parser.add_argument("--pipeline", metavar="P", help=_PIPELINE_HELP)


def _limit(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--limit", metavar="N", type=_positive, default=50, help=f"at most N {what} (default: %(default)s)"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {number}")
    return number


def _state(text: str) -> str:
    state = text.upper().replace("-", "_")
    if state not in _STATES:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(_STATES)}, got {text}")
    return state


def _since(text: str) -> datetime:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    try:
        if text[-1:] in units and text[:-1].isdigit():
            return datetime.now().astimezone() - timedelta(**{units[text[-1]]: int(text[:-1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        told = f"expected a date or time such as 2026-11-25 or 2026-11-25T14:30, or 30m, 12h or 7d ago, got {text}"
        raise argparse.ArgumentTypeError(told) from error


def place(args: argparse.Namespace) -> tuple[str, str | None]:
    """Returns the folder of all runs and the store's URL, as arguments and environment say."""
    return getattr(args, "root", None) or "./runs", getattr(args, "metadata", None) or os.environ.get(
        "PIPELINE_METADATA"
    )


def run(args: argparse.Namespace) -> int:
    """Carries out what `add_arguments` parsed and prints to standard output.

    Returns:
      0: it could be shown, however the run itself ended.

    Raises:
      UserError: No store yet, nothing of that name, or a wrong URL.
      ResourceError: The store or an artifact's file cannot be read, or a command left something alone.
    """
    import printing
    from inspection.store.metadata_store import open_store
    from inspection.text_output import as_json

    store = None if args.inspect_command in _OPEN_IT_THEMSELVES else open_store(*place(args))
    command = importlib.import_module(f"inspection.commands.{args.inspect_command}_command")
    value, text = command.answer(store, args)
    printing.block(as_json(value) if getattr(args, "json", False) else text())
    if hasattr(command, "refuse"):
        command.refuse(value)
    return 0
