"""Times of a cron expression in a time zone, with daylight saving time.

The five fields follow Debian's cron (man 5 crontab): if both day fields are restricted, a day may match either. A time
in the gap when clocks go forward runs once, right after the gap; a time that occurs twice when clocks go back runs the
first time only. Expressions whose minute or hour starts with `*` mean regular intervals, so they run at every matching
clock time and not in the gap.
"""

import datetime
import zoneinfo
from collections.abc import Iterator

from spec.timing import cron_hints

FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NAMES: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {
        name: number
        for number, name in enumerate(
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
        )
    },
    {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])},
)
_YEARS = 41
"""Years to search: a date falls on a weekday again after at most 28 years, or 40 across a century without leap year."""


class Cron:
    """A cron expression in a time zone.

    Args:
        text: Five fields, or a short form such as @daily.
        zone: IANA name of the time zone, such as Europe/Berlin.

    Raises:
        ValueError: The expression or the zone is invalid, or the expression matches no time.
    """

    def __init__(self, text: str, zone: str = "UTC") -> None:
        try:
            self._zone = zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"timezone {zone!r} is not known: name it as Europe/Berlin or UTC") from error
        fields = SHORT.get(text.strip().lower(), text).split()
        if hint := cron_hints.explain(" ".join(fields)):
            raise ValueError(f"{text!r}: {hint}")
        if len(fields) != len(FIELDS):
            number = f"{len(fields)} field{'s' if len(fields) != 1 else ''}"
            raise ValueError(f'{text!r} has {number}: a cron time has {", ".join(FIELDS)}, as "0 3 * * *"')
        self.notes = tuple(filter(None, (cron_hints.uneven(field, place) for place, field in enumerate(fields))))
        """Sentences about what may surprise in the meaning of the expression."""
        values = [_values(place, field) for place, field in enumerate(fields)]
        self._minutes, self._hours, self._days, self._months, weekdays = map(sorted, values)
        self._weekdays = {number % 7 for number in weekdays}
        self._either = not fields[2].startswith("*") and not fields[4].startswith("*")
        self._steps = fields[0].startswith("*") or fields[1].startswith("*")
        if next(self.after(0.0), None) is None:
            raise ValueError(f"{text!r} names no day that there is")

    def after(self, moment: float) -> Iterator[float]:
        """Yield the times after a moment, in ascending order.

        Args:
            moment: Seconds since 1970.

        Yields:
            Seconds since 1970.
        """
        day = datetime.datetime.fromtimestamp(moment, self._zone).date() - datetime.timedelta(days=1)
        latest, searched = moment, 0
        while searched < 366 * _YEARS:
            if self._is_day(day):
                for time in sorted(self._of_day(day)):
                    if time > latest:
                        latest, searched = time, 0
                        yield time
            day += datetime.timedelta(days=1)
            searched += 1

    def _is_day(self, day: datetime.date) -> bool:
        if day.month not in self._months:
            return False
        fits = day.day in self._days, day.isoweekday() % 7 in self._weekdays
        return any(fits) if self._either else all(fits)

    def _of_day(self, day: datetime.date) -> Iterator[float]:
        for hour in self._hours:
            for minute in self._minutes:
                local = datetime.datetime.combine(day, datetime.time(hour, minute), self._zone)
                earlier, later = local.timestamp(), local.replace(fold=1).timestamp()
                if earlier == later:
                    yield earlier
                elif later > earlier:  # clocks go back: this time occurs twice
                    yield earlier
                    if self._steps:
                        yield later
                elif not self._steps:  # clocks go forward: this time is in the gap
                    yield self._change(int(later), int(earlier))

    def _change(self, low: int, high: int) -> float:
        """Find the second at which the UTC offset changes, between `low` and `high` (seconds since 1970)."""
        offset = datetime.datetime.fromtimestamp(low, self._zone).utcoffset()
        while high - low > 1:
            middle = (low + high) // 2
            if datetime.datetime.fromtimestamp(middle, self._zone).utcoffset() == offset:
                low = middle
            else:
                high = middle
        return float(high)


def _values(field_index: int, field: str) -> set[int]:
    """Parse one field to the set of its numbers."""
    lowest, highest = _RANGES[field_index]
    message = f"{field!r} is not a valid {FIELDS[field_index]}: write {lowest} to {highest}, *, */5, 1-5 or 1,3"
    values: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if (slash and not (step.isdecimal() and int(step))) or (dash and not last):
            raise ValueError(message)
        if span == "*":
            low, high = lowest, highest - (field_index == 4)
        else:
            low = _number(field_index, first, message)
            high = _number(field_index, last, message) if dash else highest if slash else low
        if not lowest <= low <= high <= highest:
            raise ValueError(message)
        if slash and int(step) > highest - lowest:
            raise ValueError(cron_hints.too_long(field, int(step), field_index))
        values.update(range(low, high + 1, int(step or 1)))
    return values


def _number(field_index: int, text: str, message: str) -> int:
    number = _NAMES[field_index].get(text.lower())
    if number is None and not (text.isascii() and text.isdecimal()):
        raise ValueError(message)
    return int(text) if number is None else number
