"""The schedules of a running scheduler, read again when a config changes; each has a lock."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Sequence

import project
from errors import PipelineError, ResourceError, UserError
from orchestration.schedule.plans import Plan, Plans
from orchestration.schedule.schedule_faults import Faults
from pipeline import load


class Watch:
    """The schedules of a scheduler; use it as a context, which releases their locks.

    Args:
        root: The folder of all runs.
        read: Reads the schedules.
        faults: Collects the errors of configs.
        say: Logs a line.

    Attributes:
        plans: The schedules. Those of a config that has become invalid stay unchanged.

    Raises:
        UserError: there is no schedule, or no config with schedules is valid.
        ResourceError: another process runs one of them under this root.
    """

    def __init__(
        self, root: str, read: Callable[[], Plans | Sequence[Plan]], faults: Faults, say: Callable[[str], None]
    ) -> None:
        self._root, self._faults, self._say = root, faults, say
        self._read: Callable[[], Plans] = lambda: Plans.of(read())
        self._locks: dict[str, contextlib.ExitStack] = {}
        self._unusable: set[str] = set()
        self._unlocked = False
        self._edits = edits()
        plans = self._read()
        if not plans.known and plans.faults:
            raise UserError("\n".join(plans.faults.values()))
        if not plans.known:
            raise UserError(
                'there is no schedule: add for example to configs/NAME.toml\n[[schedule]]\nname = "nightly"\n'
                'cron = "0 3 * * *"\nor pass one: python runner.py --local --schedule "0 3 * * *"'
            )
        os.makedirs(root, exist_ok=True)
        self.plans = plans.known
        self._note(plans)
        try:
            for plan in self.plans:
                self._lock(plan.name)
        except PipelineError:
            self._release(self._locks)
            raise

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self._release(self._locks)

    def look(self) -> None:
        """Read the configs again if one was edited or is invalid."""
        current_edits = edits()
        if current_edits == self._edits and not self._unusable and not self._unlocked:
            return
        self._edits = current_edits
        current = self._read()
        self._note(current)
        unchanged_plans = [plan for plan in self.plans if plan.pipeline in current.faults]
        plans = []
        for plan in [*unchanged_plans, *current.known]:
            with self._faults.within(f"schedule {plan.name}"):
                self._lock(plan.name)
                plans.append(plan)
        self._unlocked = len(plans) < len(unchanged_plans) + len(current.known)
        if plans != self.plans:
            self._say(f"read the configs again: {', '.join(plan.name for plan in plans) or 'no schedule'}")
        self.plans = plans
        self._release(set(self._locks) - {plan.name for plan in plans})

    def _note(self, plans: Plans) -> None:
        """Log which configs have become invalid or valid."""
        for name in sorted({*self._unusable, *plans.faults}):
            self._faults.set(f"{load.CONFIGS}/{name}.toml", plans.faults.get(name))
        self._unusable = set(plans.faults)

    def _lock(self, name: str) -> None:
        if name not in self._locks:
            with contextlib.ExitStack() as stack:
                stack.enter_context(locked(self._root, name))
                self._locks[name] = stack.pop_all()

    def _release(self, names: Collection[str]) -> None:
        for name in list(names):
            self._locks.pop(name).close()


@contextlib.contextmanager
def locked(root: str, name: str) -> Iterator[None]:
    """Hold the lock of a schedule, so that only one scheduler runs it; the kernel releases it when the process exits.

    Raises:
        ResourceError: another process holds it.
    """
    folder = os.path.join(root, ".schedule", "locks")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ResourceError(
                f"another process already runs schedule {name} under {root}: stop it, or use another --root"
            ) from error
        yield


def edits() -> list[tuple[str, int, int]]:
    """Return names and times of the configs, which change when one is edited, replaced or made readable."""
    stats = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(os.path.join(project.folder(), load.CONFIGS)):
            try:
                status = entry.stat()
            except OSError:  # a link to nowhere, or a file that an editor has just removed
                stats.append((entry.name, 0, 0))
            else:
                stats.append((entry.name, status.st_mtime_ns, status.st_ctime_ns))
    return sorted(stats)
