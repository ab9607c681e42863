"""`inspect logs RUN NODE`: what a node wrote while it ran."""

import argparse
import os
from collections.abc import Callable
from typing import Any

from errors import UserError
from inspection.display_names import nearest
from inspection.plain_records import NOT_RUN
from inspection.run_history import find_run, show_run
from inspection.store import artifact_files
from inspection.store.metadata_store import Store
from inspection.text_output import printable

_ENDING = ".log"


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Returns the log's lines, and a function that joins them.

    Raises:
      UserError: The run has no such node, or the node wrote none.
      ResourceError: The run's folder is gone.
    """
    detail = show_run(store, find_run(store, args.run, pipeline=args.pipeline))
    run, nodes = detail.run, [node.node_id for node in detail.nodes]
    if run.folder is None:
        raise UserError(f"run {run.run_id} was made by another runner, which keeps its logs elsewhere")
    path = os.path.join(artifact_files.folder(run.folder, f"run {run.run_id}"), "logs")
    found = {
        os.path.basename(file).removesuffix(_ENDING): file
        for file in artifact_files.named(path, r".*\.log")
        if os.path.isfile(file)
    }
    if args.node not in found:
        if args.node in nodes:
            [*_, state] = [node.state for node in detail.nodes if node.node_id == args.node]
            why = "it did not run" if state == NOT_RUN else f"its state is {state}"
            raise UserError(f"node {args.node} of run {run.run_id} wrote no log: {why}")
        names = list(dict.fromkeys([*nodes, *found]))
        raise UserError(f"no node {args.node!r} in run {run.run_id}. {nearest(args.node, names)}")
    text = artifact_files.read(found[args.node]).decode(errors="replace")
    # A progress bar goes back to the line's beginning; what it overwrote was not to stay.
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.removesuffix("\n").split("\n")] if text else []
    lines = lines[-args.tail :] if args.tail else lines
    value = {"run": run.run_id, "node": args.node, "path": found[args.node], "lines": lines}
    return value, lambda: "".join(f"{_quiet(line)}\n" for line in lines)


def _quiet(line: str) -> str:
    """Writes out what would move the cursor."""
    return "\t".join(printable(part) if part else "" for part in line.split("\t"))
