import datetime
import itertools
import re
import zoneinfo

import pytest

from spec.timing.cron import Cron


def times(text, zone, start, count):
    """The next times after a local one, as local ones."""
    place = zoneinfo.ZoneInfo(zone)
    moment = datetime.datetime.fromisoformat(start).replace(tzinfo=place).timestamp()
    moments = itertools.islice(Cron(text, zone).after(moment), count)
    return [datetime.datetime.fromtimestamp(time, place).strftime("%m-%d %H:%M %Z") for time in moments]


@pytest.mark.parametrize(
    ("text", "zone", "start", "expected"),
    [
        ("0 3 * * *", "UTC", "2026-11-25T03:00", ["11-26 03:00 UTC", "11-27 03:00 UTC"]),
        ("*/20 9-10 * * mon-fri", "UTC", "2026-11-27T10:30", ["11-27 10:40 UTC", "11-30 09:00 UTC"]),
        ("0 0 1,15 * 3", "UTC", "2026-11-25T00:00", ["12-01 00:00 UTC", "12-02 00:00 UTC", "12-09 00:00 UTC"]),
        ("0 0 */10 * 7", "UTC", "2026-11-01T00:00", ["01-31 00:00 UTC"]),
        ("@monthly", "UTC", "2026-11-25T00:00", ["12-01 00:00 UTC"]),
        ("5/20 0 29 FEB *", "UTC", "2026-11-25T00:00", ["02-29 00:05 UTC", "02-29 00:25 UTC", "02-29 00:45 UTC"]),
    ],
)
def test_fields_mean_what_they_mean_to_cron(text, zone, start, expected):
    assert times(text, zone, start, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "zone", "start", "expected"),
    [
        # The clock goes from 2:00 to 3:00 on 29 March: a skipped time comes once, right after the gap.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["03-29 03:00 CEST", "03-30 02:30 CEST"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["03-29 03:00 CEST", "03-30 02:00 CEST"]),
        ("0 * * * *", "Europe/Berlin", "2026-03-29T00:30", ["03-29 01:00 CET", "03-29 03:00 CEST"]),
        # And back from 3:00 to 2:00 on 25 October: a time that comes twice is taken once, equal steps go on.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["10-25 02:30 CEST", "10-26 02:30 CET"]),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25T01:00",
            ["10-25 01:30 CEST", "10-25 02:30 CEST", "10-25 02:30 CET", "10-25 03:30 CET"],
        ),
        ("15 1 * * *", "America/New_York", "2026-10-31T12:00", ["11-01 01:15 EDT", "11-02 01:15 EST"]),
        ("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00", ["04-24 01:00 EEST", "04-25 00:00 EEST"]),
    ],
)
def test_days_when_clocks_are_changed(text, zone, start, expected):
    assert times(text, zone, start, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "zone", "message"),
    [
        ("0 3 * *", "UTC", "has 4 fields: a cron time has minute, hour, day of the month, month, day of the week"),
        ("60 3 * * *", "UTC", "'60' is not a valid minute: write 0 to 59"),
        ("0 5-3 * * *", "UTC", "'5-3' is not a valid hour"),
        ("0 3 * * */0", "UTC", "is not a valid day of the week"),
        ("0 3 * jan-x *", "UTC", "'jan-x' is not a valid month"),
        ("0 0 30 2 *", "UTC", "names no day that there is"),
        ("0 3 * * *", "Europe/Berlim", "timezone 'Europe/Berlim' is not known"),
    ],
)
def test_what_is_no_time_is_refused(text, zone, message):
    with pytest.raises(ValueError, match=message):
        Cron(text, zone)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # Kubeflow, Quartz, Spring: the second first.
        ("0 0 3 * * *", 'the second as its first field, .*: write "0 3 \\* \\* \\*"$'),
        ("0 0 12 * * ?", 'write "0 12 \\* \\* \\*"$'),
        ("30 0 12 ? * 2", 'write "0 12 \\* \\* 2"; runs start at second 0, not 30; check the day of the week "2"'),
        ("0 0 12 L * ?", "five fields, without L, W and #$"),
        # EventBridge: the year last.
        ("cron(0 12 * * ? *)", 'the year as its last field, as Amazon EventBridge .*: write "0 12 \\* \\* \\*"$'),
        ("15 10 * * MON 2027", 'write "15 10 \\* \\* MON"; the year 2027 cannot be given$'),
        ("15 10 ? * MON-FRI 2027", 'write "15 10 \\* \\* MON-FRI"; the year 2027 cannot be given$'),
        (
            "0 15 10 * * ? 2027",
            'the second as its first and the year as its last field.*: write "15 10 \\* \\* \\*"; the',
        ),
        ("cron(0 3 * * *)", r"without cron\( \): '0 3 \* \* \*'"),
        ("TZ=Europe/Berlin 0 3 * * *", 'timezone = "Europe/Berlin" and cron = "0 3 \\* \\* \\*"'),
        ("CRON_TZ=UTC 0 3 * * *", 'timezone = "UTC" and cron = "0 3'),
        ("rate(5 minutes)", r'write "\*/5 \* \* \* \*"'),
        ("@every 6h", r'write "0 \*/6 \* \* \*"'),
        ("rate(1 day)", 'write "0 0 '),
        ("@every 7m", 'write the times, such as "0 3,15'),
        ("@reboot", "not one of @hourly, @daily"),
        # Steps longer than the field.
        (
            "*/90 * * * *",
            'not mean every 90 minutes: .* minute 0 of every hour alone.*: "0 \\* .* is every hour, every 90 '
            'minutes are 2 schedules: "0 0-23/3 \\* \\* \\*" and "30 1-23/3 \\* \\* \\*"$',
        ),
        ("*/120 * * * *", r'every hour, "0 \*/2 \* \* \*" is every 2 hours$'),
        ("*/61 * * * *", "a day does not hold whole steps of it$"),
        ("0 */36 * * *", 'not mean every 36 hours: .* at hour 0 of every day alone.*"0 0 '),
        ("0 0 */40 * *", "a step of 40, which is longer than the field"),
    ],
)
def test_another_tools_expression_is_explained(text, message):
    with pytest.raises(ValueError, match=message):
        Cron(text)


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (
            "*/45 * * * *",
            (
                "'*/45' is not every 45 minutes: steps start again with each hour, so the step from "
                "minute 45 to minute 0 is 15 minutes",
            ),
        ),
        (
            "0 */5 * * *",
            (
                "'*/5' is not every 5 hours: steps start again with each day, so the step from hour 20 "
                "to hour 0 is 4 hours",
            ),
        ),
        (
            "*/59 * * * *",
            (
                "'*/59' is not every 59 minutes: steps start again with each hour, so the step from "
                "minute 59 to minute 0 is 1 minute",
            ),
        ),
        ("*/15 */6 */10 * *", ()),
        ("@hourly", ()),
    ],
)
def test_unequal_steps_are_noted(text, notes):
    assert Cron(text).notes == notes


def test_schedules_for_90_minutes_are_90_minutes_apart():
    full_hours, half_hours = Cron("0 0-23/3 * * *").after(0.0), Cron("30 1-23/3 * * *").after(0.0)
    moments = sorted(itertools.chain(itertools.islice(full_hours, 20), itertools.islice(half_hours, 20)))
    assert {later - earlier for earlier, later in itertools.pairwise(moments)} == {90 * 60.0}


@pytest.mark.parametrize("minutes", [step for step in range(61, 1441) if 1440 % step == 0])
def test_the_schedules_proposed_for_a_long_step_are_at_equal_distances(minutes):
    with pytest.raises(ValueError, match="does not mean every") as caught:
        Cron(f"*/{minutes} * * * *")
    proposed = re.findall(r'"([^"]+)"', str(caught.value).split("every hour", 2)[-1])
    assert proposed
    starts = sorted(
        itertools.chain.from_iterable(itertools.islice(Cron(text).after(0.0), 3000 // minutes) for text in proposed)
    )
    firsts = starts[: 2880 // minutes]
    assert {later - earlier for earlier, later in itertools.pairwise(firsts)} == {60.0 * minutes}
