"""Follow one worker: read its events, enforce its limits, and report how it ended."""

import os
import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components.engine.engine_failures import RESUME
from errors import KINDS, PipelineError, RunError
from orchestration.display.terminal import Terminal
from orchestration.local.fork_server import LIMIT_SECONDS, ForkServer, Worker
from orchestration.local.run_order import RunOrder
from orchestration.records import run_events, run_record
from spec.limits import Limits

TICK_SECONDS = 0.5
"""Interval at which limits are checked."""


@dataclass
class Followed:
    """State of a run, from its events so far.

    Attributes:
        node_id: The current or last stage.
        since: Its start on the monotonic clock; None between stages.
        outcome: The run's outcome.
        failure: The error of the failed stage.
        peak: Largest memory measured, in bytes.
    """

    node_id: str = "start"
    since: float | None = None
    outcome: dict[str, Any] | None = None
    failure: PipelineError | None = None
    peak: int = 0


def supervise(
    order: RunOrder, limits: Limits, terminal: Terminal, book: run_record.Record, workers: ForkServer, lock: int
) -> dict[str, Any]:
    """Run an order in a worker.

    Args:
        order: The run.
        limits: [limits].
        terminal: Shows the progress.
        book: Records the events.
        workers: Forks the worker.
        lock: File descriptor of the pipeline's lock.

    Returns:
        The run's outcome.

    Raises:
        PipelineError: that of a stage; RunError if the worker died or exceeded a limit.
    """
    followed = Followed()
    previous_handler = signal.signal(signal.SIGTERM, _interrupt)
    log_path = os.path.join(book.folder, "logs", "worker.log")
    read_end, write_end = os.pipe()
    try:
        if not workers.ready:
            reason = f"; the warm process is not used: {workers.refused}" if workers.refused else ""
            terminal.say(f"starting TensorFlow and TFX{reason}")
        with (
            open(log_path, "ab") as log,
            open(read_end, "rb", buffering=0) as stream,
            workers.run(order, events=write_end, log=log.fileno(), lock=lock) as worker,
        ):
            os.close(write_end)
            for line in _lines(stream.fileno(), TICK_SECONDS if limits.any else None):
                if line is None:
                    _check(followed, limits, worker)
                    continue
                fields = run_events.from_line(line)
                if fields["event"] == "worker":
                    worker.pid, workers.ready = fields["pid"], True
                else:
                    _take(fields, followed, terminal, book)
            code = worker.wait()
    finally:
        signal.signal(signal.SIGTERM, previous_handler)
        if followed.peak:
            book.update(peak_memory_mb=round(followed.peak / 1e6))
        if followed.node_id != "start":
            book.facts.update(stage=followed.node_id, log=os.path.join(book.folder, "logs", f"{followed.node_id}.log"))
    if followed.failure:
        raise followed.failure
    if followed.outcome is None:
        raise _died(followed.node_id, code, book.folder, workers)
    return followed.outcome


def _take(fields: dict[str, Any], followed: Followed, terminal: Terminal, book: run_record.Record) -> None:
    """Process one event."""
    book.event(fields)
    kind = fields["event"]
    if kind == "plan":
        terminal.plan(fields["nodes"])
        book.update(nodes=fields["nodes"], upstream=fields["upstream"])
    elif kind == "node":
        followed.node_id = fields["node"]
        followed.since = time.monotonic() if fields["state"] == "RUNNING" else None
        terminal.node(followed.node_id, fields["state"], fields.get("seconds"), fields.get("summary", ""))
    elif kind == "progress":
        terminal.progress(followed.node_id, fields["text"])
    elif kind == "gates":
        warnings = [finding["line"] for finding in fields["findings"] if finding["action"] == "warn"]
        for line in warnings:
            terminal.warn(line)
        book.gates(fields["findings"], warnings)
    elif kind in ("reads", "files"):
        book.update(**{kind: fields["files"]})
    elif kind == "tuned":
        book.update(tuned=fields["values"])
    elif kind == "omissions":
        for line in fields["lines"]:
            terminal.note(line)
        book.update(omissions=fields["lines"])
    elif kind == "outcome":
        followed.outcome = {key: value for key, value in fields.items() if key != "event"}
    elif kind == "error":
        followed.failure = KINDS[fields["kind"]](fields["message"])


def _check(followed: Followed, limits: Limits, worker: Worker) -> None:
    """Stop the worker if it exceeds a limit."""
    seconds = limits.of(followed.node_id)
    if seconds is not None and followed.since is not None and time.monotonic() - followed.since > seconds:
        worker.end(LIMIT_SECONDS)
        raise RunError(
            f"stage {followed.node_id} failed: it exceeded its time limit of {seconds:g} s ([limits]). {RESUME} "
            f"To raise the limit: {limits.edit(followed.node_id)}"
        )
    if limits.memory_gb is not None:
        used = worker.memory()
        followed.peak = max(followed.peak, used)
        if used > limits.memory_gb * 1e9:
            worker.end(at_once=True)
            raise RunError(
                f"stage {followed.node_id} failed: it used {used / 1e9:.2f} GB of memory; limits.memory_gb is "
                f"{limits.memory_gb:g}. {RESUME} Smaller batches or fewer rows (--sample) need less memory"
            )


def _lines(descriptor: int, tick: float | None) -> Iterator[str | None]:
    """Yield lines until the end of the stream, and None after each tick."""
    partial_line = b""
    due = time.monotonic() + (tick or 0)
    while True:
        ready, _, _ = select.select([descriptor], [], [], tick)
        if ready:
            block = os.read(descriptor, 1 << 16)
            if not block:
                return
            *lines, partial_line = (partial_line + block).split(b"\n")
            yield from (line.decode() for line in lines)
        if tick is not None and time.monotonic() >= due:
            # Also if events never pause.
            due = time.monotonic() + tick
            yield None


def _died(node_id: str, code: int, folder: str, workers: ForkServer) -> RunError:
    """Return the error of a worker that died without reporting one."""
    name = node_id
    if node_id == "start":
        with open(os.path.join(folder, "logs", "worker.log"), "ab") as log:
            log.write(workers.output())
        name = "worker"
    ending = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    if code == -signal.SIGKILL:
        ending += " (the system does this when memory runs out)"
    return RunError(
        f"stage {node_id} failed: the worker process {ending}. {RESUME}\n"
        f"Its log: {os.path.join(folder, 'logs', name + '.log')}"
    )


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
