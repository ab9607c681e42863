"""The worker process: imports TensorFlow and TFX, runs all stages, and may be killed at any moment.

Started by the supervisor as `python -m orchestration.worker EVENTS_FD` with its order as JSON on standard input, so
that a password in the metadata URL is in no argument list and no file.
"""

import contextlib
import ctypes
import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

from errors import PipelineError, RunError
from orchestration import events
from pipeline import usercode

USER_CODE = ("models.preprocessing", "models.training")
"""What a user may have edited, imported before any stage costs time; the config imported the network's file."""
_PR_SET_PDEATHSIG = 1
_BEAM_SUFFIX = re.compile(r" \[while running '[^']*'\]")


class Stopped(Exception):  # noqa: N818  not an error of ours: TFX's launcher only cleans up after an Exception
    """The supervisor asked the worker to stop."""


def main() -> int:
    """Run the ordered pipeline; the exit code is 0, or that of the error."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, _stop)
    order = json.load(sys.stdin)
    with open(int(sys.argv[1]), "w", buffering=1, encoding="utf-8") as out:

        def emit(event: str, **fields: Any) -> None:
            out.write(events.to_line(event, **fields))

        try:
            _run(order, emit)
        except PipelineError as error:
            emit("error", kind=type(error).__name__, message=str(error))
            return error.exit_code
        except Stopped:
            return 128 + signal.SIGTERM
    return 0


def _stop(*_: Any) -> None:
    raise Stopped


def _run(order: dict[str, Any], emit: events.Sink) -> None:
    with _log(order, "start"):
        for module in USER_CODE:
            usercode.load(module)
        from orchestration.execution import Execution

        execution = Execution(order)
    emit("plan", nodes=execution.node_ids)
    for node_id in execution.node_ids:
        emit("node", node=node_id, state="RUNNING")
        started = time.monotonic()
        try:
            with _log(order, node_id):
                state, summary = execution.launch(node_id)
        except Exception as error:
            emit("node", node=node_id, state="FAILED", seconds=time.monotonic() - started, summary="")
            if isinstance(error, Stopped):
                raise
            raise _explain(error, node_id, _log_path(order, node_id)) from error
        emit("node", node=node_id, state=state, seconds=time.monotonic() - started, summary=summary)
    emit("outcome", **execution.outcome())


def _explain(error: Exception, node_id: str, log: str) -> PipelineError:
    """The error that the user sees: our own as it is, any other as a failed stage."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, PipelineError):
            return type(found)(_BEAM_SUFFIX.sub("", str(found)))
        found = found.__cause__ or found.__context__
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    last = _BEAM_SUFFIX.sub("", lines[-1]) if lines else ""
    return RunError(f"stage {node_id} failed: {type(error).__name__}: {last}\nIts log: {log}")


def _log_path(order: dict[str, Any], name: str) -> str:
    return os.path.join(order["run_folder"], "logs", f"{name}.log")


@contextlib.contextmanager
def _log(order: dict[str, Any], name: str) -> Iterator[None]:
    """Send standard output and error, also those of C++ code, to one log."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(_log_path(order, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    before = os.dup(1), os.dup(2)
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
        os.dup2(before[0], 1)
        os.dup2(before[1], 2)
        for descriptor in (log, *before):
            os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
