"""The scheduler, which starts due fires; its whole state is in the database, so it can be killed at any moment."""

import itertools
import math
from collections.abc import Callable, Sequence

from orchestration.schedule.plans import Plan
from orchestration.schedule.schedule_faults import Faults
from orchestration.schedule.schedule_state import Memory, State

LATE_SECONDS = 60.0
"""With catchup = "none", a fire that is later than this is skipped."""
MAX_TIMES = 1000
"""Number of due times processed at once; if there are more, for example after years, the last ones count."""

Begin = Callable[[Plan, int], None]
"""Starts a fire, given its number, in its own process."""
Newest = Callable[[Plan], str | None]
"""Returns the newest span of a plan's data; None if there is none or it cannot be read."""


class Scheduler:
    """The scheduler.

    Args:
        state: The state of all schedules.
        begin: Starts a fire.
        newest: Finds the newest span.
        faults: Collects the errors of one schedule, so that the others continue.
    """

    def __init__(self, state: State, begin: Begin, newest: Newest, faults: Faults) -> None:
        self._state, self._begin, self._newest, self._faults = state, begin, newest, faults

    def tick(self, plans: Sequence[Plan], now: float) -> float:
        """Record the fires that are due, and start those that can start.

        Args:
            plans: The schedules.
            now: Seconds since 1970. It may be less than at the last call, or much more.

        Returns:
            Time of the next fire, at most one day from now.
        """
        following = [now + 86400.0]
        for plan in plans:
            with self._faults.within(f"schedule {plan.name}"):
                following.append(self._tick(plan, now))
        return min(following)

    def _tick(self, plan: Plan, now: float) -> float:
        memory = self._state.remember(plan, now)
        running = self._state.is_running(plan.name)
        self._write_due(plan, memory, now, busy=running or bool(self._state.waiting(plan.name)))
        waiting = self._state.waiting(plan.name)
        if waiting and not running:
            self._begin(plan, waiting[0][0])
        upcoming = next(plan.schedule.times().after(now), None)
        self._state.note(plan.name, considered=now, next=upcoming)
        return math.inf if upcoming is None else upcoming

    def _write_due(self, plan: Plan, memory: Memory, now: float, *, busy: bool) -> None:
        # If the clock was set back, times are due again. Fires that ran are not repeated; fires that were skipped
        # because the clock was wrong can run.
        if now < memory.considered:
            self._state.forget_skipped(plan.name, now)
        times = plan.schedule.times().after(memory.considered)
        due = _last(itertools.takewhile(lambda time: time <= now, times))
        if not due:
            return
        if memory.paused:
            self._skip(plan, due, "paused")
            return
        if plan.schedule.on == "new-span":
            span = self._newest(plan)
            if span is None or span == memory.span:
                # Without cron, spans are checked every minute, too often to record each check.
                self._skip(plan, due if plan.schedule.cron else [], "no new span")
                return
            self._state.note(plan.name, span=span)
            due = due[-1:]
        times_to_run = _caught_up(due, plan.schedule.catchup, now)
        self._skip(
            plan, [time for time in due if time not in times_to_run], f"missed; catchup = {plan.schedule.catchup}"
        )
        if busy and plan.schedule.overlap == "skip":
            self._skip(plan, times_to_run, "an earlier run is running; overlap = skip")
            return
        for time in times_to_run:
            self._state.add(plan.name, time)

    def _skip(self, plan: Plan, due: Sequence[float], reason: str) -> None:
        for time in due:
            self._state.add(plan.name, time, "SKIPPED", reason)


def _last(times: "itertools.takewhile[float]") -> list[float]:
    """Return the last MAX_TIMES of many times, without keeping all in memory."""
    newest: list[float] = []
    for time in times:
        newest.append(time)
        if len(newest) > 2 * MAX_TIMES:
            del newest[:MAX_TIMES]
    return newest[-MAX_TIMES:]


def _caught_up(due: Sequence[float], catchup: str, now: float) -> list[float]:
    """Return the due times since the last check for which a run starts."""
    if catchup == "all":
        return list(due)
    if catchup == "last":
        return list(due[-1:])
    return [time for time in due[-1:] if now - time <= LATE_SECONDS]
