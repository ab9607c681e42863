"""Keys of [evaluation]: what is measured on the test split, and what is demanded."""

from pydantic import Field

from models.strict import Strict

METRICS = {
    "regression": ("mae", "rmse", "r2"),
    "binary": ("accuracy", "log_loss", "auc", "precision", "recall"),
    "classes": ("accuracy", "log_loss"),
}
"""Task -> metrics that its evaluation has."""


class Baseline(Strict):
    """The comparison with the latest blessed model."""

    metric: str
    tolerance: float = Field(default=0.01, ge=0.0)
    """How much worse is still accepted, as a share of the baseline's value."""


class Evaluation(Strict):
    """What the evaluator measures and demands, on the test split."""

    slices: tuple[str | tuple[str, ...], ...] = ()
    """Columns whose values make slices; a list of columns makes their cross."""
    floor: dict[str, float] = Field(default_factory=dict)
    """Metric -> worst acceptable value (for an error: the largest)."""
    baseline: Baseline | None = None

    @property
    def slicings(self) -> tuple[tuple[str, ...], ...]:
        """Each slicing as a tuple of columns."""
        return tuple((entry,) if isinstance(entry, str) else entry for entry in self.slices)
