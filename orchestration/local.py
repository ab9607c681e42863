"""Runs a pipeline on this machine: the supervisor, a process without TensorFlow.

It owns the terminal, signals, the run's folder and the verdict; one worker process runs the stages.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from errors import KINDS, GateError, PipelineError, RunError
from inspection import store as inspection_store
from orchestration import events, preflight, record
from orchestration.places import REPOSITORY, Root, new_run_id
from orchestration.terminal import Terminal
from pipeline import load
from pipeline.beam import BEAM_ARGS

STOP_SECONDS = 10.0
"""How long a worker may take to end after SIGTERM before it is killed."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for.

    Attributes:
        pipeline: Name of the config.
        overrides: `key=value` texts.
        root: Folder of all runs.
        data_root: Folder that data paths are relative to.
        metadata: URL of the store; None for SQLite under the root.
        beam_args: Beam arguments; empty for in memory.
        cache: Whether unchanged stages are served from earlier runs.
        verbose: Whether a failed stage's log is shown.
    """

    pipeline: str
    overrides: Iterable[str] = ()
    root: str = "runs"
    data_root: str = REPOSITORY
    metadata: str | None = None
    beam_args: Iterable[str] = field(default=BEAM_ARGS)
    cache: bool = True
    verbose: bool = False


def run(request: Request) -> int:
    """Run a pipeline to its end.

    Returns:
        0 where the model was blessed and pushed.

    Raises:
        UserError: config, data, schema or user code cannot be used.
        GateError: data or model were refused.
        RunError: a stage failed.
        ResourceError: the root or the store cannot be used.
    """
    terminal = Terminal()
    config = load.load(REPOSITORY, request.pipeline, request.overrides)
    columns = load.schema_columns(REPOSITORY, request.pipeline)
    load.check_columns(request.pipeline, config, columns)
    root = Root(os.path.abspath(request.root))
    data = os.path.join(os.path.abspath(request.data_root), config.data.path)
    preflight.check_root(root.path)
    preflight.check_data(
        data, config=f"{load.CONFIGS}/{request.pipeline}.toml", columns=columns, label=config.label.column
    )
    store = inspection_store.open_store(root.path, request.metadata, readonly=False)
    run_id = new_run_id()
    facts = {
        "run_id": run_id,
        "pipeline": request.pipeline,
        "config": config.plain(),
        "seed": config.training.seed,
        "data": data,
        "root": root.path,
        "metadata": inspection_store.redact(request.metadata) if request.metadata else None,
        "beam_args": list(request.beam_args),
    }
    book = record.Record(root.run(request.pipeline, run_id), facts)
    order = {
        **facts,
        "metadata": request.metadata,
        "run_folder": book.folder,
        "columns": columns,
        "schema": os.path.join(REPOSITORY, load.SCHEMAS, f"{request.pipeline}.pbtxt"),
        "cache": request.cache,
    }
    state, reason = "FAILED", "the supervisor ended early"
    try:
        # TensorFlow and TFX leave files in the temporary folder; this one goes with the run.
        with terminal, tempfile.TemporaryDirectory(prefix="pipeline-") as scratch:
            outcome = _supervise(order, terminal, book, scratch)
        book.update(outcome=outcome)
        terminal.outcome(outcome, run_folder=book.folder)
        state, reason = ("COMPLETE", outcome["reason"]) if outcome["blessed"] else ("NOT_BLESSED", outcome["reason"])
        if not outcome["blessed"]:
            raise GateError(
                f"the model is not blessed: {outcome['reason']}. {_serving(root.serving(request.pipeline))}"
            )
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


def _supervise(order: dict[str, Any], terminal: Terminal, book: record.Record, scratch: str) -> dict[str, Any]:
    """Start the worker, follow its events, and return the run's outcome."""
    read_end, write_end = os.pipe()
    environment = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": REPOSITORY,
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": scratch,
    }
    with open(os.path.join(book.folder, "logs", "worker.log"), "wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "orchestration.worker", str(write_end)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            env=environment,
            pass_fds=[write_end],
            # Ctrl-C reaches the supervisor alone, which then stops the worker.
            start_new_session=True,
        )
    os.close(write_end)
    outcome: dict[str, Any] | None = None
    failure: PipelineError | None = None
    node_id = "start"
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        assert worker.stdin is not None
        worker.stdin.write(json.dumps(order).encode())
        worker.stdin.close()
        terminal.say("starting TensorFlow and TFX")
        with open(read_end, encoding="utf-8") as lines:
            for line in lines:
                fields = events.from_line(line)
                book.event(fields)
                kind = fields.pop("event")
                if kind == "plan":
                    terminal.plan(fields["nodes"])
                    book.update(nodes=fields["nodes"])
                elif kind == "node":
                    node_id = fields["node"]
                    terminal.node(node_id, fields["state"], fields.get("seconds"), fields.get("summary", ""))
                elif kind == "outcome":
                    outcome = fields
                elif kind == "error":
                    failure = KINDS[fields["kind"]](fields["message"])
        code = worker.wait()
    finally:
        _end(worker)
        signal.signal(signal.SIGTERM, before)
    if failure:
        raise failure
    if outcome is None:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise RunError(
            f"stage {node_id} failed: the worker process {how}\n"
            f"Its log: {os.path.join(book.folder, 'logs', node_id + '.log')}"
        )
    return outcome


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _end(worker: "subprocess.Popen[bytes]") -> None:
    """Leave no worker behind."""
    if worker.poll() is None:
        worker.terminate()
        try:
            worker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


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
