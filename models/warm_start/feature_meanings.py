"""Meaning of the model features of a transformation, as JSON: tokens, bucket boundaries, scales.

Scales and boundaries are constants inside the transform graph. They are measured by running the graph on known rows and
values, with the precision of float32.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from models.features import bucketized, categorical, crossed, date, embedded, hashed, image, numeric, passthrough, text
from models.features.crossed import exact_depths
from models.roles import Features, role, shipped
from models.tasks.regression_task import LabelScale
from models.transform_graph.loaded_graph import TransformGraph
from models.transform_graph.vocabularies import vocabulary_name
from models.warm_start.graph_probing import Probe
from spec.columns.role import Output

Array = np.ndarray[Any, Any]
Meaning = dict[str, Any]
MAX_TERMS = 20_000
"""Largest vocabulary whose tf-idf weights are measured: a batch covers only `graph_probing.BATCH_TERMS` terms."""
LINEAR = 1e-4
"""Largest deviation of values from a line, as a share of their range, at which shift and scale are accepted."""


def describe(
    transform: Any, graph: TransformGraph, roles: Features, outputs: Sequence[Output], rows: Sequence[bytes]
) -> dict[str, Meaning]:
    """Describe the meaning of each model feature.

    Args:
        transform: TFTransformOutput of the transformation.
        graph: Transform graph.
        roles: Entries of [features]; empty if a user-defined function makes the features.
        outputs: Model features in order, with all depths known.
        rows: Serialized raw tf.Examples to measure scales on; may be empty.

    Returns:
        Feature -> `kind` and the keys of this kind. A feature whose meaning cannot be determined has kind `unknown`; a
        feature of a user-defined function or role has kind `own`, with a digest of the whole transform graph.
    """
    user_defined: Meaning = {}
    if not set(roles.roles()) & set(shipped()) or not set(roles.roles()) <= set(shipped()):
        user_defined = {"kind": "own", "graph": _graph_digest(transform.transform_savedmodel_dir)}
    if not roles.outputs():
        return {output.name: _sized(user_defined, output) for output in outputs}
    description = _Description(transform, graph, roles, rows)
    by_name = {output.name: output for output in outputs}
    return {
        output.name: _sized(
            (description.of(entry, output) or {"kind": "unknown"}) if name in shipped() else user_defined,
            by_name[output.name],
        )
        for name, entry in roles.entries()
        for output in role(name).outputs(entry)
    }


def _sized(meaning: Meaning, output: Output) -> Meaning:
    """Return a meaning with the `depth` of an index, or the `width` of any other feature."""
    if output.kind == "index":
        return {**meaning, "depth": output.depth}
    return {**meaning, "width": int(np.prod(output.shape)) if output.kind == "image" else output.depth or 1}


class _Description:
    """Describes the features of one transformation."""

    def __init__(self, transform: Any, graph: TransformGraph, roles: Features, rows: Sequence[bytes]) -> None:
        self._transform, self._roles = transform, roles
        self._probe = Probe(transform, graph, roles, rows) if rows and _is_measured(roles) else None
        self._edges = _given_edges(roles) | (self._probe.edges() if self._probe else {})

    def of(self, entry: Any, output: Output) -> Meaning | None:
        """Return the meaning of one feature; None if it cannot be determined."""
        if isinstance(entry, numeric.Settings | passthrough.Settings):
            return self._number(output.name, _of_column(entry), plain=getattr(entry, "scale", "none") == "none")
        if isinstance(entry, bucketized.Settings):
            return self._buckets(entry)
        if isinstance(entry, categorical.Settings) and entry.encode == "ordinal":
            of = {"places": list(entry.categories), "column": entry.column}
            return {"kind": "number", "of": of, "shift": 0.0, "scale": 1.0}
        if isinstance(entry, categorical.Settings | embedded.Settings):
            return self._tokens(entry, output.name)
        if isinstance(entry, hashed.Settings):
            return {"kind": "hash", "buckets": entry.buckets, "missing": entry.missing == "category"}
        if isinstance(entry, crossed.Settings):
            return self._crossed(entry, output.name)
        if isinstance(entry, text.Settings):
            return self._bag(entry, output.name)
        if isinstance(entry, image.Settings):
            return {"kind": "image", "shape": list(output.shape)}
        if isinstance(entry, date.Settings):
            part = output.name.removeprefix(f"{entry.column}_")
            if output.kind == "index":
                return {"kind": "part", "part": part}
            return self._number(output.name, {"date": entry.column, "part": part}, plain=False)
        return None

    def _number(self, name: str, of: Meaning, *, plain: bool) -> Meaning | None:
        """Describe a number by shift and scale: number = shift + scale * feature.

        The scale is None if the feature has the same value in all rows.
        """
        if plain:
            return {"kind": "number", "of": of, "shift": 0.0, "scale": 1.0}
        if self._probe is None:
            return None
        line = _line(*self._probe.measured(name, of))
        return None if line is None else {"kind": "number", "of": of, "shift": line[0], "scale": line[1]}

    def _buckets(self, entry: bucketized.Settings) -> Meaning | None:
        edges = self._edges.get(entry.column)
        return None if edges is None else {"kind": "buckets", "edges": edges, "missing": entry.missing == "category"}

    def _tokens(self, entry: categorical.Settings | embedded.Settings, name: str) -> Meaning:
        categories = list(getattr(entry, "categories", ()))
        oov = entry.oov if isinstance(entry, embedded.Settings) else entry.num_oov
        tokens = categories or self._vocabulary(name)
        return {"kind": "tokens", "tokens": tokens, "oov": oov, "missing": entry.missing == "category"}

    def _vocabulary(self, name: str) -> list[str]:
        path = self._transform.vocabulary_by_name(vocabulary_name(name))
        return [token.decode("utf-8", "surrogateescape") for token in path]

    def _crossed(self, entry: crossed.Settings, name: str) -> Meaning | None:
        if entry.product:
            columns = {entry.column: entry for name in ("numeric", "passthrough") for entry in self._roles.of(name)}
            factors = [_of_column(columns[column]) for column in entry.columns_]
            return self._number(name, {"product": factors}, plain=False)
        buckets = {entry.column: entry for entry in self._roles.of("bucketized")}
        categories = {entry.column: entry for entry in self._roles.of("categorical") if entry.encode == "one_hot"}
        parts = [
            self._buckets(buckets[column]) if column in buckets else self._tokens(categories[column], f"{column}_index")
            for column in entry.columns_
        ]
        if any(part is None for part in parts):
            return None
        if depths := exact_depths(entry, self._roles):
            cells = [{**(part or {}), "depth": depth} for part, depth in zip(parts, depths, strict=True)]
            return {"kind": "cells", "parts": cells}
        # The cross hashes indices: it has the same meaning if every index has.
        return {"kind": "cross", "buckets": entry.buckets, "parts": _digest(parts)}

    def _bag(self, entry: text.Settings, name: str) -> Meaning | None:
        terms = self._vocabulary(name)
        meaning = {"kind": "bag", "terms": terms, "ngrams": entry.ngrams, "weight": entry.weight}
        if entry.weight != "tfidf":
            return meaning
        if self._probe is None or len(terms) > MAX_TERMS:
            return None
        return {**meaning, "rarity": self._probe.rarities(entry, name, terms)}


def _of_column(entry: numeric.Settings | passthrough.Settings) -> Meaning:
    clip = getattr(entry, "clip", None)
    return {
        "column": entry.column,
        "clip": None if clip is None else list(clip),
        "log1p": getattr(entry, "scale", "none") == "log1p",
    }


def _is_measured(roles: Features) -> bool:
    """Whether any feature has a scale or boundaries that are stored only in the graph."""
    return any(
        isinstance(entry, numeric.Settings | date.Settings)
        or getattr(entry, "quantiles", None) is not None
        or getattr(entry, "product", False)
        or getattr(entry, "weight", None) == "tfidf"
        for _, entry in roles.entries()
    )


def _given_edges(roles: Features) -> dict[str, list[float]]:
    return {entry.column: list(entry.edges) for entry in roles.of("bucketized") if entry.edges is not None}


def _line(values: Array, features: Array) -> tuple[float, float | None] | None:
    """Fit values = shift + scale * features; return shift and scale, or None if the relation is not linear."""
    if not len(values):
        return None
    low, high = int(features.argmin()), int(features.argmax())
    if features[low] == features[high]:
        return float(values[low]), None
    scale = (values[high] - values[low]) / (features[high] - features[low])
    shift = values[low] - scale * features[low]
    off = np.abs(values - shift - scale * features).max()
    return (float(shift), float(scale)) if off <= LINEAR * abs(values[high] - values[low]) else None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _graph_digest(folder: str) -> str:
    sha256 = hashlib.sha256()
    for above, _, names in sorted(tf.io.gfile.walk(folder)):
        for name in sorted(names):
            with tf.io.gfile.GFile(f"{above.rstrip('/')}/{name}", "rb") as file:
                sha256.update(f"{above.rstrip('/')[len(folder) :]}/{name}\0".encode() + file.read())
    return sha256.hexdigest()[:16]


def of_label(label: Any, target: Any) -> Meaning:
    """Describe the meaning of a network's outputs.

    Args:
        label: spec.columns.label.Label.
        target: The training target (models/tasks/targets.py).

    Returns:
        `task`; and for a regression column, transform, shift and scale of the label, or the classes in order.
    """
    column = label.column
    if label.kind == "regression":
        # That of a custom task may be another.
        is_scaled = isinstance(target, LabelScale)
        return {
            "task": label.task,
            "of": {"column": column, "transform": label.transform},
            "shift": target.mean if is_scaled else 0.0,
            "scale": target.deviation if is_scaled else 1.0,
        }
    if label.kind not in ("binary", "classes"):
        return {"task": label.task}
    if label.positive is not None:
        classes = [f"{column} is not {label.positive}", f"{column} is {label.positive}"]
    elif label.threshold is not None:
        classes = [f"{column} below {label.threshold!r}", f"{column} from {label.threshold!r}"]
    elif label.tiers is not None:
        classes = [f"{column} in tier {number + 1} of {label.tiers}" for number in range(label.tiers)]
    else:
        classes = [f"{column} is {name}" for name in target.names]
    return {"task": label.task, "classes": classes}
