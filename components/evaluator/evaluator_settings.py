"""Settings of the evaluator node, as its executor gets them."""

from pydantic import Field

from spec.base import Strict
from spec.columns import task as tasks
from spec.columns.task import Kind
from spec.evaluation import Baseline, Gap, Rule


class SlicePart(Strict):
    """One column of a slicing."""

    column: str
    """The raw column."""
    name: str
    """Name in slices: the column, or COLUMN_bucket."""
    edges: tuple[float, ...] | None = None
    """Ascending bounds of the buckets; None for single values."""
    quantiles: int | None = None
    """Number of buckets of about equal count."""


class EvaluatorSettings(Strict):
    """Settings of the evaluation, and rules of the blessing."""

    task: str
    """Task of the label."""
    label: str | None
    """Column of the label; None without one."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Raw column -> schema type: those of slices, identifier and group."""
    slices: tuple[tuple[SlicePart, ...], ...] = ()
    """Slicings of one or more parts."""
    max_slices: int = 100
    """Number of slices to measure per slicing."""
    threshold: float = 0.5
    """binary: probability above which the second class is predicted."""
    top_k: int = 3
    """classes: number of most likely classes that top_k_accuracy counts."""
    precision_at: int | None = None
    """anomaly: number of rows that precision_at_k counts."""
    floor: dict[str, float] = Field(default_factory=dict)
    """Metric -> worst accepted value on all rows."""
    baseline: tuple[Baseline, ...] = ()
    """Comparisons with the baseline."""
    rules: tuple[Rule, ...] = ()
    """Rules of all rows or of slices."""
    gaps: tuple[Gap, ...] = ()
    """Largest differences between slices."""
    identifier: str | None = None
    """Column that identifies a row."""
    group: str | None = None
    """Column whose equal values make dependent rows."""
    weight: str | None = None
    """Column of the row weights."""
    advisory: bool = False
    """Whether failed rules only warn."""
    importance: int = 0
    """Number of rows on which permutation importance is measured."""
    split: str = "test"
    """Split to evaluate on."""
    metrics: tuple[str, ...] = ()
    """Dotted paths of user-defined metrics."""

    @property
    def kind(self) -> Kind:
        """Form of the label and the predictions."""
        return tasks.find(self.task).kind
