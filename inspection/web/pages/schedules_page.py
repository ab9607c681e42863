"""What runs by itself: each schedule with its next time, and what became of the last times."""

from datetime import datetime

from inspection.read.schedule_history import Fire, history, schedules
from inspection.report.markup import Html, joined, keep, state, table, tag
from inspection.text_output import moment
from inspection.web.page_layout import PAGE, Page, Query, run_link, to


def page(root: str, query: Query) -> Page:
    """Lists schedules and their last times, of all or of one.

    Args:
      root: The folder of all runs, which keeps what is remembered of schedules.
      query: `schedule` is a schedule's name.
    """
    wanted = query.get("schedule") or None
    known = schedules(root)
    if not known:
        return Page("Schedules", joined([tag("h1", "Schedules"), tag("p", "No schedule has been looked at yet.")]))
    rows = [
        [
            tag("a", each.name, href=to("/schedules", schedule=each.name)),
            each.settings.get("cron") or each.settings.get("on"),
            each.settings.get("timezone"),
            "paused" if each.paused else _local(each.next),
            _ended(each.last),
        ]
        for each in known
    ]
    past = [
        [each.schedule, _local(each.due), state(each.state), each.attempts, run_link(each.run_id), each.reason]
        for each in history(root, schedule=wanted, limit=PAGE)
    ]
    every = tag("p", tag("a", "All schedules", href="/schedules")) if wanted else None
    parts = [
        tag("h1", "Schedules"),
        table(["schedule", "times", "zone", "next", "last"], rows),
        tag("h2", f"Last times of {wanted}" if wanted else "Last times"),
        every,
        table(["schedule", "due", "state", "attempts", "run", "why"], past) if past else tag("p", "None yet."),
    ]
    return Page("Schedules", joined(parts))


def _local(time: datetime | None) -> Html | None:
    return keep(moment(time.astimezone())) if time else None


def _ended(last: Fire | None) -> Html | str:
    return joined([state(last.state), " ", _local(last.ended or last.due)]) if last else "never"
