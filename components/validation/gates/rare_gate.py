"""Gate on the rarer of two classes in the splits that judge the model."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, model_validator

from components.validation.gate_context import TRAIN, GateContext
from components.validation.gate_findings import Finding
from spec.columns.label import Label
from spec.gates import Action, GateSettings


class Settings(GateSettings):
    """Fewest rows of the rarer of two classes in eval and test, where early stopping and the verdict depend on them."""

    renamed: ClassVar[dict[str, str]] = {}
    action: Action = "block"
    """warn, block the run, or off."""
    warn_below: int = Field(default=30, ge=0)
    """binary: with fewer rows of a class in eval or test the gate warns."""
    block_below: int = Field(default=5, ge=0)
    """binary: with fewer rows it blocks the run. One positive row can bless any model."""

    @model_validator(mode="after")
    def _limits_in_order(self) -> "Settings":
        if self.block_below > self.warn_below:
            raise ValueError(
                f"rare: block_below = {self.block_below} is above warn_below = {self.warn_below}: raise the latter too"
            )
        return self

    def check(self, label: Label) -> None:
        """Check that limits have an effect for the label's task."""
        for key in ("warn_below", "block_below"):
            if getattr(self, key) != type(self).model_fields[key].default and label.kind != "binary":
                raise ValueError(f"gates.rare.{key} has no effect for task {label.task!r}: remove it")


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the rows of each class in eval and test with the limits."""
    label = context.label
    if label.kind != "binary" or context.split_by == "all":
        # If every row is in every split, metrics have no meaning anyway, and `new` warns of it.
        return
    for split, facts in context.facts.items():
        if split == TRAIN or facts.labels is None or not facts.rows:
            continue
        counts: dict[str, int] = dict.fromkeys(label.names or (), 0)
        for value, rows in facts.labels.items():
            name = label.class_of(value)
            if name is not None:
                counts[str(name)] = counts.get(str(name), 0) + rows
        if len(counts) != 2:
            continue
        name = min(counts, key=lambda class_name: counts[class_name])
        rows = counts[name]
        if rows >= settings.warn_below:
            continue
        blocks = rows < settings.block_below
        key, limit = ("block_below", settings.block_below) if blocks else ("warn_below", settings.warn_below)
        yield Finding(
            label.column,
            limit,
            rows,
            f"{rows:,} rows of class {name!r}, below the limit of {limit}: a metric of so few rows is mostly chance",
            edit=f"gates.rare.{key} = {rows} in the config, or larger shares of eval and test in data.split",
            splits=[split],
            action="block" if blocks else "warn",
        )
