import pytest

from models import progress


@pytest.fixture
def told():
    found = []
    progress.listen(found.append)
    yield found
    progress._listeners.clear()


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_rows_their_rate_and_the_time_left_are_told_now_and_then(told):
    clock = Clock()
    meter = progress.Meter(total=10_000, clock=clock)
    for seconds in (1, 2.9, 3.0, 4, 7.9, 8.0):
        clock.now = 100 + seconds
        meter.add(1000, "train")

    assert told == [
        "3,000 of 10,000 rows, 1,000 rows/s, about 7 s left, train",
        "6,000 of 10,000 rows, 750 rows/s, about 5 s left, train",
    ]


def test_an_unknown_end_has_no_time_left_and_slow_things_are_told_by_their_length(told):
    clock = Clock()
    meter = progress.Meter("epochs", clock=clock)
    clock.now += 40
    meter.add(2)

    assert told == ["2 epochs, 20 s each"]


def test_more_than_was_expected_is_no_time_left(told):
    clock = Clock()
    meter = progress.Meter(total=5, clock=clock)
    clock.now += 4
    meter.add(8)

    assert told == ["8 of 8 rows, 2 rows/s"]
