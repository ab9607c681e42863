"""Schedules with their next times, and the last scheduled runs."""

from datetime import datetime

from inspection.read.schedule_history import Fire, history, schedules
from inspection.report.markup import Html, joined, keep, state, table, tag
from inspection.text_output import moment
from inspection.web.page_layout import PAGE, Page, Query, run_link, to


def page(root: str, query: Query) -> Page:
    """Return the list of schedules, and the last scheduled runs of all or of one.

    Args:
      root: The folder of all runs, which contains the state of the schedules.
      query: `schedule` is the name of a schedule.
    """
    selected = query.get("schedule") or None
    all_schedules = schedules(root)
    if not all_schedules:
        return Page(
            "Schedules",
            joined([tag("h1", "Schedules"), tag("p", "No schedules yet: a scheduler has not run in this root.")]),
        )
    rows = [
        [
            tag("a", schedule.name, href=to("/schedules", schedule=schedule.name)),
            schedule.settings.get("cron") or schedule.settings.get("on"),
            schedule.settings.get("timezone"),
            "paused" if schedule.paused else _time(schedule.next),
            _ended(schedule.last),
        ]
        for schedule in all_schedules
    ]
    runs = [
        [fire.schedule, _time(fire.due), state(fire.state), fire.attempts, run_link(fire.run_id), fire.reason]
        for fire in history(root, schedule=selected, limit=PAGE)
    ]
    all_link = tag("p", tag("a", "All schedules", href="/schedules")) if selected else None
    content = [
        tag("h1", "Schedules"),
        table(["schedule", "times", "zone", "next", "last"], rows),
        tag("h2", f"Last runs of {selected}" if selected else "Last runs"),
        all_link,
        table(["schedule", "due", "state", "attempts", "run", "reason"], runs) if runs else tag("p", "None yet."),
    ]
    return Page("Schedules", joined(content))


def _time(time: datetime | None) -> Html | None:
    return keep(moment(time)) if time else None


def _ended(fire: Fire | None) -> Html | str:
    return joined([state(fire.state), " ", _time(fire.ended or fire.due)]) if fire else "never"
