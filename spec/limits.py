"""Keys of [limits]: maximum time of a stage, and maximum memory of a run on this machine."""

from collections.abc import Iterable

from pydantic import Field

from spec.base import Strict
from spec.suggestions import nearest


class Limits(Strict):
    """Limits of time and memory, which never change a result. A stage that exceeds one of its limits fails."""

    stage_seconds: float | None = Field(default=None, gt=0)
    """Time limit of each stage in seconds."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Stage -> its time limit in seconds, such as {trainer = 3600}; takes precedence over `stage_seconds`."""
    memory_gb: float | None = Field(default=None, gt=0)
    """Limit of the resident memory of the worker and its child processes, in 10⁹ bytes, measured twice a second. Pages
    shared with the process that imported TensorFlow count too."""

    keep_warm: float | None = Field(default=None, ge=0, le=1440)
    """Minutes for which the process that has imported TensorFlow stays after a run on this machine, so that the next
    command of this project starts at once; 0: not at all. Default: 10, but 0 in CI (the environment variable `CI` is
    set) and in runs of a schedule. It holds no data, about 0.7 GB of memory, and ends by itself; `--no-warm` neither
    uses nor leaves one, and `doctor` lists it."""

    @property
    def any(self) -> bool:
        """Whether there is a limit."""
        return self.stage_seconds is not None or bool(self.seconds) or self.memory_gb is not None

    def of(self, stage: str) -> float | None:
        """Return the time limit of a stage in seconds; None without one."""
        return self.seconds.get(stage, self.stage_seconds)

    def edit(self, stage: str) -> str:
        """Return the line of the config that doubles the limit of a stage."""
        return f"[limits] seconds = {{{stage} = {2 * (self.of(stage) or 0):g}}}"

    def check(self, stages: Iterable[str]) -> None:
        """Check that each limit names a stage of the pipeline.

        Raises:
            ValueError: One does not, or is not positive.
        """
        names = list(stages)
        for stage, seconds in self.seconds.items():
            if stage not in names:
                raise ValueError(
                    f"limits.seconds.{stage}: this pipeline has no such stage.{nearest(stage, names, 'stages')}"
                )
            if seconds <= 0:
                raise ValueError(f"limits.seconds.{stage}: give a number of seconds above 0 (found {seconds:g})")
