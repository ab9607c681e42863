import pytest
from pydantic import ValidationError

from spec.timing.schedule import Notify, Schedule


def test_durations_are_seconds_or_have_a_unit():
    schedule = Schedule(name="s", cron="@daily", timeout="1.5h", backoff=7)
    assert (schedule.timeout, schedule.backoff) == (5400, 7)
    assert Schedule.model_validate(schedule.model_dump(mode="json")) == schedule


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, 'cron is needed, as cron = "0 3 \\* \\* \\*", or on = "new-span"'),
        ({"cron": "0 3 * *"}, "has 4 fields"),
        ({"cron": "@daily", "timezone": "Mars"}, "timezone 'Mars' is not known"),
        ({"cron": "@daily", "timeout": "soon"}, 'write a duration as "30s", "90m", "4h" or "1d"'),
        ({"cron": "@daily", "catchup": "some"}, "'none', 'last' or 'all'"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        Schedule(name="s", **keys)


def test_a_webhook_is_an_address():
    assert Notify(webhook="${HOOK}").webhook == "${HOOK}"
    with pytest.raises(ValidationError, match="write https://HOST/PATH"):
        Notify(webhook="host/path")
