"""The schedules of all configs, or the schedule of the command line."""

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import project
from errors import UserError
from orchestration.schedule import channels
from orchestration.schedule.schedule_faults import described
from pipeline import load
from pipeline.schema_columns import nearest
from pipeline.variants import Name
from spec.timing.schedule import Notify, Schedule

COMMAND_LINE = "command-line"
"""Name of the schedule of --local --schedule CRON."""


@dataclass(frozen=True)
class Plan:
    """One schedule of one pipeline.

    Attributes:
        pipeline: Stem of the config.
        schedule: Its times.
        notify: Channels and events of notifications.
        arguments: Further arguments of each run, such as `--sample 2000`.
    """

    pipeline: str
    schedule: Schedule
    notify: Notify
    arguments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """PIPELINE:NAME."""
        return f"{self.pipeline}:{self.schedule.name}"

    @property
    def run(self) -> Name:
        """The requested run, possibly of all variants."""
        return Name(self.pipeline, self.argument("--variant"), "--sample" in self.arguments)

    @property
    def data_root(self) -> str:
        """Folder that data paths are relative to."""
        return self.argument("--data-root") or project.folder()

    def argument(self, option: str) -> str | None:
        """Return the value of an option; None if it is absent."""
        return self.arguments[self.arguments.index(option) + 1] if option in self.arguments else None

    def to_json(self) -> str:
        """Return the plan as JSON."""
        return json.dumps(
            {
                "pipeline": self.pipeline,
                "schedule": self.schedule.model_dump(mode="json"),
                "notify": self.notify.model_dump(mode="json"),
                "arguments": self.arguments,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read a plan from JSON."""
        values = json.loads(text)
        return cls(
            values["pipeline"],
            Schedule.model_validate(values["schedule"]),
            Notify.model_validate(values["notify"]),
            tuple(values["arguments"]),
        )


@dataclass(frozen=True)
class Plans:
    """The schedules of all configs.

    Attributes:
        known: Schedules of valid configs.
        faults: Pipeline -> error of its config.
    """

    known: list[Plan]
    faults: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plans: "Plans | Sequence[Plan]") -> "Plans":
        """Return `Plans` unchanged, and a list of schedules as `Plans` without errors."""
        return plans if isinstance(plans, cls) else cls(list(plans))  # type: ignore[arg-type]

    def only(self, requested: Plan) -> "Plans":
        """Return one of the schedules, or the error of its config."""
        faults = {name: reason for name, reason in self.faults.items() if name == requested.pipeline}
        return Plans([plan for plan in self.known if plan.name == requested.name], faults)


def all_plans(root: str | None = None, arguments: Sequence[str] = ()) -> Plans:
    """Read the schedules of all configs, also if some configs are invalid.

    Args:
        root: Folder of configs/ and schemas/; None for the project.
        arguments: Further arguments of each run.

    Raises:
        OSError: the folder of configs cannot be read.
    """
    plans, root = Plans([]), root or project.folder()
    for name in load.names(root):
        try:
            plans.known.extend(plans_of(name, root, arguments))
        except Exception as error:  # a config of any content must not end the scheduler
            plans.faults[name] = described(error, f"{load.CONFIGS}/{name}.toml")
    return plans


def plans_of(name: str, root: str | None = None, arguments: Sequence[str] = ()) -> list[Plan]:
    """Read the schedules of one config; a config without schedules is not validated.

    Raises:
        UserError: it is invalid.
    """
    root = root or project.folder()
    path = os.path.join(root, load.CONFIGS, f"{name}.toml")
    # The error is raised below; reading a named pipe would block.
    with contextlib.suppress(OSError):
        if os.path.isfile(path) and "schedule" not in Path(path).read_text(encoding="utf-8", errors="replace"):
            return []
    variants = load.variants(root, name)
    config = load.load(root, name, variant=variants[0] if variants else None)
    try:
        channels.check(config.notify.channels)
    except UserError as error:
        raise UserError(f"{load.CONFIGS}/{name}.toml: {error}") from error
    for schedule in config.schedule:
        if schedule.variant not in (None, "all", *variants):
            raise UserError(
                f"{load.CONFIGS}/{name}.toml: schedule {schedule.name!r}: there is no variant {schedule.variant!r}."
                f"{nearest(str(schedule.variant), variants, 'variants')}"
            )
    return [
        Plan(
            name,
            schedule,
            config.notify,
            (*arguments, *(("--variant", schedule.variant) if schedule.variant else ())),
        )
        for schedule in config.schedule
    ]


def find(schedules: Plans, name: str) -> Plan:
    """Return the schedule PIPELINE:NAME, or the only schedule with this NAME.

    Raises:
        UserError: no schedule or several have this name.
    """
    plans = schedules.known
    matches = [plan for plan in plans if name in (plan.name, plan.schedule.name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UserError(f"{name!r} matches several schedules: {', '.join(plan.name for plan in matches)}")
    if schedules.faults:
        raise UserError("\n".join([f"there is no schedule {name!r} in the valid configs", *schedules.faults.values()]))
    if not plans:
        raise UserError(
            f'there is no schedule yet: add for example to configs/NAME.toml\n[[schedule]]\nname = "{name}"\n'
            'cron = "0 3 * * *"'
        )
    raise UserError(f"there is no schedule {name!r}.{nearest(name, [plan.name for plan in plans], 'schedules')}")
