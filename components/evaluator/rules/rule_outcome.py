"""Outcome of a rule, and the line that describes it."""

import math
from dataclasses import dataclass
from typing import Any

from components.evaluator import metric_catalog
from components.evaluator.metric import Metric
from components.evaluator.slicing import SliceKey, plain, text_of


@dataclass(frozen=True)
class Rule:
    """Outcome of a rule.

    Attributes:
        metric: Name of the metric.
        value: Value of the model, or its distance from the best value; NaN if undefined.
        limit: Limit; NaN without one.
        ok: Whether the value meets the limit, or was not judged.
        kind: `floor`, `baseline`, `plain` for a plain model, `gap`, `number` for a value that is not finite and has no
            other rule, `skipped` if there are too few rows or no value to compare with, or `absent` if there are no
            rows.
        slice: The slice; empty for all rows. Of a gap the worse one.
        count: Number of rows; None if not counted.
        note: Further explanation, such as the other slice of a gap.
        edit: Change of the config that accepts the value; empty if the rule holds.
        definition: The metric; by default that of the folder with this name.
    """

    metric: str
    value: float
    limit: float
    ok: bool
    kind: str
    slice: SliceKey = ()
    count: float | None = None
    note: str = ""
    edit: str = ""
    definition: Metric | None = None

    @property
    def of(self) -> Metric:
        """The metric."""
        return self.definition or metric_catalog.find(self.metric)

    @property
    def is_upper_bound(self) -> bool:
        """Whether the limit is the largest allowed value."""
        return self.kind == "gap" or self.of.lower_is_better

    def plain(self) -> dict[str, Any]:
        """Return the outcome as JSON-able values, with the slice as a dict and the text."""
        values = {key: value for key, value in vars(self).items() if key != "definition"}
        return {**values, "slice": {name: plain(value) for name, value in self.slice}, "text": str(self)}

    def __str__(self) -> str:
        slice_text = f" for {text_of(self.slice)}" if self.slice else ""
        slice_text += f" ({self.count:,.0f} rows)" if self.slice and self.count is not None else ""
        if self.kind in ("skipped", "absent"):
            return f"{self.metric}{slice_text}: {self.note}"
        if self.kind == "number":
            return f"{self.metric}{slice_text} is {self.value}, which is not a finite number"
        name = f"gap of {self.metric}" if self.kind == "gap" else self.of.text(self.metric)
        limit = f"the {'allowed' if self.is_upper_bound else 'required'} {self.limit:.6g}"
        if self.kind == "baseline":
            verb = "allow" if self.is_upper_bound else "require"
            limit = f"the {self.limit:.6g} that baseline and tolerance {verb}"
        if self.kind == "plain":
            limit = f"the {self.limit:.6g} of a plain model"
        if not math.isfinite(self.value):
            comparison = "does not meet"
        elif self.is_upper_bound:
            comparison = "is within" if self.ok else "is above"
        else:
            comparison = "meets" if self.ok else "is below"
        note = f"; {self.note}" if self.note else ""
        return f"{name} {self.value:.6g} {comparison} {limit}{slice_text}{note}"
