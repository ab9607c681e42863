"""Reads the content of a GateContext: row profiles of the ingestion, and statistics of previous runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

import manifest
from components import example_passes
from components.ingestion.rows import row_profile
from components.validation import passed_statistics
from components.validation.gate_context import TRAIN, PreviousRun, row_count
from errors import ResourceError


def row_profiles(examples: Sequence[Any]) -> row_profile.Marked:
    """Read facts, digests and names of the rows of all shards, if our ingestion wrote them.

    Args:
        examples: The Examples artifact, or nothing.

    Raises:
        ResourceError: A declared file is missing.
    """
    profile = row_profile.Marked({}, {}, {}, {}, {})
    joined = (profile.digests, profile.features, profile.labels)
    parts: tuple[dict[str, list[np.ndarray[Any, Any]]], ...] = ({}, {}, {})
    for artifact in examples:
        for name in example_passes.declared(artifact).marks:
            path = f"{artifact.uri}/{name}"
            if not fileio.exists(path):
                raise ResourceError(manifest.missing(path))
            with fileio.open(path, "rb") as file:
                shard = row_profile.read(file)
            for split, facts in shard.facts.items():
                profile.facts.setdefault(split, row_profile.Facts()).add(facts)
            for arrays, of_shard in zip(parts, (shard.digests, shard.features, shard.labels), strict=True):
                for split, array in of_shard.items():
                    arrays.setdefault(split, []).append(array)
            for split, names in shard.names.items():
                profile.names.setdefault(split, []).extend(names)
    for whole, arrays in zip(joined, parts, strict=True):
        whole.update({split: np.concatenate(of_split) for split, of_split in arrays.items()})
    return profile


def previous_runs(statistics: Any, history: Sequence[Any], unit: str) -> list[PreviousRun]:
    """Read previous runs: the newest span before this one first, else the newest run.

    Runs whose files were deleted are skipped.

    Args:
        statistics: Statistics artifact of this run.
        history: Statistics artifacts of previous runs.
        unit: What spans count; see `span_names.shown`.
    """
    runs = []
    for artifact in passed_statistics.nearest(statistics, history):
        try:
            splits = artifact_utils.decode_split_names(artifact.split_names)
            protos = {split: stats_artifact_utils.load_statistics(artifact, split).proto() for split in splits}
        except (tf.errors.OpError, OSError, DecodeError):
            continue
        if TRAIN in protos:
            rows = sum(map(row_count, protos.values()))
            runs.append(PreviousRun(rows, protos[TRAIN], passed_statistics.name(artifact.span, statistics.span, unit)))
    return runs
