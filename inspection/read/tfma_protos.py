"""Protos of TFMA without TensorFlow, and the text of their keys and thresholds."""

import importlib
import importlib.util
import sys
import types
from typing import Any

_TFMA = "tensorflow_model_analysis"


def tfma_proto(name: str) -> Any:
    """Import a module of protos from TFMA without TFMA's __init__, which imports TensorFlow.

    During the import an empty package replaces TFMA, unless TFMA has been imported already.
    """
    full = f"{_TFMA}.proto.{name}"
    if full in sys.modules or _TFMA in sys.modules:
        return importlib.import_module(full)
    spec = importlib.util.find_spec(_TFMA)
    stub = types.ModuleType(_TFMA)
    stub.__path__ = list(spec.submodule_search_locations or ()) if spec else []
    sys.modules[_TFMA] = stub
    try:
        importlib.import_module("google.protobuf.wrappers_pb2")  # TFMA's protos need it and do not all import it
        return importlib.import_module(full)
    finally:
        del sys.modules[_TFMA]


def metric_name(key: Any) -> str:
    """Return the name of a MetricKey, with output and sub key."""
    name = str(key.name)
    for part in ("class_id", "k", "top_k"):
        if key.HasField("sub_key") and key.sub_key.HasField(part):
            name += f"@{getattr(key.sub_key, part).value}"
    return f"{key.output_name}/{name}" if key.output_name else name


def slice_of(key: Any) -> dict[str, Any]:
    """Return column -> value of a SliceKey."""
    slice_: dict[str, Any] = {}
    for part in key.single_slice_keys:
        value = getattr(part, part.WhichOneof("kind") or "bytes_value")
        slice_[part.column] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return slice_


def limit_of(threshold: Any) -> str | None:
    """Return the bounds of a MetricThreshold as text; None if it has none."""
    parts = []
    if threshold.HasField("value_threshold"):
        bounds = threshold.value_threshold
        parts += [f">= {bounds.lower_bound.value:g}"] if bounds.HasField("lower_bound") else []
        parts += [f"<= {bounds.upper_bound.value:g}"] if bounds.HasField("upper_bound") else []
    if threshold.HasField("change_threshold"):
        change = threshold.change_threshold
        parts += [f"change {change.absolute.value:g}"] if change.HasField("absolute") else []
        parts += [f"change {change.relative.value:.0%}"] if change.HasField("relative") else []
    return " and ".join(parts) or None
