"""Terminal output of a run: a live table, or plain lines if the output is not a terminal."""

import os
import sys
import time
from collections.abc import Iterable
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from inspection.console import console
from orchestration.display.outcome import notes, table
from printing import visible

WORDS = {
    "RUNNING": "running",
    "COMPLETE": "done",
    "CACHED": "cached",
    "KEPT": "kept",
    "TAKEN": "taken",
    "FAILED": "failed",
    "": "waiting",
}
"""KEPT: finished by an earlier attempt of the run; TAKEN: from the run that --from or --only continues."""
_TABLE_WIDTH = 200
"""Maximum width of the table of metrics, in characters."""
STYLES = {
    "RUNNING": "cyan",
    "COMPLETE": "green",
    "CACHED": "blue",
    "KEPT": "blue",
    "TAKEN": "blue",
    "FAILED": "bold red",
    "": "dim",
}


class Terminal:
    """Display of the nodes of a run; use it as a context.

    Args:
        plain: Lines instead of a live table; by default if the output is not a terminal or NO_COLOR is set.
    """

    def __init__(self, *, plain: bool | None = None) -> None:
        self.plain = plain if plain is not None else not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
        self.console = console(plain=self.plain)
        self._nodes: dict[str, dict[str, Any]] = {}
        self._live: Live | None = None
        self._started = time.monotonic()
        self._message = ""

    def __enter__(self) -> "Terminal":
        if not self.plain:
            self._live = Live(self, console=self.console, refresh_per_second=8, transient=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def say(self, message: str) -> None:
        """Show a status line between nodes."""
        self._message = message
        if self.plain and message:
            self._line(message)

    def warn(self, text: str) -> None:
        """Print a warning above the live table."""
        self._line(f"warning: {text}", soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a note on the data or on the result of the last node."""
        self.console.print(f"  {text}", soft_wrap=True)

    def plan(self, node_ids: list[str]) -> None:
        """Set the nodes that will run."""
        self._nodes = {node_id: {"state": ""} for node_id in node_ids}
        self._message = ""

    def node(self, node_id: str, state: str, seconds: float | None = None, summary: str = "") -> None:
        """Set the state of a node."""
        self._nodes[node_id] = {"state": state, "seconds": seconds, "summary": summary, "since": time.monotonic()}
        if self.plain and state != "RUNNING":
            self._line(f"{node_id:<15} {WORDS.get(state, state):<8} {_clock(seconds):>8}  {summary}".rstrip())

    def progress(self, node_id: str, text: str) -> None:
        """Show the progress of the running node."""
        self._nodes[node_id]["summary"] = text
        if self.plain:
            self._line(f"{node_id:<15} {WORDS['RUNNING']:<8} {'':>8}  {text}")

    def __rich__(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for node_id, node in list(self._nodes.items()):  # the table is drawn in another thread
            state, seconds = node["state"], node.get("seconds")
            if state == "RUNNING":
                seconds = time.monotonic() - node["since"]
            style = STYLES.get(state, "")
            table.add_row(
                Text(visible(node_id)),
                Text(visible(WORDS.get(state, state)), style),
                Text(_clock(seconds), justify="right"),
                Text(visible(node.get("summary", ""))),
            )
        if self._message:
            table.add_row(
                Text(visible(self._message), "dim"), Text(""), Text(_clock(time.monotonic() - self._started)), Text("")
            )
        return table

    def reached(self, lines: Iterable[str], *, run_folder: str) -> None:
        """Print the result of the last requested node."""
        self.console.print()
        for line in lines:
            # The terminal wraps wide tables by itself.
            self._line(line, soft_wrap=True)
        self._line(f"Run:    {run_folder}")

    def outcome(self, outcome: dict[str, Any], *, run_folder: str) -> None:
        """Print the metrics table, the verdict with its reason, and paths."""
        self.console.print()
        metrics = table(outcome)
        if self._width(metrics) > self.console.width:
            metrics = table(outcome, narrow=True)
        # A row that is longer than the terminal is easier to read than cells that are wrapped.
        self.console.print(metrics, width=self._width(metrics), crop=False)
        self.console.print()
        for line in notes(outcome):
            self._line(line)
        self._line(f"{'Blessed' if outcome['blessed'] else 'Not blessed'}: {outcome['reason']}")
        if outcome["pushed"]:
            self._line(f"Pushed:  {outcome['pushed']}")
        elif outcome.get("withheld"):
            self._line(f"Not pushed: {outcome['withheld']}")
        elif outcome["blessed"] and outcome.get("serves"):
            self._line(f"Nothing pushed: version {outcome['serves']} serves")
        self._line(f"Run:     {run_folder}")

    def _width(self, metrics: Table) -> int:
        """Return the number of characters of a row, without wrapped cells."""
        return self.console.measure(metrics, options=self.console.options.update(width=_TABLE_WIDTH)).maximum

    def _line(self, text: str, *, soft_wrap: bool | None = None) -> None:
        if soft_wrap or self.plain:
            self.console.print(visible(text), soft_wrap=True)
            return
        # Continuation rows are indented, so that they cannot be mistaken for separate lines.
        first_row, *continuation = Text(visible(text)).wrap(self.console, self.console.width - 2) or [Text()]
        self.console.print(first_row)
        for row in continuation:
            self.console.print(Text("  ") + row)


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
