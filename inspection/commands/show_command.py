"""`inspect show RUN`: a run with its nodes and their artifacts."""

import argparse
from collections.abc import Callable, Sequence

from inspection.commands.artifacts_command import artifact_table
from inspection.commands.runs_command import took
from inspection.plain_records import ArtifactRow, RunDetail
from inspection.run_history import find_run, show_run
from inspection.store.metadata_store import Store
from inspection.text_output import drawn, duration, in_a_line, moment, table


def answer(store: Store, args: argparse.Namespace) -> tuple[RunDetail, Callable[[], str]]:
    """Return the run, and a function that formats it."""
    detail = show_run(store, find_run(store, args.run, pipeline=args.pipeline))
    return detail, lambda: _text(detail)


def _text(detail: RunDetail) -> str:
    run = detail.run
    facts = {
        "run": run.run_id,
        "pipeline": run.pipeline,
        "state": run.state,
        "reason": in_a_line(run.reason),
        "started": moment(run.started),
        "ended": moment(run.ended),
        "took": took(run),
        "folder": run.folder,
    }
    artifacts = {row.id: row for node in detail.nodes for row in (*node.inputs, *node.outputs)}
    return drawn(
        table(None, [[name, value] for name, value in facts.items() if value]),
        table(
            ["NODE", "STATE", "STARTED", "TOOK", "INPUTS", "OUTPUTS"],
            [
                [
                    node.node_id,
                    node.state,
                    moment(node.started),
                    duration(node.seconds),
                    *map(_keys, (node.inputs, node.outputs)),
                ]
                for node in detail.nodes
            ],
        ),
        artifact_table([row for _, row in sorted(artifacts.items())], run.run_id),
    )


def _keys(rows: Sequence[ArtifactRow]) -> str:
    return ", ".join(f"{row.key}:{row.id}" for row in rows)
