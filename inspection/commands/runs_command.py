"""`inspect runs`: list runs, newest first."""

import argparse
from collections.abc import Callable, Sequence

from inspection.plain_records import Run
from inspection.run_history import list_runs
from inspection.store.metadata_store import Store
from inspection.text_output import drawn, duration, in_a_line, moment, table

REFUSED = ("BLOCKED", "NOT_BLESSED")
"""States of runs that a gate or a rule refused; they did not fail."""
REASON = 200
"""Characters of a reason in the list; `inspect show` prints all of it."""


def answer(store: Store, args: argparse.Namespace) -> tuple[list[Run], Callable[[], str]]:
    """Return the runs, and a function that formats them."""
    runs = list_runs(store, pipeline=args.pipeline, state=args.state, since=args.since, limit=args.limit)
    filtered = any((args.pipeline, args.state, args.since))
    count = 0
    if args.state is not None and "FAILED" in args.state:
        missed = [state for state in REFUSED if state not in args.state]
        count = len(list_runs(store, pipeline=args.pipeline, state=missed, since=args.since, limit=args.limit))
    note = f"{count} more {'was' if count == 1 else 'were'} refused: --state {','.join(('failed', *REFUSED)).lower()}"
    return runs, lambda: _text(runs, filtered) + (f"{note}\n" if count else "")


def _text(runs: Sequence[Run], filtered: bool) -> str:
    if not runs:
        return "no runs match\n" if filtered else "no runs yet: start one with python runner.py --local\n"
    header = ["RUN", "PIPELINE", "STATE", "STARTED", "TOOK", "REASON"]
    rows = [
        [run.run_id, run.pipeline, run.state, moment(run.started), took(run), in_a_line(run.reason, REASON)]
        for run in runs
    ]
    width = len(header) if any(run.reason for run in runs) else len(header) - 1
    return drawn(table(header[:width], [row[:width] for row in rows]))


def took(run: Run) -> str | None:
    """Format the duration of a run; None if it has not ended."""
    return duration((run.ended - run.started).total_seconds()) if run.started and run.ended else None
