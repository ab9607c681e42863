"""Runs a pipeline on this machine: the supervisor, a process without TensorFlow.

It owns the terminal, signals, the run's folder and the verdict; one worker process runs the stages.
"""

import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from errors import KINDS, GateError, PipelineError, RunError, UserError
from inspection import store as inspection_store
from orchestration import events, preflight, record, tuned
from orchestration.places import REPOSITORY, Root, new_run_id
from orchestration.terminal import Terminal
from orchestration.workers import Workers
from pipeline import load
from pipeline.beam import BEAM_ARGS
from pipeline.variants import Name

TUNER = "tuner"
"""A node that a run may end with."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for.

    Attributes:
        name: The pipeline, and which of its runs.
        overrides: `key=value` texts.
        root: Folder of all runs.
        data_root: Folder that data paths are relative to.
        metadata: URL of the store; None for SQLite under the root.
        beam_args: Beam arguments; empty for in memory.
        cache: Whether unchanged stages are served from earlier runs.
        verbose: Whether a failed stage's log is shown.
        to: The node after which the run ends, with those that it needs; None for the whole pipeline.
    """

    name: Name
    overrides: Iterable[str] = ()
    root: str = "runs"
    data_root: str = REPOSITORY
    metadata: str | None = None
    beam_args: Iterable[str] = field(default=BEAM_ARGS)
    cache: bool = True
    verbose: bool = False
    to: str | None = None

    @property
    def again(self) -> str:
        """The command that runs the whole pipeline with the same config."""
        parts = ["--pipeline", self.name.pipeline, *(["--variant", self.name.variant] if self.name.variant else [])]
        for override in self.overrides:
            key, _, value = override.partition("=")
            parts += ["--sample", value] if self.name.sample and key == "data.sample" else ["--set", override]
        parts += ["--root", self.root] if self.root != "runs" else []
        parts += ["--data-root", self.data_root] if self.data_root != REPOSITORY else []
        return f"python runner.py --local {shlex.join(parts)}"


def run(request: Request, workers: Workers) -> int:
    """Run a pipeline to its end.

    Args:
        request: What the user asked for.
        workers: Where its worker comes from; several runs may share them, one after the other.

    Returns:
        0 where the model was blessed and pushed, or the node reached that the run was to end with.

    Raises:
        UserError: config, data, schema or user code cannot be used.
        GateError: data or model were refused.
        RunError: a stage failed.
        ResourceError: the root or the store cannot be used.
    """
    name = request.name
    terminal = Terminal()
    report = preflight.look(
        name, request.overrides, root=request.root, data_root=request.data_root, metadata=request.metadata
    )
    reviewed = report.settle()
    config, columns = reviewed.config, reviewed.columns
    if request.to == TUNER and config.tuner is None:
        raise UserError(
            f"{load.CONFIGS}/{name.pipeline}.toml has no [tuner], so there is nothing to try: add for example\n"
            '[tuner.space]\n"training.optimizer.rate" = {low = 1e-4, high = 1e-1, scale = "log"}'
        )
    root = Root(os.path.abspath(request.root))
    data = report.data
    store = inspection_store.open_store(root.path, request.metadata, readonly=False)
    run_id = new_run_id()
    facts = {
        "run_id": run_id,
        "pipeline": name.run,
        "config": config.plain(),
        "seed": config.training.seed,
        "data": data,
        "root": root.path,
        "metadata": inspection_store.redact(request.metadata) if request.metadata else None,
        "beam_args": list(request.beam_args),
    }
    book = record.Record(root.run(name.run, run_id), facts)
    order = {
        **facts,
        "metadata": request.metadata,
        "run_folder": book.folder,
        "columns": columns,
        "schema": os.path.join(REPOSITORY, reviewed.schema),
        "cache": request.cache,
        "advisory": name.sample,
        "to": request.to,
    }
    state, reason = "FAILED", "the supervisor ended early"
    try:
        # TensorFlow and TFX leave files in the temporary folder; this one goes with the run.
        with terminal, tempfile.TemporaryDirectory(prefix="pipeline-") as scratch:
            outcome = _supervise({**order, "scratch": scratch}, terminal, book, workers)
        book.update(outcome=outcome)
        if request.to is not None:
            lines = [outcome["reason"]]
            if request.to == TUNER:
                config_path = f"{load.CONFIGS}/{name.pipeline}.toml"
                lines = tuned.lines(book.folder, config=config_path, again=request.again)
            terminal.reached(lines, run_folder=book.folder)
            state, reason = "COMPLETE", outcome["reason"]
            return 0
        terminal.outcome(outcome, run_folder=book.folder)
        state, reason = ("COMPLETE", outcome["reason"]) if outcome["blessed"] else ("NOT_BLESSED", outcome["reason"])
        if not outcome["blessed"]:
            raise GateError(f"the model is not blessed: {outcome['reason']}. {_serving(root.serving(name.run))}")
        return 0
    except PipelineError as error:
        if state != "NOT_BLESSED":
            state, reason = ("BLOCKED" if isinstance(error, GateError) else "FAILED"), str(error)
        if request.verbose:
            _show_logs(book.folder)
        raise
    except KeyboardInterrupt:
        state, reason = "CANCELED", "stopped by the user"
        raise
    finally:
        book.close(state, reason)
        record.close_in_store(store.mlmd, run_id, state, reason)
        _report(store, run_id, book.folder)


def run_all(requests: Iterable[Request]) -> int:
    """Run pipelines one after the other, and go on after one that fails.

    Returns:
        0 where every model was pushed, else the exit code of the first that was not.
    """
    first = 0
    with Workers() as workers:
        for request in requests:
            try:
                code = run(request, workers)
            except PipelineError as error:
                code = error.exit_code
                sys.stderr.write(f"{request.name.run}: {error}\n")
            first = first or code
    return first


def _supervise(order: dict[str, Any], terminal: Terminal, book: record.Record, workers: Workers) -> dict[str, Any]:
    """Have a worker run the order, follow its events, and return the run's outcome."""
    outcome: dict[str, Any] | None = None
    failure: PipelineError | None = None
    node_id = "start"
    before = signal.signal(signal.SIGTERM, _interrupt)
    log_path = os.path.join(book.folder, "logs", "worker.log")
    read_end, write_end = os.pipe()
    try:
        if not workers.ready:
            terminal.say("starting TensorFlow and TFX")
        with (
            open(log_path, "wb") as log,
            open(read_end, encoding="utf-8") as lines,
            workers.run(order, events=write_end, log=log.fileno()) as worker,
        ):
            os.close(write_end)
            for line in lines:
                fields = events.from_line(line)
                kind = fields.pop("event")
                if kind == "worker":
                    worker.pid, workers.ready = fields["pid"], True
                    continue
                book.event({"event": kind, **fields})
                if kind == "plan":
                    terminal.plan(fields["nodes"])
                    book.update(nodes=fields["nodes"], upstream=fields["upstream"])
                elif kind == "node":
                    node_id = fields["node"]
                    terminal.node(node_id, fields["state"], fields.get("seconds"), fields.get("summary", ""))
                elif kind == "progress":
                    terminal.progress(node_id, fields["text"])
                elif kind == "outcome":
                    outcome = fields
                elif kind == "error":
                    failure = KINDS[fields["kind"]](fields["message"])
            code = worker.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
    if failure:
        raise failure
    if outcome is None:
        name = node_id
        if node_id == "start":
            with open(log_path, "ab") as log:
                log.write(workers.said())
            name = "worker"
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise RunError(
            f"stage {node_id} failed: the worker process {how}\n"
            f"Its log: {os.path.join(book.folder, 'logs', name + '.log')}"
        )
    return outcome


def _report(store: inspection_store.Store, run_id: str, folder: str) -> None:
    """Leave report.html and the model card in the run's folder; what goes wrong there never fails the run."""
    try:
        from inspection.report import write

        write.write(store, run_id, folder)
    except Exception as error:
        told = (str(error).strip().splitlines() or [""])[0]
        sys.stderr.write(f"No report of this run: {type(error).__name__}: {told}\n")


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _serving(folder: str) -> str:
    versions = [name for name in os.listdir(folder) if name.isdigit()] if os.path.isdir(folder) else []
    return f"Version {max(versions, key=int)} serves on." if versions else "Nothing is served yet."


def _show_logs(folder: str) -> None:
    """Print the newest log that is not empty, for -v."""
    logs = [entry for entry in os.scandir(os.path.join(folder, "logs")) if entry.stat().st_size]
    if logs:
        newest = max(logs, key=lambda entry: entry.stat().st_mtime_ns)
        with open(newest.path, encoding="utf-8", errors="replace") as file:
            sys.stderr.write(file.read())
