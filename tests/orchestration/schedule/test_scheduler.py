import os
import random

import pytest

from inspection.read import schedule_history
from orchestration.schedule import scheduler as scheduler_module
from orchestration.schedule.plans import Plan
from orchestration.schedule.schedule_faults import Faults
from orchestration.schedule.schedule_state import State
from orchestration.schedule.scheduler import Scheduler
from spec.timing.schedule import Notify, Schedule

HOUR = 3600.0
START = 1_790_000_000.0 - 1_790_000_000.0 % 86400


def plan(**settings):
    return Plan("houses", Schedule(**{"name": "s", "cron": "0 * * * *", **settings}), Notify())


class Runs:
    """Starts fires in this process; each runs until the test ends it."""

    def __init__(self, state):
        self.state, self.begun, self.open = state, [], []

    def begin(self, plan, number):
        _, due, _ = self.state.begin(number, 0.0)
        self.begun.append(due)
        self.open.append(number)

    def end(self):
        for number in self.open:
            self.state.update(number, state="COMPLETE", ended=1.0)
        self.open = []


@pytest.fixture
def runs(state):
    return Runs(state)


@pytest.fixture
def scheduler(state, runs):
    return Scheduler(state, runs.begin, lambda plan: None, Faults(print))


def fires_by_time(state):
    return {fire.due.timestamp(): (fire.state, fire.reason) for fire in schedule_history.history(state.root, limit=500)}


def test_a_new_schedule_starts_with_its_next_time(scheduler, runs):
    following = scheduler.tick([plan()], START + 10)
    assert (runs.begun, following) == ([], START + HOUR)
    scheduler.tick([plan()], START + HOUR + 1)
    scheduler.tick([plan()], START + HOUR + 5)
    assert runs.begun == [START + HOUR]


@pytest.mark.parametrize(
    ("catchup", "late", "ran"),
    [
        ("none", 5.0, [5.0]),
        ("none", 600.0, []),
        ("last", 600.0, [5.0]),
        ("all", 600.0, [1.0, 2.0, 3.0, 4.0, 5.0]),
    ],
)
def test_missed_times_are_caught_up_as_configured(scheduler, state, runs, catchup, late, ran):
    hourly = plan(catchup=catchup)
    scheduler.tick([hourly], START)
    for _ in range(8):
        scheduler.tick([hourly], START + 5 * HOUR + late)
        runs.end()

    assert runs.begun == [START + hour * HOUR for hour in ran]
    skipped = {due for due, (word, _) in fires_by_time(state).items() if word == "SKIPPED"}
    assert skipped == {START + hour * HOUR for hour in range(1, 6)} - set(runs.begun)
    assert all(
        reason == f"missed; catchup = {catchup}" for word, reason in fires_by_time(state).values() if word == "SKIPPED"
    )


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_a_time_during_a_running_run_follows_overlap(scheduler, state, runs, overlap):
    hourly = plan(overlap=overlap)
    for hour in range(4):
        scheduler.tick([hourly], START + hour * HOUR)
    assert runs.begun == [START + HOUR]
    runs.end()
    scheduler.tick([hourly], START + 3 * HOUR + 30)
    runs.end()
    scheduler.tick([hourly], START + 3 * HOUR + 60)

    if overlap == "queue":
        assert runs.begun == [START + HOUR, START + 2 * HOUR, START + 3 * HOUR]
    else:
        assert runs.begun == [START + HOUR]
        assert fires_by_time(state)[START + 2 * HOUR] == ("SKIPPED", "an earlier run is running; overlap = skip")


@pytest.mark.parametrize("late", [2, 3, 4, 6, 7, 10])
def test_of_many_missed_times_the_newest_are_kept(scheduler, state, runs, monkeypatch, late):
    monkeypatch.setattr(scheduler_module, "MAX_TIMES", 3)
    hourly = plan(catchup="none", overlap="queue")
    scheduler.tick([hourly], START)
    scheduler.tick([hourly], START + late * HOUR)
    assert sorted(fires_by_time(state)) == [START + hour * HOUR for hour in range(1, late + 1)][-3:]


def test_times_during_a_pause_are_skipped_and_not_caught_up(scheduler, state, runs):
    daily = plan(catchup="all")
    scheduler.tick([daily], START)
    state.note(daily.name, paused=1)
    scheduler.tick([daily], START + 2 * HOUR)
    assert schedule_history.schedules(state.root)[0].next is None
    state.note(daily.name, paused=0)
    scheduler.tick([daily], START + 3 * HOUR)

    assert runs.begun == [START + 3 * HOUR]
    assert fires_by_time(state)[START + HOUR] == ("SKIPPED", "paused")


def test_only_new_spans_start_runs_of_a_data_schedule(state, runs):
    span = ["7"]
    scheduler = Scheduler(state, runs.begin, lambda plan: span[0], Faults(print))
    watching = plan(on="new-span", cron=None)
    begun = []
    for minute, newest in enumerate(["7", "7", "7", "8", "8", None, "8", "9"]):
        span[0] = newest
        scheduler.tick([watching], START + 60.0 * minute)
        begun.append(len(runs.begun))
        runs.end()

    # The first look only makes the schedule known.
    assert begun == [0, 1, 1, 2, 2, 2, 2, 3]
    assert {word for word, _ in fires_by_time(state).values()} == {"COMPLETE"}


def test_a_new_span_starts_one_run_however_many_times_were_missed(state, runs):
    span = ["7"]
    scheduler = Scheduler(state, runs.begin, lambda plan: span[0], Faults(print))
    watching = plan(on="new-span", catchup="all", overlap="queue")
    scheduler.tick([watching], START)
    runs.end()
    span[0] = "8"
    scheduler.tick([watching], START + 3 * HOUR)
    runs.end()
    assert runs.begun == [START + 3 * HOUR]
    assert list(fires_by_time(state)) == [START + 3 * HOUR]


def test_a_fire_whose_process_was_killed_is_detected_and_retried(scheduler, state, runs):
    for retries, word in ((1, "COMPLETE"), (0, "FAILED")):
        hourly = plan(name=f"s{retries}", retries=retries)
        scheduler.tick([hourly], START)
        scheduler.tick([hourly], START + HOUR)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        state.update(runs.open[-1], pid=pid, attempts=1)
        scheduler.tick([hourly], START + HOUR + 5)
        assert len(runs.begun) == (2 if retries else 3), "begun again with retries alone"
        state.update(runs.open[-1], state="COMPLETE", ended=1.0) if retries else None
        [fire] = schedule_history.history(state.root, schedule=hourly.name)
        assert fire.state == word
    assert [name for name, _ in state.lost()] == ["houses:s0"]


def test_fires_with_a_clock_that_jumps(state, runs, tmp_path):
    """45 fires or more, while the clock jumps both ways and the scheduler is restarted each time."""
    chance = random.Random(5)
    hourly = plan(catchup="last", overlap="queue")
    now = START
    while len(runs.begun) < 45:
        Scheduler(state, runs.begin, lambda plan: None, Faults(print)).tick([hourly], now)
        if chance.random() < 0.7:
            runs.end()
        last_tick = now
        now += chance.choice([60.0, 600.0, HOUR, 1.5 * HOUR, 5 * HOUR, -30.0, -2 * HOUR, -26 * HOUR, 30 * HOUR])
    runs.end()

    assert len(runs.begun) == len(set(runs.begun)), "a time ran twice"
    rows = fires_by_time(state)
    due = {START + HOUR * count for count in range(1, int((last_tick - START) // HOUR) + 1)}
    assert due <= set(rows), "a time was passed over without a word"
    for due_time, (word, reason) in rows.items():
        assert (word == "SKIPPED") == (due_time not in runs.begun)
        assert word == "COMPLETE" or reason == "missed; catchup = last"


def test_a_schedule_that_cannot_start_does_not_stop_the_others(state, runs):
    messages = []

    def begin(plan, number):
        if plan.name == "houses:broken":
            raise BlockingIOError(11, "Resource temporarily unavailable")
        runs.begin(plan, number)

    scheduler = Scheduler(state, begin, lambda plan: None, Faults(messages.append))
    plans = [plan(name="broken"), plan(name="sound")]
    scheduler.tick(plans, START)
    for later in (0, 5, 10):
        assert scheduler.tick(plans, START + HOUR + later) == START + 2 * HOUR
    assert runs.begun == [START + HOUR]
    [line] = messages
    assert line.startswith("schedule houses:broken: BlockingIOError: [Errno 11] Resource temporarily unavailable (")
    scheduler._begin = runs.begin
    scheduler.tick(plans, START + HOUR + 15)
    assert runs.begun == [START + HOUR, START + HOUR]
    assert messages[1] == "schedule houses:broken: resolved"


def test_only_one_of_two_schedulers_takes_a_fire(state, scheduler):
    hourly = plan()
    scheduler._begin = lambda plan, number: None
    scheduler.tick([hourly], START)
    scheduler.tick([hourly], START + HOUR)
    [(number, _)] = state.waiting(hourly.name)
    second_state = State(state.root)
    assert state.begin(number, 0.0) is not None
    assert second_state.begin(number, 0.0) is None
    # Nor does the next one begin before it has ended.
    following = state.add(hourly.name, START + 2 * HOUR)
    assert second_state.begin(following, 0.0) is None
    state.update(number, state="COMPLETE", ended=1.0)
    assert second_state.begin(following, 0.0) is not None
    second_state.close()


def test_a_fire_whose_process_is_gone_is_shown_as_failed_at_once(state, plan):
    hourly = plan()
    state.remember(hourly, START)
    number = state.add(hourly.name, START)
    state.update(number, state="RUNNING", pid=os.getpid(), born=schedule_history.birth(os.getpid()))
    assert fires_by_time(state)[START][0] == "RUNNING"
    state.update(number, born="another process with this id")
    assert fires_by_time(state)[START] == ("FAILED", "its process exited without a result")
