"""Keys of [label]: the column to predict, the task and the classes. Plain Python, no TensorFlow."""

import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, FiniteFloat, field_validator, model_validator

from spec.base import Strict, Word
from spec.columns import task as tasks

LABEL = "label"
"""Name of the transformed label."""
ABOVE: Mapping[str, float] = {"log": 0.0, "log1p": -1.0}
"""Transform -> lower bound of the labels for which it is defined."""
CLASSED = ("binary", "classes", "anomaly")
"""Kinds whose label is a class, so that equal rows should have equal labels."""
Value = Annotated[Word, AfterValidator(str.strip)]
"""A value of the label's column, without surrounding whitespace, which is ignored in the data too."""
_OF_TASKS = ("transform", "positive", "threshold", "classes", "tiers")
"""Keys that apply to some tasks only."""


class Label(Strict):
    """Column that the model predicts, and the task."""

    column: str | None = None
    """Column to predict. Optional for clusters, which only compares it with the clusters that it found."""
    task: str = "regression"
    """regression: a number; binary: one of two classes; classes: one of several; anomaly: how unlike a row is to rows
    labelled normal; clusters: groups of similar rows. Or the module of a custom task, such as "my_task"."""
    transform: Literal["none", "log", "log1p", "signed_log"] = "none"
    """regression: the network learns ln(label), ln(1 + label) or sign(label) ln(1 + abs(label)); predictions are in the
    unit of the label. A label without such a logarithm stops the run before training."""
    positive: Value | None = None
    """binary, anomaly: the value that is the second class, or an anomaly."""
    threshold: FiniteFloat | None = None
    """binary, anomaly: numbers from this value on are the second class, or anomalies; in the unit of the label."""
    tiers: int | None = Field(default=None, ge=2, le=1000)
    """classes: cut a number into this many classes of about equal count, at quantiles of the train split."""
    classes: tuple[Value, ...] = ()
    """Class names in order; for `classes` without `tiers` also the values of the label. Empty: found in the train
    split."""

    @classmethod
    def idle(cls, section: Mapping[str, Any]) -> Collection[str]:
        """Return the keys of other tasks; none for a task that is unknown or was not imported yet."""
        name = str(section.get("task", "regression"))
        if name not in tasks.shipped() and name not in sys.modules:
            return []
        return [key for key in _OF_TASKS if key not in tasks.find(name).label_keys]

    @field_validator("task")
    @classmethod
    def _known_task(cls, name: str) -> str:
        tasks.load(name)
        return name

    @model_validator(mode="after")
    def _fits_its_task(self) -> "Label":
        for key in self.idle({"task": self.task}):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key} has no effect with task {self.task!r}: remove it, or change the task")
        if self.column is None and self.kind != "clusters":
            raise ValueError(f"task {self.task!r} needs column: name the label's column")
        if self.kind in ("binary", "anomaly") and (self.positive is None) == (self.threshold is None):
            raise ValueError(f'task {self.task!r} needs either positive = "VALUE" or threshold = NUMBER')
        if self.kind == "binary" and len(self.classes) not in (0, 2):
            raise ValueError(f"task {self.task!r} has two classes")
        if self.tiers is not None and self.classes and len(self.classes) != self.tiers:
            raise ValueError(f"{self.tiers} tiers need as many classes, or none to number them")
        if len(set(self.classes)) != len(self.classes) or len(self.classes) == 1:
            raise ValueError("classes must be two or more different names")
        return self

    @property
    def kind(self) -> tasks.Kind:
        """Form of the label and the predictions, which the task determines."""
        return tasks.find(self.task).kind

    @property
    def required(self) -> str | None:
        """Column without whose cell a row is left out; None for clusters, which are found without a label."""
        return None if self.kind == "clusters" else self.column

    @property
    def needs_number(self) -> bool:
        """Whether the column must be INT or FLOAT."""
        return self.kind == "regression" or self.threshold is not None or self.tiers is not None

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the classes; None if only the train split tells them, or without classes."""
        if self.classes or self.kind == "regression":
            return self.classes or None
        if self.kind == "anomaly":
            return ("normal", "anomaly")
        if self.positive is not None:
            return (f"not {self.positive}", self.positive)
        if self.threshold is not None:
            return (f"below {self.threshold:g}", f"from {self.threshold:g}")
        if self.tiers is not None:
            return tuple(f"tier {number + 1}" for number in range(self.tiers))
        return None

    def class_of(self, value: str | float) -> str | float | None:
        """Return the name of a value's class.

        Args:
            value: A cell of the label's column.

        Returns:
            The name; for a regression or tiers the value itself; None if it is not a class.
        """
        if self.kind == "regression" or self.tiers is not None:
            return value
        class_names = self.names
        if self.threshold is not None:
            return (class_names or ())[int(float(value) >= self.threshold)]
        text = self.text(value)
        if self.positive is not None:
            return (class_names or ())[int(text == self.positive)]
        return text if class_names is None or text in class_names else None

    @staticmethod
    def text(value: str | float) -> str:
        """Return a cell of the label's column as the name of a class: without surrounding whitespace, 1.0 as 1."""
        return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()

    def unlisted(self, values: Iterable[str | float]) -> list[str]:
        """Return the values of the label's column that the config does not list, sorted.

        A row with such a value would have no class. If `classes` of a binary label are the two values themselves, a
        third value would count as the negative class.

        Args:
            values: Distinct cells of the column, without nulls.
        """
        if self.threshold is not None or self.tiers is not None or not self.classes:
            return []
        texts = set(map(self.text, values))
        if self.positive is not None and not set(self.classes) <= texts:
            return []
        return sorted(texts - set(self.classes))
