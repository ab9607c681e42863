"""Keys of [gates]: what the data may differ by, beside the reviewed schema, before a run is warned or stopped."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator

from models.label import Label
from models.strict import Strict
from pipeline.data import Paths

Action = Literal["warn", "block", "off"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Missing(Strict):
    """Cells that are missing, or texts of blanks alone, in a column that the model reads."""

    action: Action = "warn"
    most: Share = 0.5
    """Share of a split's rows."""
    more: Share = 0.1
    """By how much the share in the train split may be larger than in the last run that was let through."""
    columns: dict[str, Share] = Field(default_factory=dict)
    """Column -> its own `most`."""


class Finite(Strict):
    """NaN and infinite numbers in a column that a row may not lack; elsewhere they count as missing."""

    action: Action = "block"
    most: Share = 0.0
    """Share of a split's rows."""


class Rows(Strict):
    """Rows of all splits, against the median of the last runs."""

    action: Action = "block"
    least: Share = 0.5
    """Smallest share of that median."""
    most: float = Field(default=10.0, ge=1.0)
    """Largest multiple of it."""
    runs: int = Field(default=5, ge=1, le=50)
    """Runs with other data that are looked back on."""


class LabelGate(Strict):
    """Range of the label, and rows of each of its classes."""

    action: Action = "block"
    lowest: FiniteFloat | None = None
    """regression: smallest label, beside the schema's range."""
    highest: FiniteFloat | None = None
    """regression: largest label."""
    min_count: int = Field(default=1, ge=0)
    """binary, classes: least rows of each class in the train split; two classes are always needed."""


class Unseen(Strict):
    """Categories that the schema does not name; where it names none, that the last run did not have."""

    action: Action = "block"
    most: Share = 0.05
    """Share of a split's rows; below it, and for what a schema lets through, a warning."""
    columns: dict[str, Share] = Field(default_factory=dict)
    """Column -> its own `most`."""


class Drift(Strict):
    """The train split against that of the previous span, or else of the last run with other data."""

    action: Action = "warn"
    categories: Share = 0.1
    """L-infinity: the largest difference of a value's share."""
    numbers: Share = 0.1
    """Jensen-Shannon divergence over the deciles of the earlier rows."""
    min_rows: int = Field(default=500, ge=1)
    """Fewer rows on either side are not compared: chance alone moves them."""
    columns: dict[str, Share] = Field(default_factory=dict)
    """Column -> its own limit."""


class Skew(Drift):
    """The train split against rows that were served."""

    path: Paths | None = None
    """The rows that were asked for: files as data.path names them, of the same format, without a label."""


class Duplicates(Strict):
    """Rows of eval and test that are in train too, but for the columns that name a row or its split."""

    action: Action = "warn"
    most: Share = 0.01
    """Share of the rows of eval and test."""


class Contradictions(Strict):
    """Rows that are equal but for their label, and for the columns that name a row or its split."""

    action: Action = "warn"
    most: Share = 0.0
    """Share of the rows of all splits."""


class Spellings(Strict):
    """Categories of the train split that differ by case or by blanks around them alone."""

    action: Action = "warn"


class Sentinels(Strict):
    """Numbers of nines, as -999, that are frequent and far from all others in the train split."""

    action: Action = "warn"


def _spelled_out(gate: Any) -> Any:
    return {"action": gate} if isinstance(gate, str) else gate


_Short = BeforeValidator(_spelled_out)


class Gates(Strict):
    """Each gate as a table, or its action alone."""

    missing: Annotated[Missing, _Short] = Missing()
    finite: Annotated[Finite, _Short] = Finite()
    rows: Annotated[Rows, _Short] = Rows()
    label: Annotated[LabelGate, _Short] = LabelGate()
    unseen: Annotated[Unseen, _Short] = Unseen()
    drift: Annotated[Drift, _Short] = Drift()
    skew: Annotated[Skew, _Short] = Skew()
    duplicates: Annotated[Duplicates, _Short] = Duplicates()
    contradictions: Annotated[Contradictions, _Short] = Contradictions()
    spellings: Annotated[Spellings, _Short] = Spellings()
    sentinels: Annotated[Sentinels, _Short] = Sentinels()

    @model_validator(mode="after")
    def _ends_in_order(self) -> "Gates":
        lowest, highest = self.label.lowest, self.label.highest
        if lowest is not None and highest is not None and lowest > highest:
            raise ValueError("label: lowest is above highest")
        return self

    def named(self) -> Iterator[tuple[str, str]]:
        """Key and column, of each column that is named."""
        for key, gate in self:
            for column in getattr(gate, "columns", {}):
                yield f"gates.{key}.columns", column

    def check(self, label: Label) -> None:
        """See that the keys act for the label's task.

        Raises:
            ValueError: one does not.
        """
        for key in ("lowest", "highest"):
            if getattr(self.label, key) is not None and label.task != "regression":
                raise ValueError(f"gates.label.{key} does nothing for task {label.task!r}: take it out")
        default = LabelGate()
        if self.label.min_count != default.min_count and label.task not in ("binary", "classes"):
            raise ValueError(f"gates.label.min_count does nothing for task {label.task!r}: take it out")
