"""What the config demands, with the slices that it means."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from components.evaluator.blessing import Demands
from components.evaluator.slicing import MISSING, SliceKey, Value


def named(config: Mapping[str, Any]) -> list[SliceKey]:
    """The slices that rules name by their values, which are kept however rare they are."""
    entries = [entry["slice"] for entry in config["rules"] if isinstance(entry["slice"], dict)]
    return [_key(values, config) for values in entries]


def resolve(config: Mapping[str, Any], known: Iterable[SliceKey], used: Mapping[str, float] | None = None) -> Demands:
    """Rules and gaps with the slices they are judged on.

    Args:
        config: The node's settings: `floor`, `baseline`, `rules`, `gaps`, `slices` and `columns`.
        known: The slices that the rows have.
        used: Metric -> the share by which the baseline itself is worse than the best before it.
    """
    slices = [key for key in known if key]

    def keys(slice_: Any) -> list[SliceKey] | None:
        if slice_ is None:
            return None
        if isinstance(slice_, dict):
            return [_key(slice_, config)]
        wanted = {slice_} if isinstance(slice_, str) else set(slice_)
        return [key for key in slices if {name for name, _ in key} == wanted]

    return Demands(
        floor=config["floor"],
        baseline=[{**entry, "used": (used or {}).get(entry["metric"], 0.0)} for entry in config["baseline"]],
        rules=[{**entry, "keys": keys(entry["slice"])} for entry in config["rules"]],
        gaps=[{**entry, "keys": keys(entry["slice"])} for entry in config["gaps"]],
    )


def _key(values: Mapping[str, Any], config: Mapping[str, Any]) -> SliceKey:
    """The slice with these values, its names in the order of its slicing."""
    for slicing in config["slices"]:
        if {part["name"] for part in slicing} == set(values):
            return tuple((part["name"], _value(values[part["name"]], part, config["columns"])) for part in slicing)
    raise AssertionError(f"no slicing has the names {', '.join(values)}")


def _value(value: Any, part: Mapping[str, Any], types: Mapping[str, str]) -> Value:
    kind = "BYTES" if part["name"] != part["column"] else types[part["column"]]
    if kind == "BYTES" or value == MISSING.decode():
        return str(value).encode()
    # A FLOAT column holds float32 numbers.
    return int(value) if kind == "INT" else float(np.float32(value))
