"""Ids of the stages, known without TFX."""

from typing import Any, Protocol

from errors import UserError
from spec.suggestions import nearest

ORDER = (
    "ingestion",
    "schema",
    "warm-start",
    "statistics",
    "history",
    "validation",
    "transformation",
    "tuner",
    "trainer",
    "baseline",
    "evaluator",
    "pusher",
)
"""In the order in which they run."""
RESOLVERS = ("warm-start", "history", "baseline")
"""Those that look up what an earlier run made, each time."""


class Staged(Protocol):
    """A config, as far as its stages depend on it."""

    @property
    def tuner(self) -> Any:
        """[tuner], or None."""

    @property
    def training(self) -> Any:
        """[training]."""


def ids(config: Staged) -> list[str]:
    """The stages of a pipeline, in the order in which they run."""
    absent = {
        *(("tuner",) if config.tuner is None else ()),
        *(() if config.training.warm_start else ("warm-start",)),
    }
    return [stage for stage in ORDER if stage not in absent]


def before(config: Staged, first: str | None) -> list[str]:
    """The stages before the first one of a run; none where it runs from the beginning."""
    known = ids(config)
    return known[: known.index(first)] if first is not None else []


def check(config: Staged, *, first: str | None, to: str | None) -> None:
    """See that the stages that a run is to begin and to end with are there.

    Raises:
        UserError: one is not, or they stand in the wrong order.
    """
    known = ids(config)
    for option, stage in (("--from", first), ("--to", to)):
        if stage is not None and stage not in known:
            raise UserError(f"{option} {stage}: this pipeline has no such stage.{nearest(stage, known)}")
    if first is not None and to is not None and known.index(first) > known.index(to):
        raise UserError(f"--from {first} --to {to}: {first} comes after {to}, so nothing would run")
