import pytest

from models import progress
from tests import processes


@pytest.fixture
def lines():
    messages = []
    progress.listen(messages.append)
    yield messages
    progress._listeners.clear()


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_rows_their_rate_and_the_time_left_are_printed_at_intervals(lines):
    clock = Clock()
    meter = progress.Meter(total=10_000, clock=clock)
    for seconds in (1, 2.9, 3.0, 4, 7.9, 8.0):
        clock.now = 100 + seconds
        meter.add(1000, "train")

    assert lines == [
        "3,000 of 10,000 rows, 1,000 rows/s, about 7 s left, train",
        "6,000 of 10,000 rows, 750 rows/s, about 5 s left, train",
    ]


def test_without_a_total_no_time_left_is_printed_and_slow_units_have_their_seconds(lines):
    clock = Clock()
    meter = progress.Meter("epochs", clock=clock)
    clock.now += 40
    meter.add(2)

    assert lines == ["2 epochs, 20 s each"]


def test_more_than_was_expected_is_no_time_left(lines):
    clock = Clock()
    meter = progress.Meter(total=5, clock=clock)
    clock.now += 4
    meter.add(8)

    assert lines == ["8 of 8 rows, 2 rows/s"]


def test_the_time_of_building_a_graph_is_no_rate(lines):
    clock = Clock()
    meter = progress.Meter("epochs", 10, clock, builds=True)
    for seconds in (60, 62, 64, 66):
        clock.now = 100 + seconds
        meter.add(1)

    assert lines == ["1 of 10 epochs", "4 of 10 epochs, 2 s each, about 12 s left"]


def test_a_slow_step_before_the_first_count_is_printed(lines, monkeypatch):
    monkeypatch.setattr(progress, "FIRST_SECONDS", 0.0)
    with progress.doing("building the graph of 750 columns"):
        processes.wait_until(lambda: lines)
    monkeypatch.setattr(progress, "FIRST_SECONDS", 3600.0)
    with progress.doing("never told"):
        pass

    assert lines == ["building the graph of 750 columns"]
