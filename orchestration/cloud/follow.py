"""Display of a run on a platform, in the same table as a run on this machine."""

import time
from collections.abc import Callable

import printing
from orchestration.cloud.remote import Run, Service
from orchestration.display.terminal import Terminal

SECONDS = 10.0
"""Pause between two requests for the state of a run."""


def follow(service: Service, run_id: str, *, pause: Callable[[float], object] = time.sleep) -> int:
    """Show the stages of a run until it ends.

    Args:
        service: The platform.
        run_id: The run.
        pause: Waits for a number of seconds.

    Returns:
        The exit code of the run; 130 if it was cancelled.
    """
    run = service.run(run_id)
    shown_states: dict[str, str] = {}
    with Terminal() as terminal:
        terminal.plan(list(run.stages))
        while True:
            for name, stage in run.stages.items():
                if stage.state != shown_states.get(name, ""):
                    shown_states[name] = stage.state
                    terminal.node(name, stage.state, stage.seconds, printing.in_a_line(stage.reason))
            if run.state != "RUNNING":
                break
            pause(SECONDS)
            run = service.run(run_id)
    printing.line(*summary(run))
    return run.exit_code


def summary(run: Run) -> list[str]:
    """Return lines about the end of a run: its state, the failed stages with their reasons, and its page."""
    failed = [
        f"{name} failed: {printing.in_a_line(stage.reason) or 'the service gives no reason'}"
        for name, stage in run.stages.items()
        if stage.state == "FAILED"
    ]
    reason = [printing.in_a_line(run.reason)] if run.reason and not failed else []
    return [f"run {run.id}: {run.state.lower()}", *failed, *reason, f"page    {run.link}"]
