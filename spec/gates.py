"""Keys of [gates]: what the data may differ by, beside the reviewed schema, before a run is warned or stopped."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator

from spec.base import Strict
from spec.columns.label import Label
from spec.data import Paths

Action = Literal["warn", "block", "off"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Missing(Strict):
    """Null values, or texts that are only whitespace, in a column that the model reads."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share", "more": "max_increase"}
    action: Action = "warn"
    """warn, block the run, or off."""
    max_share: Share = 0.5
    """Largest share of the rows of a split."""
    max_increase: Share = 0.1
    """Largest increase of the share in the train split since the last run that passed."""
    columns: dict[str, Share] = Field(default_factory=dict)
    """Column -> its own limit instead of `max_share`."""


class Finite(Strict):
    """NaN and infinite numbers in a column that must be complete; in other columns they count as null."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share"}
    action: Action = "block"
    """warn, block the run, or off."""
    max_share: Share = 0.0
    """Largest share of the rows of a split."""


class Rows(Strict):
    """Number of rows of all splits, compared with the median of the last runs."""

    renamed: ClassVar[Mapping[str, str]] = {"least": "min_ratio", "most": "max_ratio"}
    action: Action = "block"
    """warn, block the run, or off."""
    min_ratio: Share = 0.5
    """Smallest multiple of the median."""
    max_ratio: float = Field(default=10.0, ge=1.0)
    """Largest multiple of the median."""
    runs: int = Field(default=5, ge=1, le=50)
    """Number of earlier runs with other data."""


class LabelGate(Strict):
    """Range of the label, and number of rows of each class."""

    renamed: ClassVar[Mapping[str, str]] = {"lowest": "min_value", "highest": "max_value"}
    action: Action = "block"
    """warn, block the run, or off."""
    min_value: FiniteFloat | None = None
    """regression: smallest allowed label, in addition to the schema's range."""
    max_value: FiniteFloat | None = None
    """regression: largest allowed label."""
    min_count: int = Field(default=1, ge=0)
    """binary, classes: smallest number of rows of each class in the train split; two classes are always required."""


class Unseen(Strict):
    """Categories that the schema does not list; if it lists none, categories that the last run did not have."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share"}
    action: Action = "block"
    """warn, block the run, or off."""
    max_share: Share = 0.05
    """Largest share of the rows of a split. A smaller share, and values that the schema allows, are a warning."""
    columns: dict[str, Share] = Field(default_factory=dict)
    """Column -> its own limit instead of `max_share`."""


class Drift(Strict):
    """The train split compared with that of the previous span, else of the last run with other data."""

    action: Action = "warn"
    """warn, block the run, or off."""
    categories: Share = 0.1
    """Texts: limit of the L-infinity distance, the largest difference of a value's share."""
    numbers: Share = 0.1
    """Numbers: limit of the Jensen-Shannon divergence over the deciles of the earlier rows, 0 to 1."""
    min_rows: int = Field(default=500, ge=1)
    """Data with fewer rows on either side is not compared, because chance alone moves it."""
    columns: dict[str, Share] = Field(default_factory=dict)
    """Column -> its own limit."""


class Skew(Drift):
    """The train split compared with served rows."""

    path: Paths | None = None
    """Served rows: files as in data.path, in the same format; the label may be absent."""


class Duplicates(Strict):
    """Rows of eval and test that also occur in train, ignoring columns that only identify a row or its split."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share"}
    action: Action = "warn"
    """warn, block the run, or off."""
    max_share: Share = 0.01
    """Largest share of the rows of eval and test."""


class Contradictions(Strict):
    """Rows that are equal except for their label, ignoring columns that only identify a row or its split."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share"}
    action: Action = "warn"
    """warn, block the run, or off."""
    max_share: Share = 0.0
    """Largest share of the rows of all splits."""


class Spellings(Strict):
    """Categories of the train split that differ only by case or surrounding whitespace."""

    action: Action = "warn"
    """warn, block the run, or off."""


class Sentinels(Strict):
    """Numbers such as -999 that are frequent in the train split and far from all other values."""

    action: Action = "warn"
    """warn, block the run, or off."""


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
        lowest, highest = self.label.min_value, self.label.max_value
        if lowest is not None and highest is not None and lowest > highest:
            raise ValueError("label: min_value is above max_value")
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
        for key in ("min_value", "max_value"):
            if getattr(self.label, key) is not None and label.task != "regression":
                raise ValueError(f"gates.label.{key} does nothing for task {label.task!r}: take it out")
        default = LabelGate()
        if self.label.min_count != default.min_count and label.task not in ("binary", "classes"):
            raise ValueError(f"gates.label.min_count does nothing for task {label.task!r}: take it out")
