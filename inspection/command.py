"""The command that shows runs: `inspect runs` and `inspect show RUN`.

What reads the store and draws tables is imported when a command runs, so that `--help` stays quick.
"""

import argparse
import dataclasses
import io
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from inspection.runs import ArtifactRow, Run, RunDetail

_COLOURS = {
    "COMPLETE": "green",
    "CACHED": "cyan",
    "RUNNING": "yellow",
    "NOT_BLESSED": "yellow",
    "BLOCKED": "yellow",
    "FAILED": "red",
    "CANCELED": "red",
    "NOT RUN": "dim",
}


_ROOT = "./runs"
_ROOT_HELP = f"folder of all runs (default: {_ROOT})"
_METADATA_HELP = (
    "the store, where it is not DIR/metadata.sqlite: sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DBNAME "
    "(default: the environment's PIPELINE_METADATA, which keeps the password out of the list of processes)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `runs`, `show` and the options that say which store; imports nothing that takes time."""
    # The same options before and after the command: SUPPRESS keeps their absence in one place from undoing their
    # presence in another, here and in the parser above.
    parser.add_argument("--root", metavar="DIR", default=argparse.SUPPRESS, help=_ROOT_HELP)
    parser.add_argument("--metadata", metavar="URL", default=argparse.SUPPRESS, help=_METADATA_HELP)
    where = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    where.add_argument("--root", metavar="DIR", help=_ROOT_HELP)
    where.add_argument("--metadata", metavar="URL", help=_METADATA_HELP)
    where.add_argument("--json", action="store_true", help="print JSON instead of tables")
    commands = parser.add_subparsers(dest="inspect_command", metavar="COMMAND", required=True)
    runs = commands.add_parser("runs", parents=[where], help="list runs, the newest first")
    runs.add_argument("--pipeline", metavar="P", help="only this pipeline's runs")
    runs.add_argument("--limit", metavar="N", type=_positive, default=50, help="at most N runs (default: %(default)s)")
    show = commands.add_parser("show", parents=[where], help="show one run: its nodes and their artifacts")
    show.add_argument("run", metavar="RUN", help="a run id, a beginning or end that only one has, or: latest")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {number}")
    return number


def run(args: argparse.Namespace) -> int:
    """Carries out what `add_arguments` parsed and prints to standard output.

    Returns:
      0: it could be shown, however the run itself ended.

    Raises:
      UserError: No store yet, no such pipeline or run, or a wrong URL.
      ResourceError: The store cannot be read.
    """
    from inspection.runs import find_run, list_runs, show_run
    from inspection.store import open_store

    as_json: bool = getattr(args, "json", False)
    url = getattr(args, "metadata", None) or os.environ.get("PIPELINE_METADATA")
    store = open_store(getattr(args, "root", _ROOT), url)
    if args.inspect_command == "runs":
        runs = list_runs(store, pipeline=args.pipeline, limit=args.limit)
        _write(_json([dataclasses.asdict(run) for run in runs]) if as_json else _runs_text(runs))
    else:
        detail = show_run(store, find_run(store, args.run))
        _write(_json(dataclasses.asdict(detail)) if as_json else _detail_text(detail))
    return 0


def _runs_text(runs: Sequence["Run"]) -> str:
    if not runs:
        return "no runs yet: make one with python runner.py --local\n"
    header = ["RUN", "PIPELINE", "STATE", "STARTED", "TOOK", "REASON"]
    rows = [[run.run_id, run.pipeline, run.state, _time(run.started), _took(run), run.reason] for run in runs]
    width = len(header) if any(run.reason for run in runs) else len(header) - 1
    return _drawn(_table(header[:width], [row[:width] for row in rows]))


def _detail_text(detail: "RunDetail") -> str:
    run = detail.run
    facts = {
        "run": run.run_id,
        "pipeline": run.pipeline,
        "state": run.state,
        "reason": run.reason,
        "started": _time(run.started),
        "ended": _time(run.ended),
        "took": _took(run),
        "folder": run.folder,
    }
    artifacts = {row.id: row for node in detail.nodes for row in (*node.inputs, *node.outputs)}
    return _drawn(
        _table(None, [[name, value] for name, value in facts.items() if value]),
        _table(
            ["NODE", "STATE", "STARTED", "TOOK", "INPUTS", "OUTPUTS"],
            [
                [
                    node.node_id,
                    node.state,
                    _time(node.started),
                    duration(node.seconds),
                    *map(_keys, (node.inputs, node.outputs)),
                ]
                for node in detail.nodes
            ],
        ),
        _table(
            ["ID", "ARTIFACT", "STATE", "MADE BY", "URI"],
            [[row.id, row.type, row.state, _maker(row, run), row.uri] for _, row in sorted(artifacts.items())],
        ),
    )


def _keys(rows: Sequence["ArtifactRow"]) -> str:
    return ", ".join(f"{row.key}:{row.id}" for row in rows)


def _maker(row: "ArtifactRow", run: "Run") -> str | None:
    if row.producer_run in (None, run.run_id):
        return row.producer_node
    return f"{row.producer_node} of {row.producer_run}"


def _took(run: "Run") -> str | None:
    return duration((run.ended - run.started).total_seconds()) if run.started and run.ended else None


def duration(seconds: float | None) -> str | None:
    """Says a length of time in the unit that a person would use."""
    if seconds is None:
        return None
    if seconds < 10:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _table(header: Sequence[str] | None, rows: Sequence[Sequence[object]]) -> "Table | None":
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return None
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=header is not None, header_style="bold")
    for column, _ in enumerate(rows[0]):
        # On a terminal a long cell goes on below; in a file or pipe a row stays one line.
        table.add_column(header[column] if header else "", overflow="fold", no_wrap=not sys.stdout.isatty())
    for row in rows:
        # Text takes names as they are: markup like [red] and :smile: stays what somebody wrote.
        table.add_row(*(Text(_shown(cell), style=_COLOURS.get(str(cell), "")) for cell in row))
    return table


def _shown(cell: object) -> str:
    """Writes out control characters, with which a name could otherwise move the cursor or break a row."""
    text = "-" if cell is None or cell == "" else str(cell)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _drawn(*tables: "Table | None") -> str:
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        color_system="auto" if terminal and not os.environ.get("NO_COLOR") else None,
        width=None if terminal else 1_000_000,
    )
    texts = []
    for table in filter(None, tables):
        with console.capture() as capture:
            console.print(table)
        texts.append("".join(line.rstrip() + "\n" for line in capture.get().splitlines()))
    return "\n".join(texts)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, default=_json_value) + "\n"


def _json_value(value: object) -> str:
    # A damaged store may hold bytes where text belongs.
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else repr(value)


def _write(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough; the interpreter's own flush must not complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
