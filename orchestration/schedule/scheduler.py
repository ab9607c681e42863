"""Says which fires are due and begins them. All that it knows is in the file, so it may be killed at any moment."""

import itertools
import math
from collections.abc import Callable, Sequence

from orchestration.schedule.plans import Plan
from orchestration.schedule.schedule_faults import Faults
from orchestration.schedule.schedule_state import Memory, State

LATE_SECONDS = 60.0
"""With catchup = "none" a fire that is found later than this is skipped."""
MOST = 1000
"""Times that are looked at in one go; of more, as after years, the last ones count."""

Begin = Callable[[Plan, int], None]
"""Begins a fire by its number, in a process of its own."""
Newest = Callable[[Plan], str | None]
"""The newest span of a plan's data; None where it has none or cannot be read."""


class Scheduler:
    """Looks at schedules.

    Args:
        state: What is remembered.
        begin: Begins a fire.
        newest: Looks for new spans.
        faults: Takes what goes wrong with one schedule, so that the others go on.
    """

    def __init__(self, state: State, begin: Begin, newest: Newest, faults: Faults) -> None:
        self._state, self._begin, self._newest, self._faults = state, begin, newest, faults

    def tick(self, plans: Sequence[Plan], now: float) -> float:
        """Write what came due, and begin what may begin.

        Args:
            plans: The schedules there are.
            now: Seconds since 1970. It may be less than the last time, or much more.

        Returns:
            When the next fire is due; `now` plus a day where none is.
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
        # Where the clock went back its times come again from the next look on. What ran is not written twice; what was
        # skipped since a clock that was wrong had gone over it can come.
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
                # Without a cron of its own it looks every minute, which is not worth a line each.
                self._skip(plan, due if plan.schedule.cron else [], "no new span")
                return
            self._state.note(plan.name, span=span)
            due = due[-1:]
        taken = _caught_up(due, plan.schedule.catchup, now)
        self._skip(plan, [time for time in due if time not in taken], f"missed; catchup = {plan.schedule.catchup}")
        if busy and plan.schedule.overlap == "skip":
            self._skip(plan, taken, "an earlier run goes on; overlap = skip")
            return
        for time in taken:
            self._state.add(plan.name, time)

    def _skip(self, plan: Plan, due: Sequence[float], reason: str) -> None:
        for time in due:
            self._state.add(plan.name, time, "SKIPPED", reason)


def _last(times: "itertools.takewhile[float]") -> list[float]:
    """The last of many times."""
    kept: list[float] = []
    for time in times:
        kept.append(time)
        if len(kept) > 2 * MOST:
            del kept[:MOST]
    return kept[-MOST:]


def _caught_up(due: Sequence[float], catchup: str, now: float) -> list[float]:
    """Of the times that came due since the last look those that run."""
    if catchup == "all":
        return list(due)
    if catchup == "last":
        return list(due[-1:])
    return [time for time in due[-1:] if now - time <= LATE_SECONDS]
