import datetime
import itertools
import zoneinfo

import pytest

from pipeline.cron import Cron


def times(text, zone, start, count):
    """The next times after a local one, as local ones."""
    place = zoneinfo.ZoneInfo(zone)
    moment = datetime.datetime.fromisoformat(start).replace(tzinfo=place).timestamp()
    found = itertools.islice(Cron(text, zone).after(moment), count)
    return [datetime.datetime.fromtimestamp(time, place).strftime("%m-%d %H:%M %Z") for time in found]


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
        ("60 3 * * *", "UTC", "'60' is no minute: write 0 to 59"),
        ("0 5-3 * * *", "UTC", "'5-3' is no hour"),
        ("0 3 * * */0", "UTC", "is no day of the week"),
        ("0 3 * jan-x *", "UTC", "'jan-x' is no month"),
        ("0 0 30 2 *", "UTC", "names no day that there is"),
        ("0 3 * * *", "Europe/Berlim", "timezone 'Europe/Berlim' is not known"),
    ],
)
def test_what_is_no_time_is_refused(text, zone, message):
    with pytest.raises(ValueError, match=message):
        Cron(text, zone)
