"""The worker process: runs all stages of one run, and can be killed at any moment.

The supervisor starts `python -m orchestration.local.worker SOCKET_FD PID` (fork_server.py), which imports TensorFlow
and TFX and forks a worker for each run.
"""

import contextlib
import ctypes
import os
import re
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from typing import Any

from ml_metadata import errors as mlmd_errors

import printing
from components import freed_memory
from components.engine.job_servers import JOB_SERVERS
from components.fingerprints import code_digest
from errors import GateError, PipelineError, ResourceError, RunError, UserError
from inspection.store import file_rights
from models import file_reads, progress
from orchestration import lazy_packages
from orchestration.local import resume
from orchestration.local.run_order import RunOrder
from orchestration.local.warm import messages
from orchestration.local.warm.fork_loop import ForkLoop
from orchestration.records import run_events
from pipeline import user_code

USER_CODE = ("models.transform_graph.preprocessing", "models.training.run_fn")
"""Modules that a user may have edited, imported before the first stage so that errors show early."""
WARM = ("orchestration.local.execution", "keras", "tensorflow_transform", "tensorflow_transform.beam")
"""Modules that every run needs, imported once; a user does not edit them."""
AGAIN_SECONDS = 1.0
"""Interval at which a stop is raised again until the stage has ended, because code may swallow the exception."""
_asked: list[int] = []
"""Signals received that request a stop."""
_PR_SET_PDEATHSIG = 1
_BEAM_SUFFIX = re.compile(r" \[while running '[^']*'\]")


class Stopped(Exception):  # noqa: N818  not an error: TFX's launcher only cleans up after an Exception
    """The supervisor asked the worker to stop."""


def main() -> int:
    """Import once, then fork a worker for each order until the supervisor, or the time to stay after it, ends."""
    _die_with_parent(int(sys.argv[2]))
    with printing.guarded():
        return _serve()


def _serve() -> int:
    loop = ForkLoop(socket.socket(fileno=int(sys.argv[1])), _work)
    code_digest.pin_packages()
    lazy_packages.load(*WARM)
    return loop.run()


def _die_with_parent(parent: int) -> None:
    # At once: no supervisor waits for it, and the next attempt cleans up.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _work(parent: int, events_out: int, log: int, lock: int, order: int) -> int:
    """Run the order in a descriptor, and return the exit code: 0, or that of the error."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGALRM, _stop)
    _die_with_parent(parent)
    # Held until this process exits, even if the supervisor is killed; child processes do not inherit it.
    os.set_inheritable(lock, False)
    os.dup2(log, 1)
    os.dup2(log, 2)
    with open(events_out, "w", buffering=1, encoding="utf-8") as out:

        def emit(event: str, **fields: Any) -> None:
            out.write(run_events.to_line(event, **fields))

        emit("worker", pid=os.getpid())
        try:
            return _carry_out(RunOrder.from_json(messages.read_order(order)), emit)
        except BaseException:
            traceback.print_exc()
            return 1
        finally:
            # No exit handler runs, and a job server of a Beam engine must not outlive the run.
            JOB_SERVERS.close()
            sys.stdout.flush()
            sys.stderr.flush()


def _carry_out(order: RunOrder, emit: run_events.Sink) -> int:
    """Run one order, send its error as an event, and return the exit code."""
    os.environ["TMPDIR"] = tempfile.tempdir = order.scratch
    try:
        _run(order, emit)
    except PipelineError as error:
        emit("error", kind=type(error).__name__, message=str(error))
        return error.exit_code
    except PermissionError as error:
        emit("error", kind=ResourceError.__name__, message=file_rights.refusal(error.filename or order.root))
        return ResourceError.exit_code
    except mlmd_errors.StatusError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        emit("error", kind=ResourceError.__name__, message=f"the metadata store rejected a write: {reason}")
        return ResourceError.exit_code
    except Stopped:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return 128 + signal.SIGTERM
    return 0


def _stop(number: int, _: Any) -> None:
    _asked.append(number)
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
    raise Stopped


def _run(order: RunOrder, emit: run_events.Sink) -> None:
    JOB_SERVERS.log = _log_path(order, "engine")
    with _log(order, "start"):
        config = order.config
        modules = resume.code_modules(config)
        code_digest.pin(*modules)
        code = code_digest.code(*modules, files=config.files, values=config.network)
        if order.code not in (None, code):
            raise UserError("the code was edited while the run was starting: run again")
        ignored_folders = [order.root, order.scratch]
        with file_reads.watched(ignored_folders) as opened:
            for module in (*USER_CODE, *config.user_modules()):
                user_code.load(module)
        with file_reads.watched(ignored_folders) as opened_by_custom:
            for module in config.stages.modules():
                user_code.load(module)
            from orchestration.local.execution import Execution

            execution = Execution(order, opened, opened_by_custom)
    progress.listen(lambda text: emit("progress", text=text))
    emit("plan", nodes=execution.node_ids, upstream=execution.upstream)
    try:
        for node_id in execution.node_ids:
            _launch(execution, node_id, order, emit)
    finally:
        execution.early_fit.close()
    emit("outcome", **execution.outcome())


def _launch(execution: Any, node_id: str, order: RunOrder, emit: run_events.Sink) -> None:
    """Run one node, and emit its state and results."""
    if _asked:
        raise Stopped
    emit("node", node=node_id, state="RUNNING")
    started = time.monotonic()
    try:
        with _log(order, node_id):
            state, line = execution.launch(node_id, lambda text: emit("progress", text=text))
    except Exception as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        emit("node", node=node_id, state="FAILED", seconds=time.monotonic() - started, summary="")
        if findings := _findings(error):
            emit("gates", node=node_id, findings=findings)
        if isinstance(error, Stopped):
            raise
        raise _explain(error, node_id, _log_path(order, node_id)) from error
    freed_memory.release()
    if opened := execution.reads():
        emit("reads", files=opened)
    emit("node", node=node_id, state=state, seconds=time.monotonic() - started, summary=line)
    if findings := execution.findings(node_id):
        emit("gates", node=node_id, findings=findings)
    if files := execution.files(node_id):
        emit("files", files=files)
    if values := execution.tuned(node_id):
        emit("tuned", values=values)
    if lines := execution.omissions(node_id):
        emit("omissions", node=node_id, lines=lines)


def _findings(error: BaseException | None) -> list[dict[str, Any]]:
    """Return the findings of the gate that ended a stage."""
    while error is not None and not isinstance(error, GateError):
        error = error.__cause__ or error.__context__
    return error.findings if error is not None else []


def _explain(error: Exception, node_id: str, log: str) -> PipelineError:
    """Return the error that the user sees: a PipelineError unchanged, any other as a failed stage."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, RunError) and not str(cause).startswith("stage "):
            return RunError(f"stage {node_id} failed: {cause}\nIts log: {log}")
        if isinstance(cause, PermissionError) and cause.filename:
            return ResourceError(f"stage {node_id} failed: {file_rights.refusal(str(cause.filename))}\nIts log: {log}")
        if isinstance(cause, PipelineError):
            return type(cause)(_BEAM_SUFFIX.sub("", str(cause)))
        cause = cause.__cause__ or cause.__context__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    # "Graph execution error:" and "Traceback (most recent call last):" only introduce the last line.
    reason = _BEAM_SUFFIX.sub("", lines[-1] if lines[0].endswith(":") else lines[0])
    location = user_code.place(error)
    reason += f" ({location})" if location else ""
    return RunError(f"stage {node_id} failed: {type(error).__name__}: {reason}\nIts log: {log}")


def _log_path(order: RunOrder, name: str) -> str:
    return os.path.join(order.run_folder, "logs", f"{name}.log")


@contextlib.contextmanager
def _log(order: RunOrder, name: str) -> Iterator[None]:
    """Redirect standard output and error, including those of C++ code, to a log."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(_log_path(order, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    original_descriptors = os.dup(1), os.dup(2)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        yield
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(original_descriptors[0], 1)
        os.dup2(original_descriptors[1], 2)
        for descriptor in (log, *original_descriptors):
            os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
