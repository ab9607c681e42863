"""The supervisor: runs a pipeline on this machine, in a process without TensorFlow.

It owns the terminal, the signals, the run's folder and the verdict; one worker process runs the stages.
"""

import os
import sys
import tempfile
import traceback
from collections.abc import Iterable
from typing import Any

import printing
import project
from components.engine import arguments, endpoints
from errors import GateError, PipelineError, ResourceError, UserError
from inspection.store import file_rights
from inspection.store import metadata_store as inspection_store
from orchestration import preflight
from orchestration.display import tuning_summary
from orchestration.display.terminal import Terminal
from orchestration.local import refused_run, resume, run_lock, run_start, unchanged_run
from orchestration.local.fork_server import ForkServer
from orchestration.local.run_order import RunOrder
from orchestration.local.run_request import Request
from orchestration.local.supervision import supervise
from orchestration.paths import Root, new_run_id
from orchestration.records import run_events, run_record
from pipeline import load, stages
from pipeline.schema_columns import unused
from serving import versions
from spec.file_names import REPORT

TUNER = "tuner"
"""Id of the stage that `tune` ends with."""


def run(request: Request, workers: ForkServer) -> int:
    """Run a pipeline, or resume its unfinished run.

    Args:
        request: The run.
        workers: Forks its worker; several runs may use it, one after the other.

    Returns:
        0 if the model was blessed and pushed, or the last requested stage has finished.

    Raises:
        UserError: config, data, schema or user code cannot be used.
        GateError: a gate blocked the data, or the model is not blessed or not pushed.
        RunError: a stage failed.
        ResourceError: the root or the store cannot be used.
    """
    name = request.name
    terminal = Terminal()
    root = Root(os.path.abspath(request.root))
    place = run_start.Place(root, name.run, request.metadata)
    newest = unchanged_run.newest(place) if request.cache else {}
    if request.first or newest.get("state") != "COMPLETE":
        # The imports take longer than everything before the first stage.
        workers.begin()
    identity_checked: dict[str, str] = {}

    def identity(reviewed: load.ReviewedConfig) -> dict[str, str]:
        return resume.requested_identity(name, reviewed, request.data_root, first=request.first, to=request.to)

    def passed(reviewed: load.ReviewedConfig) -> bool:
        try:
            identity_checked.update(identity(reviewed))
        except PipelineError:
            # Preflight reports it with all other findings.
            return False
        is_unchanged = newest.get("state") == "COMPLETE" and newest.get("identity") == identity_checked
        if not is_unchanged:
            workers.begin()
        return is_unchanged

    report = preflight.look(
        name,
        request.overrides,
        root=request.root,
        data_root=request.data_root,
        metadata=request.metadata,
        beam_args=tuple(request.beam_args),
        passed=passed,
        rows="first" if request.first in (None, stages.ORDER[0]) else "none",
    )
    try:
        reviewed = report.settle()
    except PipelineError as error:
        refused_run.record(name, place, report.checks, str(error))
        raise
    config, columns = reviewed.config, reviewed.columns
    workers.keep_minutes = config.limits.keep_warm
    if request.to == TUNER and config.tuner is None:
        raise UserError(
            f"{load.CONFIGS}/{name.pipeline}.toml has no [tuner]: add for example\n"
            '[tuner.space]\n"training.optimizer.learning_rate" = {low = 1e-4, high = 1e-1, scale = "log"}'
        )
    stages.check(config, first=request.first, to=request.to, only=request.only)
    engine = arguments.parse(tuple(request.beam_args))
    if line := endpoints.warning(engine):
        terminal.say(f"{line}: {engine.description} waits for it, unless its workers run on another machine")
    data = report.data
    with run_lock.held(root.pipeline(name.run), terminal.say) as run_hold:
        store = place.open_store()
        if moved := place.relocate(store):
            terminal.say(moved)
        run_identity = identity_checked if identity_checked and not run_hold.waited else identity(reviewed)
        unfinished = run_start.earlier(
            place, store.mlmd, run_hold.last, run_identity, anew=request.new_run, say=terminal.say
        )
        base = run_start.base(place, store.mlmd, config, request.first, only=request.only, say=terminal.say)
        run_id = unfinished["run_id"] if unfinished else new_run_id()
        last_facts = run_hold.last
        run_hold.name(run_id)
        unused_columns = unused(config, columns)
        facts = {
            "run_id": run_id,
            "pipeline": name.run,
            "config": run_record.without_secrets(config.plain()),
            "seed": config.training.seed,
            "data": data,
            **({"query": report.query.plain()} if report.query else {}),
            "root": root.path,
            "metadata": place.shown,
            "beam_args": list(request.beam_args),
            "identity": run_identity,
            "unused": unused_columns.plain(),
        }
        repeated_run = None
        if unfinished is None and request.cache and not (request.first or config.training.warm_start or report.skew):
            expected = {key: facts[key] for key in ("identity", "beam_args", "metadata", "root")}
            repeated_run = unchanged_run.unchanged(place, store.mlmd, last_facts, expected)
        book = run_record.Record(root.run(name.run, run_id), {**(unfinished or {}), **facts})
        state, reason = "FAILED", "the supervisor ended unexpectedly"
        try:
            # TensorFlow and TFX leave files in the temporary folder, which is removed at the end of the run.
            with terminal, tempfile.TemporaryDirectory(prefix=f"{resume.SCRATCH}{run_id}-") as scratch:
                book.update(scratch=scratch)
                for line in unused_columns.lines(rest=f"... all of them: {REPORT}"):
                    terminal.note(line)
                if repeated_run is not None:
                    outcome = unchanged_run.repeat(repeated_run, place, store.mlmd, run_id, book, terminal)
                else:
                    order = RunOrder(
                        run_id=run_id,
                        run_folder=book.folder,
                        root=root.path,
                        metadata=request.metadata,
                        scratch=scratch,
                        pipeline=name.run,
                        config=config,
                        columns=columns,
                        data=data,
                        data_content=run_identity["data"],
                        schema=os.path.join(project.folder(), reviewed.schema),
                        schema_content=run_identity["schema"],
                        skew=report.skew,
                        skew_content=run_identity.get("served rows", ""),
                        predicted=report.predicted,
                        predicted_content=run_identity.get("rows to predict", ""),
                        code=run_identity["code"],
                        beam_args=tuple(request.beam_args),
                        cache=request.cache,
                        advisory=name.sample,
                        first=request.first,
                        base=base,
                        to=request.to,
                        only=request.only,
                    )
                    outcome = supervise(order, config.limits, terminal, book, workers, run_hold.descriptor)
            book.update(outcome=outcome)
            state, reason = _state(request, outcome), outcome.get("withheld") or outcome["reason"]
            _show(request, outcome, terminal, book.folder, root.run(name.run, base) if base else None)
            if state == "NOT_BLESSED":
                result = "not pushed" if outcome.get("withheld") else "not blessed"
                raise GateError(f"the model is {result}: {reason}. {versions.serves(root.serving(name.run))}.")
            return 0
        except PipelineError as error:
            if state == "FAILED":
                state, reason = ("BLOCKED" if isinstance(error, GateError) else "FAILED"), str(error)
            if request.verbose:
                _show_logs(book.folder)
            raise
        except PermissionError as error:
            reason = file_rights.refusal(error.filename or book.folder)
            raise ResourceError(f"{reason}. Then the same command resumes the run") from error
        except OSError as error:
            reason = f"{error.filename or book.folder} could not be written or read: {error.strerror or error}"
            raise ResourceError(
                f"{reason}. Free disk space or fix the disk; then the same command resumes the run"
            ) from error
        except KeyboardInterrupt:
            state, reason = "CANCELED", "stopped by the user"
            raise
        finally:
            try:
                book.close(state, reason)
            except OSError as error:
                # The next run finds it unfinished and resumes it.
                terminal.say(f"{book.folder}: the end of the run could not be recorded: {error.strerror or error}")
            try:
                place.close(store.mlmd, run_id, state, reason)
            except ResourceError as error:
                # The next run records it.
                terminal.say(f"{error}: the end of the run is not recorded there yet")
            _report(store, run_id, book.folder)


def _state(request: Request, outcome: dict[str, Any]) -> str:
    """Return the state of a run that reached its end; a model that is withheld counts as not blessed."""
    held = request.to is None and (not outcome["blessed"] or outcome.get("withheld"))
    return "NOT_BLESSED" if held else "COMPLETE"


def _show(request: Request, outcome: dict[str, Any], terminal: Terminal, folder: str, base: str | None) -> None:
    """Show the outcome of the run; of one stage, also its outcome in the run whose outputs it used."""
    if request.to is None:
        terminal.outcome(outcome, run_folder=folder)
        return
    lines = [outcome["reason"], *(run_events.before(request.to, base) if request.only and base else [])]
    if outdated := outcome.get("outdated"):
        lines.append(f"Without the changes of {', '.join(outdated)} since run {os.path.basename(base or '')}")
    if request.to == TUNER:
        config_path = f"{load.CONFIGS}/{request.name.pipeline}.toml"
        lines = tuning_summary.lines(folder, config=config_path, command=request.again)
    terminal.reached(lines, run_folder=folder)


def run_all(requests: Iterable[Request]) -> int:
    """Run pipelines one after the other; a failed run does not stop the next ones.

    Returns:
        0 if every model was pushed, else the exit code of the first run that failed.
    """
    first_failure, requests = 0, list(requests)
    with ForkServer(warm=any(request.warm for request in requests)) as workers:
        for request in requests:
            try:
                code = run(request, workers)
            except PipelineError as error:
                code = error.exit_code
                printing.error(str(error), request.name.run)
            except Exception:  # an error in one variant must not stop the others
                code = PipelineError.exit_code
                printing.error(traceback.format_exc().rstrip(), request.name.run)
            first_failure = first_failure or code
    return first_failure


def _report(store: inspection_store.Store, run_id: str, folder: str) -> None:
    """Write report.html and the model card; an error there does not fail the run."""
    try:
        from inspection.report import write_report

        write_report.write(store, run_id, folder)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        printing.line(f"report.html could not be written: {type(error).__name__}: {reason}", to=sys.stderr)


def _show_logs(folder: str) -> None:
    """Print the newest log that is not empty, for -v."""
    logs = [entry for entry in os.scandir(os.path.join(folder, "logs")) if entry.stat().st_size]
    if logs:
        newest = max(logs, key=lambda entry: entry.stat().st_mtime_ns)
        with open(newest.path, encoding="utf-8", errors="replace") as file:
            printing.block(file.read(), to=sys.stderr)
