"""Hints for invalid cron expressions, and for valid ones whose times a user may not expect."""

import math
import re
from collections.abc import Sequence

_RANGES = (("minute", 60), ("hour", 24))


def explain(text: str) -> str:
    """Explain how to write an expression of another tool as five fields.

    Args:
        text: Value of `cron` in the config.

    Returns:
        A sentence without its period; "" if the text is not recognized as an expression of another tool.
    """
    stripped = text.strip()
    if match := re.fullmatch(r"(?:CRON_)?TZ=(\S+)\s+(.*)", stripped):
        return f'the time zone is a key of its own: timezone = "{match[1]}" and cron = "{match[2]}"'
    if match := re.fullmatch(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)|@every\s+(\d+)([smhd])\w*", stripped):
        return f"a cron time names times of the day instead of a distance: {_every(match)}"
    if stripped.startswith("@"):
        return "this name is not one of @hourly, @daily, @weekly, @monthly and @yearly"
    if match := re.fullmatch(r"cron\((.*)\)", stripped):
        fields = match[1].split()
        return _of_six(fields) if len(fields) == 6 else f"write the fields alone, without cron( ): {match[1]!r}"
    fields = stripped.split()
    return _of_six(fields) if len(fields) in (6, 7) else ""


def _of_six(fields: Sequence[str]) -> str:
    """Explain an expression of six or seven fields, which has seconds first, a year last, or both."""
    year = len(fields) == 7 or "?" in (fields[2], fields[4]) or bool(re.fullmatch(r"(19|20)\d\d.*", fields[-1]))
    has_second = len(fields) == 7 or not year
    five = list(fields[1 if has_second else 0 :])[:5]
    extra = " and ".join(["the second as its first"] * has_second + ["the year as its last"] * year)
    tools = "Kubeflow, Quartz and Spring" if has_second else "Amazon EventBridge"
    hint = f"it has {extra} field, as {tools} write it; here a time has five fields"
    if any(re.search(r"[LW#]", field) for field in (five[2], five[4])):
        return f"{hint}, without L, W and #"
    cron_fields = ["*" if field == "?" else field for field in five]
    # Quartz and EventBridge count weekdays from 1 = Sunday, cron from 0 = Sunday. Kubeflow counts as cron does.
    days = (
        f'; check the day of the week "{five[4]}": Quartz and EventBridge count from 1 = Sunday, cron from 0 = Sunday'
    )
    counted = days if re.search(r"\d", five[4]) else ""
    seconds = f"; runs start at second 0, not {fields[0]}" if has_second and fields[0] != "0" else ""
    years = f"; the year {fields[-1]} cannot be given" if year and fields[-1] not in ("*", "?") else ""
    return f'{hint}: write "{" ".join(cron_fields)}"{seconds}{years}{counted}'


def _every(match: "re.Match[str]") -> str:
    """Explain how to write `rate(5 minutes)` or `@every 5m` as a cron expression."""
    number, unit = int(match[1] or match[3]), (match[2] or match[4])[0]
    if unit == "m" and 0 < number < 60 and 60 % number == 0:
        return f'write "*/{number} * * * *"'
    if unit == "h" and 0 < number < 24 and 24 % number == 0:
        return f'write "0 */{number} * * *"'
    if (unit, number) in (("d", 1), ("h", 24)):
        return 'write "0 0 * * *"'
    return 'write the times, such as "0 3,15 * * *"'


def too_long(field: str, step: int, field_index: int) -> str:
    """Explain the times of a step that is longer than the range of its field.

    Args:
        field: The field, such as */90.
        step: Step of the field, longer than its range.
        field_index: Position of the field, from 0.
    """
    if field_index > 1:
        return f"{field!r} has a step of {step}, which is longer than the field: it would name one value alone. Name it"
    if field_index == 0:
        once, correction = "at minute 0 of every hour", f'"0 * * * *" is every hour{_hours(step)}'
    else:
        once, correction = "at hour 0 of every day", '"0 0 * * *" is every day'
    return (
        f"{field!r} does not mean every {step} {_RANGES[field_index][0]}s: steps start again with each "
        f"{('hour', 'day')[field_index]}, so it would name a time {once} alone. Write what is meant: {correction}"
    )


def _hours(minutes: int) -> str:
    """Explain how to write an interval of more than 60 minutes, if a day is a multiple of it: as several schedules."""
    if 1440 % minutes:
        return "; a cron time cannot express the other, as a day does not hold whole steps of it"
    if minutes == 1440:
        return ', "0 0 * * *" is every day'
    if minutes % 60 == 0:
        return f', "0 */{minutes // 60} * * *" is every {minutes // 60} hours'
    count = 60 // math.gcd(minutes, 60)
    hours = minutes * count // 60
    times = [divmod(minutes * number, 60) for number in range(count)]
    repeat = f"-23/{hours}" if hours < 24 else ""
    lines = " and ".join(f'"{minute} {hour}{repeat} * * *"' for hour, minute in times)
    return f", every {minutes} minutes are {count} schedules: {lines}"


def uneven(field: str, field_index: int) -> str:
    """Explain that the step of an expression such as */45 does not divide its field; return "" in any other case.

    Args:
        field: The field, such as */45.
        field_index: Position of the field, from 0.
    """
    match = re.fullmatch(r"\*/(\d+)", field)
    if match is None or field_index > 1 or int(match[1]) == 0:
        return ""
    name, length = _RANGES[field_index]
    step = int(match[1])
    if length % step == 0:
        return ""
    last_value = (length - 1) // step * step
    last_step = f"{length - last_value} {name}{'s' if length - last_value > 1 else ''}"
    return (
        f"{field!r} is not every {step} {name}s: steps start again with each {('hour', 'day')[field_index]}, so the "
        f"step from {name} {last_value} to {name} 0 is {last_step}"
    )
