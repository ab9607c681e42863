"""Times of a [[schedule]] as each platform takes them, and what a platform cannot do."""

import pytest

from errors import UserError
from orchestration.cloud import remote, schedule_times
from spec.timing.schedule import Schedule


def times(target, **settings):
    return schedule_times.times(target, Schedule(name="nightly", **{"cron": "0 3 * * *", **settings}))


def test_times_are_those_of_the_config():
    assert times("vertex", timezone="Europe/Berlin", catchup="all", overlap="queue") == (
        remote.Times(cron="TZ=Europe/Berlin 0 3 * * *", queue=True, catch_up=True),
        [],
    )
    assert times("kubeflow", cron="@daily", catchup="all", overlap="queue") == (
        remote.Times(cron="0 0 0 * * *", queue=True, catch_up=True),
        [],
    )
    for target in ("vertex", "kubeflow"):
        cloud_times, notes = times(target, retries=2)
        assert cloud_times.catch_up is False
        assert any("retries and timeout have no effect" in note for note in notes)


@pytest.mark.parametrize(
    ("target", "settings", "message"),
    [
        ("kubeflow", {"timezone": "Europe/Berlin"}, "Kubeflow knows no time zones: write cron in UTC"),
        ("kubeflow", {"catchup": "none"}, "Kubeflow runs at least the last missed time"),
        ("vertex", {"on": "new-span"}, "Vertex AI cannot wait for a new span"),
        ("vertex", {"variant": "all"}, "a job is of one variant"),
    ],
)
def test_what_a_platform_cannot_schedule_is_rejected(target, settings, message):
    with pytest.raises(UserError, match=message):
        times(target, **settings)
