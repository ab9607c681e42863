"""Translation of a schedule of a config to a platform, with notes on settings that the platform lacks."""

from errors import UserError
from orchestration.cloud.remote import Target, Times
from spec.timing.cron import SHORT
from spec.timing.schedule import Schedule

TITLES = {"vertex": "Vertex AI", "kubeflow": "Kubeflow"}


def times(target: Target, schedule: Schedule) -> tuple[Times, list[str]]:
    """Translate the times of a schedule to a platform.

    Args:
        target: The platform.
        schedule: The schedule.

    Returns:
        The times, and a sentence for each setting that has no effect or another effect there.

    Raises:
        UserError: the platform cannot start runs at these times.
    """
    title = TITLES[target]
    if schedule.on != "time" or schedule.cron is None:
        raise UserError(
            f'schedule {schedule.name}: {title} cannot wait for a new span: write on = "time" and cron; a run without '
            "new data is served from the cache"
        )
    if schedule.variant == "all":
        raise UserError(f'schedule {schedule.name}: a job is of one variant: name it in place of variant = "all"')
    notes = []
    if schedule.retries or schedule.timeout:
        notes.append(
            f"schedule {schedule.name}: retries and timeout have no effect on {title}: use limits of the platform"
        )
    cron = " ".join(SHORT.get(schedule.cron.strip().lower(), schedule.cron).split())
    if target == "vertex":
        if schedule.catchup == "last":
            notes.append(f"schedule {schedule.name}: {title} misses no time; catchup of a pause is none or all")
        return (
            Times(
                cron=f"TZ={schedule.timezone} {cron}",
                queue=schedule.overlap == "queue",
                catch_up=schedule.catchup == "all",
            ),
            notes,
        )
    if schedule.timezone != "UTC":
        raise UserError(
            f"schedule {schedule.name}: {title} knows no time zones: write cron in UTC, without timezone = "
            f'"{schedule.timezone}"'
        )
    if schedule.catchup == "none":
        raise UserError(
            f'schedule {schedule.name}: {title} runs at least the last missed time: write catchup = "last" or "all"'
        )
    if schedule.overlap == "skip":
        notes.append(f"schedule {schedule.name}: a time that comes during a run starts after it on {title}")
    # The first of its six fields are the seconds.
    return Times(cron=f"0 {cron}", queue=True, catch_up=schedule.catchup == "all"), notes
