"""Assignment of slices to the rules of the config."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from components.evaluator.evaluator_settings import EvaluatorSettings, SlicePart
from components.evaluator.rules.blessing import Comparison, Condition, Demands, Difference
from components.evaluator.slicing import MISSING, SliceKey, Value


def slices_of_rules(config: EvaluatorSettings) -> list[SliceKey]:
    """Return the slices that rules name by value, which are measured however rare they are."""
    entries = [entry.slice for entry in config.rules if isinstance(entry.slice, dict)]
    return [_key(values, config) for values in entries]


def resolve(
    config: EvaluatorSettings, occurring: Iterable[SliceKey], used: Mapping[str, float] | None = None
) -> Demands:
    """Return the rules with the slices that they apply to.

    Args:
        config: The node's settings: `floor`, `baseline`, `rules`, `gaps`, `slices` and `columns`.
        occurring: Slices that occur in the rows.
        used: Metric -> share by which the baseline is worse than the best model before it.
    """
    slices = [key for key in occurring if key]

    def keys(slice_: Any) -> list[SliceKey] | None:
        if slice_ is None:
            return None
        if isinstance(slice_, dict):
            return [_key(slice_, config)]
        names = {slice_} if isinstance(slice_, str) else set(slice_)
        return [key for key in slices if {name for name, _ in key} == names]

    return Demands(
        floor=config.floor,
        baseline=[
            Comparison(entry.metric, entry.tolerance, (used or {}).get(entry.metric, 0.0)) for entry in config.baseline
        ],
        rules=[
            Condition(entry.metric, keys(entry.slice), entry.floor, entry.tolerance, entry.min_count, entry.better_than)
            for entry in config.rules
        ],
        gaps=[
            Difference(entry.metric, keys(entry.slice) or (), entry.max_difference, entry.min_count)
            for entry in config.gaps
        ],
    )


def _key(values: Mapping[str, Any], config: EvaluatorSettings) -> SliceKey:
    """Return the slice with these values, with names in the order of its slicing."""
    for slicing in config.slices:
        if {part.name for part in slicing} == set(values):
            return tuple((part.name, _value(values[part.name], part, config.columns)) for part in slicing)
    raise AssertionError(f"no slicing has the names {', '.join(values)}")


def _value(value: Any, part: SlicePart, types: Mapping[str, str]) -> Value:
    kind = "BYTES" if part.name != part.column else types[part.column]
    if kind == "BYTES" or value == MISSING.decode():
        return str(value).encode()
    # Values of a FLOAT column are float32.
    return int(value) if kind == "INT" else float(np.float32(value))
