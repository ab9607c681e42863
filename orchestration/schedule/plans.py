"""Which schedules there are: those of all configs, or one that the command line gives."""

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
"""Name of the schedule that --local --schedule CRON makes."""


@dataclass(frozen=True)
class Plan:
    """One schedule of one pipeline.

    Attributes:
        pipeline: Stem of the config.
        schedule: When.
        notify: Who is told.
        arguments: Further arguments of each run, as `--sample 2000`.
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
        """The run that its arguments ask for; of all variants where they do."""
        return Name(self.pipeline, self.argument("--variant"), "--sample" in self.arguments)

    @property
    def data_root(self) -> str:
        """Folder that data paths are relative to."""
        return self.argument("--data-root") or project.folder()

    def argument(self, option: str) -> str | None:
        """What follows an option; None where it is not given."""
        return self.arguments[self.arguments.index(option) + 1] if option in self.arguments else None

    def to_json(self) -> str:
        """As text."""
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
        """From that text."""
        told = json.loads(text)
        return cls(
            told["pipeline"],
            Schedule.model_validate(told["schedule"]),
            Notify.model_validate(told["notify"]),
            tuple(told["arguments"]),
        )


@dataclass(frozen=True)
class Plans:
    """The schedules of all configs.

    Attributes:
        known: Those of the configs that can be used.
        faults: Why the other configs cannot be used, by pipeline.
    """

    known: list[Plan]
    faults: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, found: "Plans | Sequence[Plan]") -> "Plans":
        """Take plans as they are, or a list of schedules as those of sound configs."""
        return found if isinstance(found, cls) else cls(list(found))  # type: ignore[arg-type]

    def only(self, wanted: Plan) -> "Plans":
        """One of the schedules, or the fault of its config."""
        faults = {name: reason for name, reason in self.faults.items() if name == wanted.pipeline}
        return Plans([plan for plan in self.known if plan.name == wanted.name], faults)


def all_plans(root: str | None = None, arguments: Sequence[str] = ()) -> Plans:
    """Read the schedules of all configs; a config that cannot be used does not keep the others from being read.

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
    """The schedules of one config; one that names none is not checked.

    Raises:
        UserError: it cannot be used.
    """
    root = root or project.folder()
    path = os.path.join(root, load.CONFIGS, f"{name}.toml")
    # Why it cannot be read is said below; a named pipe would be waited for.
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
                f"{nearest(str(schedule.variant), variants)}"
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


def find(found: Plans, wanted: str) -> Plan:
    """The schedule of a name, or of the second half of a name that only one has.

    Raises:
        UserError: none or several have it.
    """
    plans = found.known
    fits = [plan for plan in plans if wanted in (plan.name, plan.schedule.name)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise UserError(f"{wanted!r} fits several schedules: {', '.join(plan.name for plan in fits)}")
    if found.faults:
        raise UserError(
            "\n".join([f"there is no schedule {wanted!r} in the configs that can be used", *found.faults.values()])
        )
    if not plans:
        raise UserError(
            f'there is no schedule yet: write for example into configs/NAME.toml\n[[schedule]]\nname = "{wanted}"\n'
            'cron = "0 3 * * *"'
        )
    raise UserError(f"there is no schedule {wanted!r}.{nearest(wanted, [plan.name for plan in plans])}")
