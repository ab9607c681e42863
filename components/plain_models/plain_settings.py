"""Settings of the node plain-models, as its executor and the process that fits get them."""

from typing import Literal

from pydantic import Field

from spec.base import Strict
from spec.columns.label import Label

Kind = Literal["number", "category", "date"]
SETTINGS, FACTS, TRAIN, PREDICTED = "settings.json", "facts.json", "train.arrow", "predicted.arrow"
"""Files between the executor and the process that fits."""


class PlainSettings(Strict):
    """Input columns and label of the plain models."""

    label: Label
    """[label]."""
    kinds: dict[str, Kind] = Field(default_factory=dict)
    """Raw column that the network sees -> what it is to a plain model; without texts and images."""
    types: dict[str, str] = Field(default_factory=dict)
    """Raw column -> schema type (INT, FLOAT, BYTES): those of `kinds`, label and weight."""
    left_out: tuple[str, ...] = ()
    """Columns that the network sees and no plain model can: texts and images."""
    weight: str | None = None
    """Column of the row weights."""
    split: str = "test"
    """Split to predict."""
    seconds: float = 20.0
    """Processor time of all fits together."""
