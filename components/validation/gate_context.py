"""Input of a gate: the schema, statistics of each split, facts about rows, and previous runs.

Imports neither TensorFlow nor TFX, because reading a config imports the gates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2

from spec.base import Strict
from spec.columns.label import Label
from spec.rows.data_paths import SPLITS

if TYPE_CHECKING:
    # It imports pandas, which takes half a second.
    from components.ingestion.ingestion_settings import IngestionSettings
    from components.ingestion.rows.row_profile import Facts

TRAIN = SPLITS[0]
Digests = np.ndarray[Any, Any]


class WatchedColumns(Strict):
    """Columns that gates look at."""

    used: tuple[str, ...] = ()
    """Columns that the model reads."""
    compared: tuple[str, ...] = ()
    """Columns among them that are compared with other runs."""
    categories: tuple[str, ...] = ()
    """Categorical columns."""


@dataclass(frozen=True)
class PreviousRun:
    """A previous run that passed validation.

    Attributes:
        rows: Number of rows of all splits.
        train: Statistics of its train split, DatasetFeatureStatisticsList.
        name: Name of the span or run in messages.
    """

    rows: int
    train: Any
    name: str


@dataclass(frozen=True)
class GateContext:
    """This run, as gates see it.

    Attributes:
        schema: The approved schema.
        statistics: Split -> DatasetFeatureStatisticsList.
        label: [label].
        columns: Columns to check.
        weight: Column of the row weights; None if all rows count the same.
        source: Settings of the ingestion.
        schema_path: Path of the approved schema, for messages.
        facts: Split -> facts that ingestion recorded on its rows; empty if another ingestion wrote the examples.
        digests: Split -> digests of its rows, uint64 (rows,).
        features: Split -> digests of the same rows without their label and what the model does not read.
        labels: Split -> digests of the labels of the same rows.
        names: Split -> names of the same rows, if the reader names rows.
        previous_runs: Previous runs, the one to compare with first.
        served_content: Digest of the served rows that [gates.skew] names.
        served_paths: Paths of the served rows; None if [gates.skew] names none.
    """

    schema: schema_pb2.Schema
    statistics: Mapping[str, Any]
    label: Label
    columns: WatchedColumns = field(default_factory=WatchedColumns)
    weight: str | None = None
    source: "IngestionSettings | None" = None
    schema_path: str = "the schema"
    facts: "Mapping[str, Facts]" = field(default_factory=dict)
    digests: Mapping[str, Digests] = field(default_factory=dict)
    features: Mapping[str, Digests] = field(default_factory=dict)
    labels: Mapping[str, Digests] = field(default_factory=dict)
    names: Mapping[str, list[str]] = field(default_factory=dict)
    previous_runs: list[PreviousRun] = field(default_factory=list)
    served_content: str = ""
    served_paths: Any = None

    @property
    def split_by(self) -> str:
        """How ingestion divides the rows, as in data.split.by."""
        return self.ingestion.data.split.by

    @property
    def ingestion(self) -> "IngestionSettings":
        """Settings of the ingestion."""
        assert self.source is not None
        return self.source

    def feature(self, column: str) -> schema_pb2.Feature | None:
        """Return a column's entry in the schema; None without one."""
        return next((feature for feature in self.schema.feature if feature.name == column), None)

    def is_optional(self, column: str) -> bool:
        """Return whether the schema allows nulls in a column."""
        feature = self.feature(column)
        return feature is not None and feature.presence.min_fraction < 1

    def figures(self, split: str) -> dict[str, Any]:
        """Return the statistics of a split by column: FeatureNameStatistics; empty without the split."""
        return by_column(self.statistics[split]) if split in self.statistics else {}


def row_count(statistics: Any) -> int:
    """Return the number of rows of a DatasetFeatureStatisticsList."""
    return int(statistics.datasets[0].num_examples)


def by_column(statistics: Any) -> dict[str, Any]:
    """Return the FeatureNameStatistics of a DatasetFeatureStatisticsList by column."""
    return {feature.path.step[0]: feature for feature in statistics.datasets[0].features if feature.path.step}
