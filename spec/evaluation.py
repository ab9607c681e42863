"""Keys of [evaluation]: metrics, slices and diagnosis of the test split, and the conditions of a blessing."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from spec.base import Strict
from spec.columns.label import Label
from spec.plain_models import TASKS, PlainModel
from spec.rows.slices import MISSING, Buckets, Slice, Slicing, fitting, name_of, names_of
from spec.training import Training

_TASK_OF_KEY = {"threshold": "binary", "top_k": "classes", "precision_at": "anomaly"}
"""Key -> the task for which it has an effect."""
_NEEDS: Mapping[str, tuple[str, str]] = {
    "coverage": ("interval", "0.9"),
    "interval_width": ("interval", "0.9"),
    "calibration_error": ("calibration", '"temperature"'),
    "uncalibrated_error": ("calibration", '"temperature"'),
}
"""Metric -> the key of [training] without which it is not measured, and a value of it."""


class Baseline(Strict):
    """Comparison with the model that serves."""

    metric: str
    """Metric to compare."""
    tolerance: float = Field(default=0.01, ge=0.0)
    """Largest accepted loss of quality relative to the best model so far, as a share of the baseline's value; earlier
    models may have used a part of it."""


class Rule(Strict):
    """Condition on a metric, of all rows or of slices."""

    metric: str
    """Metric that the rule is about."""
    slice: Slice | None = None
    """Name or names of a slicing: each of its slices; names and values: this slice. Unset: all rows."""
    floor: float | None = None
    """Worst accepted value (for an error: the largest)."""
    tolerance: float | None = Field(default=None, ge=0.0)
    """Largest accepted loss of quality relative to the baseline on the same rows, as a share of its value; with
    `better_than` relative to that model."""
    better_than: PlainModel | None = None
    """Plain model that the model must not be worse than on the same rows. Not judged if that model was not fitted, for
    example within its time limit."""
    min_count: int | None = Field(default=None, ge=1)
    """Slices with fewer rows are not judged. Unset: every slice is judged, and one without rows fails."""

    @model_validator(mode="after")
    def _demands_something(self) -> "Rule":
        if self.floor is None and self.tolerance is None and self.better_than is None:
            raise ValueError('give floor = NUMBER, tolerance = NUMBER or better_than = "boosted_trees"')
        return self


class Gap(Strict):
    """Largest difference of a metric between two slices."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_difference"}
    metric: str
    """Metric to compare."""
    slice: str | tuple[str, ...]
    """Name or names of a slicing."""
    max_difference: float = Field(ge=0.0)
    """Largest accepted difference, in the unit of the metric."""
    min_count: int = Field(default=1, ge=1)
    """Slices with fewer rows are skipped."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict | Baseline) else value


class Evaluation(Strict):
    """Metrics, slices and diagnosis of the test split, plain models, and the conditions of a blessing."""

    metrics: tuple[str, ...] = ()
    """Metrics of your own, measured in addition to those of the task: dotted paths such as "my_module.my_metric". The
    last part is the name of the metric in rules."""
    slices: tuple[Slicing, ...] = ()
    """Columns whose values make slices, or buckets of a number; a list of these makes their cross."""
    max_slices: int = Field(default=100, ge=1, le=10_000)
    """Number of slices kept per slicing, the most frequent ones."""
    threshold: float = Field(default=0.5, gt=0.0, lt=1.0)
    """binary: probability above which the second class is predicted."""
    top_k: int = Field(default=3, ge=1)
    """classes: top_k_accuracy counts a row whose class is among this many most likely ones; measured if there are more
    classes."""
    precision_at: int | None = Field(default=None, ge=1)
    """anomaly: number of rows with the highest scores that precision_at_k looks at. Unset: the number of anomalies."""
    importance: int = Field(default=500, ge=0, le=100_000)
    """Number of rows on which permutation importance is measured, with one prediction per row and column; 0: none."""
    plain: bool = True
    """regression, binary, classes: fit linear or logistic regression and scikit-learn's HistGradientBoosting, with its
    defaults, on the same rows and raw columns, and show their metrics next to the model's."""
    plain_seconds: float = Field(default=20.0, gt=0.0, le=3600.0)
    """Processor time of these fits together, in seconds, so that a busy machine fits the same models; they may take ten
    times as long. A plain model that is not fitted by then is left out."""
    floor: dict[str, float] = Field(default_factory=dict)
    """Metric -> worst accepted value on all rows (for an error: the largest)."""
    baseline: Annotated[tuple[Baseline, ...] | None, BeforeValidator(_listed)] = None
    """One comparison with the model that serves, or a list of them."""
    rules: tuple[Rule, ...] = ()
    """Conditions on a metric, of all rows or of slices."""
    gaps: tuple[Gap, ...] = ()
    """Limits of the difference of a metric between slices."""

    @model_validator(mode="after")
    def _names_are_clear(self) -> "Evaluation":
        cuts: dict[str, Any] = {}
        for slicing in self._given():
            if not slicing:
                raise ValueError("slices: a list of columns must not be empty")
            columns = [name_of(part) for part in slicing]
            if len(set(columns)) < len(columns):
                raise ValueError(f"slices: {columns[0]!r} is crossed with itself: name each column once")
            for part in slicing:
                if cuts.setdefault(name_of(part), part) != part:
                    raise ValueError(
                        f"slices: {name_of(part)!r} has two definitions: write the same edges or quantiles in both"
                    )
        for key, entry in self._entries():
            names = names_of(entry.slice)
            if len(set(names)) < len(names) or (entry.slice is not None and not names):
                raise ValueError(f"{key}.slice: name one or more columns, each once")
            if isinstance(entry.slice, dict):
                for name, value in entry.slice.items():
                    slice_names = cuts[name].values() if isinstance(cuts.get(name), Buckets) else None
                    if slice_names is not None and value not in slice_names:
                        raise ValueError(
                            f"{key}.slice: {name} has no slice {value!r}.{_nearest(str(value), slice_names)}"
                        )
        return self

    def _given(self) -> list[tuple[str | Buckets, ...]]:
        return [entry if isinstance(entry, tuple) else (entry,) for entry in self.slices]

    def _entries(self) -> Iterator[tuple[str, Rule | Gap]]:
        """Yield rules and gaps with their keys."""
        yield from ((f"rules.{number}", rule) for number, rule in enumerate(self.rules))
        yield from ((f"gaps.{number}", gap) for number, gap in enumerate(self.gaps))

    def _all(self) -> list[tuple[str | Buckets, ...]]:
        """Return the slicings of `slices`, and those that only a rule names."""
        slicings = self._given()
        cuts = {name_of(part): part for slicing in slicings for part in slicing}
        for _, entry in self._entries():
            names = names_of(entry.slice)
            if names and all({name_of(part) for part in slicing} != set(names) for slicing in slicings):
                slicings.append(tuple(cuts.get(name, name) for name in names))
        return slicings

    @property
    def slicings(self) -> tuple[tuple[str, ...], ...]:
        """Names of each slicing: columns, or COLUMN_bucket."""
        return tuple(tuple(name_of(part) for part in slicing) for slicing in self._all())

    def parts(self) -> list[list[dict[str, Any]]]:
        """Return each slicing for the evaluator: `column`, `name`, `edges` and `quantiles` of each part."""
        return [
            [
                {"name": part.name, **part.model_dump(mode="json")}
                if isinstance(part, Buckets)
                else {"name": part, "column": part}
                for part in slicing
            ]
            for slicing in self._all()
        ]

    def columns(self) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
        """Yield key, raw column, allowed schema types (empty for all), and the setting that requires them."""
        for slicing in self._given():
            for part in slicing:
                numbers = ("INT", "FLOAT") if isinstance(part, Buckets) else ()
                yield "evaluation.slices", part.column if isinstance(part, Buckets) else part, numbers, "buckets need"
        buckets = self.buckets()
        for key, entry in self._entries():
            for name in names_of(entry.slice):
                if name not in buckets:
                    value = entry.slice[name] if isinstance(entry.slice, dict) else MISSING
                    yield f"evaluation.{key}.slice", name, fitting(value), f"a value written {value!r} fits"

    def buckets(self) -> tuple[str, ...]:
        """Return the names of the slicings by bucket."""
        return tuple(name_of(part) for slicing in self._given() for part in slicing if isinstance(part, Buckets))

    def check(self, label: Label, metrics: Sequence[str]) -> None:
        """Check that metrics and keys belong to the label's task.

        Args:
            label: [label].
            metrics: Names of the task's metrics; NAME[CLASS] for a metric of each class.

        Raises:
            ValueError: One does not; names the nearest.
        """
        names = (label.names or ()) if label.kind == "classes" else ()
        stems = [metric.removesuffix("[CLASS]") for metric in metrics if metric.endswith("[CLASS]")]
        classed = [f"{metric}[{name}]" for metric in stems for name in names]
        number = len(names)
        for key, metric in self._judged():
            if metric == "top_k_accuracy" and 0 < number <= self.top_k:
                raise ValueError(
                    f"evaluation.{key}: top_k_accuracy of {number} classes is always 1 with evaluation.top_k = "
                    f"{self.top_k}: set top_k below {number}, or name accuracy"
                )
            pattern = metric.partition("[")[0] + "[CLASS]" if metric.endswith("]") else metric
            free = pattern in metrics and pattern != metric and not classed
            if (metric not in (*metrics, *classed) and not free) or (
                metric.endswith("[CLASS]") and metric not in classed
            ):
                hint = _nearest(metric, (*metrics, *classed))
                raise ValueError(
                    f"evaluation.{key}: metric {metric!r} is unknown for task {label.task}.{hint} Known metrics: "
                    f"{', '.join(metrics)}"
                )
        for number, rule in enumerate(self.rules):
            if rule.better_than is not None and (not self.plain or label.kind not in TASKS):
                reason = f"task {label.task!r} has none" if self.plain else "evaluation.plain = false"
                raise ValueError(f"evaluation.rules.{number}: better_than needs plain models, and {reason}: remove it")
        for key, task in _TASK_OF_KEY.items():
            if getattr(self, key) != type(self).model_fields[key].default and label.kind != task:
                raise ValueError(f"evaluation: {key} has no effect for task {label.task!r}: remove it")

    def check_measured(self, training: Training) -> None:
        """Check that the model has the intervals or calibrated probabilities that rules need.

        Args:
            training: [training].

        Raises:
            ValueError: One does.
        """
        for key, metric in self._judged():
            edit = _NEEDS.get(metric)
            if edit is not None and getattr(training, edit[0]) is None:
                raise ValueError(
                    f"evaluation.{key}: {metric} is measured only with training.{edit[0]}: set training.{edit[0]} = "
                    f"{edit[1]}, or remove {metric}"
                )
        for number, rule in enumerate(self.rules):
            if rule.better_than is not None and rule.metric in _NEEDS:
                raise ValueError(
                    f"evaluation.rules.{number}: {rule.metric} is not measured of plain models: write floor = NUMBER "
                    "in place of better_than"
                )

    def _judged(self) -> Iterator[tuple[str, str]]:
        """Yield the key and the metric of each condition."""
        yield from (("floor", metric) for metric in self.floor)
        yield from (("baseline", entry.metric) for entry in self.baseline or ())
        yield from ((key, entry.metric) for key, entry in self._entries())


def _nearest(name: str, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
