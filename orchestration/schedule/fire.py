"""One fire in its own process: attempts, time limit, result and notifications."""

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import printing
import project
from errors import GateError, ResourceError, UserError
from orchestration.local.warm import warm_process
from orchestration.paths import Root
from orchestration.records import run_events
from orchestration.schedule import notifications, unchanged_inputs
from orchestration.schedule.plans import Plan
from orchestration.schedule.schedule_faults import described
from orchestration.schedule.schedule_state import State
from pipeline.variants import ALL
from spec.file_names import RUN

LOGS = os.path.join(".schedule", "logs")
"""Folder under the root with one file per fire."""
KEPT_LOGS = 500
"""Number of logs kept, of all schedules together."""
_LOG = re.compile(r".+-\d+\.log")
STOP_SECONDS = 30.0
"""Time that a run has to end after SIGTERM before it is killed."""
_FINAL = {0, UserError.exit_code, GateError.exit_code}
"""Exit codes that are not retried."""
_PR_SET_PDEATHSIG = 1
REFUSED = ("BLOCKED", "NOT_BLESSED")
"""States of a run that a gate or a rule refused."""

Attempt = Callable[[Plan, "float | None", str], int]
"""Runs a plan once with a time limit in seconds and its output in a file; returns the exit code."""


@dataclass(frozen=True)
class Result:
    """Result of a fire.

    Attributes:
        state: State in `schedule history`.
        reason: Reason, in words.
        run_id: The run, if one started.
        pushed: The version of its model.
        new: Whether this run pushed it, as opposed to an earlier one.
        code: Exit code of the run that failed, or of the error before it; None if it was killed.
    """

    state: str
    reason: str
    run_id: str | None = None
    pushed: str | None = None
    new: bool = False
    code: int | None = None


class Stopped(BaseException):
    """The process was requested to stop."""


def carry_out(
    state: State,
    fire: int,
    *,
    attempt: Attempt | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Result | None:
    """Run a waiting fire.

    Args:
        state: The state of all schedules.
        fire: Its number.
        attempt: Runs the pipeline; by default in another process.
        clock: Returns seconds since 1970.
        sleep: Waits a number of seconds.

    Returns:
        Its result; None if it is no longer waiting, or another fire of its schedule is running.
    """
    claimed = state.begin(fire, clock())
    if claimed is None:
        return None
    plan, due, attempts_made = claimed
    memory = state.memory(plan.name)
    log = os.path.join(state.root, LOGS, f"{plan.name.replace(':', '-')}-{int(due)}.log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    _remove_old(os.path.dirname(log))
    try:
        result = _attempts(state, plan, fire, attempts_made, log, attempt or _Process(state.root), sleep)
    except (Stopped, KeyboardInterrupt):
        result = Result("CANCELED", "stopped; the next run resumes after its last finished stage")
    except Exception as error:  # without a result it would count as lost
        state_of_error = "BLOCKED" if isinstance(error, GateError) else "FAILED"
        result = Result(state_of_error, described(error, plan.name), code=getattr(error, "exit_code", None))
    # SQLite rejects lone surrogates, which come from names that are not UTF-8.
    reason = printing.visible(result.reason[:2000], keep="\n")
    state.update(fire, state=result.state, reason=reason, ended=clock(), run_id=result.run_id)
    # A stop during a notification ends only the notification: the result is already stored.
    with contextlib.suppress(Stopped):
        _tell(state, plan, result, was_failing=memory.failing, log=log)
    return result


def tell_lost(state: State, fire: int, plan: Plan, now: float) -> None:
    """Notify of a fire whose process exited without a result."""
    result = Result("FAILED", state.state_of(fire)[1])
    state.update(fire, ended=now)
    _tell(state, plan, result, was_failing=True, log=os.path.join(state.root, LOGS, f"lost-{fire}.log"))


def _remove_old(folder: str) -> None:
    """Remove the logs of the oldest fires, and no other file; another fire may do the same at the same time."""
    ages = []
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):
            if _LOG.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                ages.append((entry.stat().st_mtime, entry.path))
    for _, path in sorted(ages)[:-KEPT_LOGS]:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def _attempts(
    state: State, plan: Plan, fire: int, attempts_made: int, log: str, attempt: Attempt, sleep: Callable[[float], None]
) -> Result:
    memory = state.memory(plan.name)
    fingerprint = _fingerprint(plan, state.root)
    settled = memory.settled or {}
    if (
        fingerprint is not None
        and fingerprint == memory.fingerprint
        and unchanged_inputs.still_holds(settled, state.root, plan.run.run)
    ):
        return Result(
            "UNCHANGED",
            f"data, config, schema and code have not changed since run {settled['run_id']} ({settled['state']})",
            settled["run_id"],
        )
    schedule = plan.schedule
    for number in range(attempts_made, max(attempts_made, schedule.retries) + 1):
        if number:
            sleep(schedule.backoff * 2 ** (number - 1))
        state.update(fire, attempts=number + 1)
        started = time.time()
        try:
            code = attempt(plan, schedule.timeout, log)
        except TimeoutError:
            result = Result(
                "FAILED", f"stopped after {schedule.timeout:g} s", _recorded(state, plan, started).get("run_id")
            )
            continue
        record = _recorded(state, plan, started)
        result = replace(_result(code, record, log), new=_pushed_itself(state, plan, record))
        if code in _FINAL:
            if code != UserError.exit_code and fingerprint is not None and record:
                run_facts = {
                    "run_id": result.run_id,
                    "state": record.get("state"),
                    "pushed": result.pushed,
                    "reads": record.get("reads"),
                }
                # From the run's record: the data may have changed since it was checked here.
                made_of = (
                    unchanged_inputs.of(record["identity"], record["versions"]) if "identity" in record else fingerprint
                )
                state.note(plan.name, fingerprint=made_of, settled=json.dumps(run_facts))
            break
    return result


def _result(code: int, record: dict[str, Any], log: str) -> Result:
    reason = str(record.get("reason") or "")
    pushed = (record.get("outcome") or {}).get("pushed")
    if code == 0:
        return Result("COMPLETE", reason, record.get("run_id"), pushed)
    state = "FAILED"
    if code == GateError.exit_code:
        state = record["state"] if record.get("state") in REFUSED else "BLOCKED"
    ending = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    reason = reason or f"the run {ending}: {_last_line(log)}. Its output: {log}"
    return Result(state, reason, record.get("run_id"), code=code if code > 0 else None)


def _fingerprint(plan: Plan, root: str) -> str | None:
    """Return the digest of the inputs of the run; None for several runs, or without the cache."""
    name, options = plan.run, plan.arguments
    if name.variant == ALL or "--no-cache" in options:
        return None
    overrides = [options[position + 1] for position, option in enumerate(options) if option == "--set"]
    if name.sample:
        overrides.append(f"data.sample={plan.argument('--sample')}")
    try:
        return unchanged_inputs.fingerprint(name, overrides, plan.data_root, root)
    except (UserError, ResourceError):
        # The run reports the error.
        return None


def _recorded(state: State, plan: Plan, started: float) -> dict[str, Any]:
    """Return run.json of the run that started since then; empty if there is none."""
    folder = os.path.dirname(Root(state.root).run(plan.run.run, ""))
    newest: tuple[float, dict[str, Any]] = (started - 1.0, {})
    for entry in os.scandir(folder) if os.path.isdir(folder) else []:
        path = os.path.join(entry.path, RUN)
        with contextlib.suppress(OSError, ValueError):
            if os.stat(path).st_mtime >= newest[0]:
                with open(path, encoding="utf-8") as file:
                    newest = (os.stat(path).st_mtime, json.load(file))
    return newest[1]


def _pushed_itself(state: State, plan: Plan, record: dict[str, Any]) -> bool:
    """Return whether the pusher ran in a run, from its events."""
    events = run_events.of_run(Root(state.root).run(plan.run.run, str(record.get("run_id"))))
    return any((event.get("node"), event.get("state")) == ("pusher", "COMPLETE") for event in events)


def _last_line(log: str) -> str:
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return lines[-1].removeprefix("error: ")[:300] if lines else "no output"


class _Process:
    """Run a plan in a child process, which ends with this one."""

    def __init__(self, root: str) -> None:
        self._root = root

    def __call__(self, plan: Plan, timeout: float | None, log: str) -> int:
        command = [
            *(sys.executable, os.path.join(project.REPOSITORY, "runner.py"), "--local", "--pipeline", plan.pipeline),
            *("--root", self._root, *plan.arguments),
        ]
        with open(log, "ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "NO_COLOR": "1", warm_process.SCHEDULED: "1"},
                preexec_fn=_end_with_parent,
            )
            try:
                return process.wait(timeout)
            except subprocess.TimeoutExpired as error:
                raise TimeoutError from error
            finally:
                _stop(process)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)


def _tell(state: State, plan: Plan, result: Result, *, was_failing: bool, log: str) -> None:
    events = []
    if result.state in ("FAILED", *REFUSED):
        state.note(plan.name, failing=1)
        events.append("gate" if result.state in REFUSED else "failure")
    elif result.state == "COMPLETE":
        state.note(plan.name, failing=0)
        events += ["recovery"] if was_failing else []
        events += ["push"] if result.pushed and result.new else []
    words = {"failure": "failed", "gate": "was blocked", "push": "pushed a version", "recovery": "succeeds again"}
    for event in events:
        subject = result.pushed if event == "push" else result.reason
        text = f"{plan.name} {words[event]}: {subject}"
        facts = {"text": text, "schedule": plan.name, "state": result.state, "run_id": result.run_id, "log": log}

        def say(line: str) -> None:
            # A log that cannot be written, as on a full disk, must not hide the result.
            with contextlib.suppress(OSError):
                printing.line(f"{plan.name}: {line}", to=sys.stderr)
                os.makedirs(os.path.dirname(log), exist_ok=True)
                with open(log, "a", encoding="utf-8") as file:
                    file.write(f"{printing.visible(line)}\n")

        notifications.tell(plan.notify, event, facts, say=say)
