"""What the gates look at: figures of every split, marks of the rows, and the runs before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

import manifest
from components import example_passes
from components.ingestion.rows import row_profile
from components.validation.history import nearest
from errors import ResourceError

TRAIN = "train"


@dataclass
class Before:
    """One earlier run that was let through.

    Attributes:
        rows: Of all splits.
        train: Statistics of its train split.
        shown: Its span or run, in words.
    """

    rows: int
    train: Any
    shown: str


@dataclass
class Today:
    """This run.

    Attributes:
        settings: Of the node: `gates`, `columns`, `label` and so on.
        schema: The reviewed schema.
        statistics: Split -> DatasetFeatureStatisticsList.
        facts: Split -> what ingestion gathered; empty where another ingestion wrote the examples.
        digests: Split -> digests of its rows.
        features: Split -> digests of the same rows without their label.
        names: Split -> names of the same rows, where the reader gave them some.
        before: Earlier runs, that to compare with first.
    """

    settings: dict[str, Any]
    schema: schema_pb2.Schema
    statistics: dict[str, Any]
    facts: dict[str, row_profile.Facts] = field(default_factory=dict)
    digests: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    features: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    before: list[Before] = field(default_factory=list)

    def gate(self, name: str) -> dict[str, Any]:
        """Keys of one gate."""
        found: dict[str, Any] = self.settings["gates"][name]
        return found

    def action(self, name: str) -> str:
        """What to do where a gate's limit is passed: on a sample, warn at most."""
        action: str = self.gate(name)["action"]
        return "warn" if action == "block" and self.settings["advisory"] else action

    def feature(self, column: str) -> schema_pb2.Feature | None:
        """A column of the schema."""
        return next((feature for feature in self.schema.feature if feature.name == column), None)

    def optional(self, column: str) -> bool:
        """Whether a row may lack a column."""
        feature = self.feature(column)
        return feature is not None and feature.presence.min_fraction < 1


def rows(statistics: Any) -> int:
    """Rows of a split's statistics."""
    return int(statistics.datasets[0].num_examples)


def gathered(examples: Sequence[Any]) -> row_profile.Marked:
    """Facts, digests and names of all shards, where our ingestion left them.

    Args:
        examples: The Examples artifact, or nothing.

    Raises:
        ResourceError: a declared file is not there.
    """
    whole = row_profile.Marked({}, {}, {}, {})
    digests: dict[str, list[np.ndarray[Any, Any]]] = {}
    features: dict[str, list[np.ndarray[Any, Any]]] = {}
    for artifact in examples:
        for name in example_passes.declared(artifact).marks:
            path = f"{artifact.uri}/{name}"
            if not fileio.exists(path):
                raise ResourceError(manifest.missing(path))
            with fileio.open(path, "rb") as file:
                found = row_profile.read(file)
            for split, facts in found.facts.items():
                whole.facts.setdefault(split, row_profile.Facts()).add(facts)
            for split, part in found.digests.items():
                digests.setdefault(split, []).append(part)
            for split, part in found.features.items():
                features.setdefault(split, []).append(part)
            for split, names in found.names.items():
                whole.names.setdefault(split, []).extend(names)
    for held, parts in ((whole.digests, digests), (whole.features, features)):
        held.update({split: np.concatenate(arrays) for split, arrays in parts.items()})
    return whole


def looked_back(now: Any, history: Sequence[Any]) -> list[Before]:
    """Earlier runs: that of the newest span before this one first, else the newest; none whose files are gone.

    Args:
        now: This run's statistics artifact.
        history: Artifacts of earlier runs.
    """
    found = []
    for artifact in nearest(now, history):
        try:
            splits = artifact_utils.decode_split_names(artifact.split_names)
            protos = {split: stats_artifact_utils.load_statistics(artifact, split).proto() for split in splits}
        except (tf.errors.OpError, OSError, DecodeError):
            continue
        shown = f"span {artifact.span}" if 0 < artifact.span != now.span else "the last run with other data"
        if TRAIN in protos:
            found.append(Before(sum(map(rows, protos.values())), protos[TRAIN], shown))
    return found
