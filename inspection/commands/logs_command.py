"""`inspect logs RUN NODE`: the log of a node."""

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
    """Return the lines of the log, and a function that joins them.

    Raises:
      UserError: The run does not have this node, or the node has no log.
      ResourceError: The run's folder does not exist.
    """
    detail = show_run(store, find_run(store, args.run, pipeline=args.pipeline))
    run, nodes = detail.run, [node.node_id for node in detail.nodes]
    if run.folder is None:
        raise UserError(f"run {run.run_id} was executed by another runner, which stores its logs elsewhere")
    path = os.path.join(artifact_files.folder(run.folder, f"run {run.run_id}"), "logs")
    logs = {
        os.path.basename(file).removesuffix(_ENDING): file
        for file in artifact_files.matching_files(path, r".*\.log")
        if os.path.isfile(file)
    }
    if args.node not in logs:
        if args.node in nodes:
            [*_, state] = [node.state for node in detail.nodes if node.node_id == args.node]
            cause = "it did not run" if state == NOT_RUN else f"its state is {state}"
            raise UserError(f"node {args.node} of run {run.run_id} has no log: {cause}")
        names = list(dict.fromkeys([*nodes, *logs]))
        raise UserError(f"no node {args.node!r} in run {run.run_id}. {nearest(args.node, names)}")
    text = artifact_files.read(logs[args.node]).decode(errors="replace")
    # A progress bar overwrites its line with \r: keep the last text.
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.removesuffix("\n").split("\n")] if text else []
    lines = lines[-args.tail :] if args.tail else lines
    value = {"run": run.run_id, "node": args.node, "path": logs[args.node], "lines": lines}
    return value, lambda: "".join(f"{_escaped(line)}\n" for line in lines)


def _escaped(line: str) -> str:
    """Escape control characters except tabs."""
    return "\t".join(printable(part) if part else "" for part in line.split("\t"))
