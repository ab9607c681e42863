"""Warm start: copies the weights of an earlier model to where they have the same meaning in the current network.

A model is stored with the meaning of its weights: its features (feature_meanings.py), its label, and its layers with
their inputs (architecture.py). A layer is carried over if its definition is unchanged and its inputs can be matched;
the rows of its weights then move to the features, tokens and buckets that they were learned for, and are rescaled with
them. Any other layer keeps its initial weights, and so do the layers after it, whose inputs have no known meaning yet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from models.warm_start import architecture, feature_matching, member_layers
from models.warm_start.feature_matching import NOWHERE, Match
from models.warm_start.tensor_matching import TensorMatcher
from spec.columns import task as tasks

Array = np.ndarray[Any, Any]
SHOWN = 5
"""Maximum number of features and of layers that a note names."""


@dataclass(frozen=True)
class Warm:
    """Source of a warm start.

    Attributes:
        arrays: Path -> weights of the earlier model.
        stored: The stored meaning of these weights: `features`, `label` and `layers`; None if it was not stored.
        meanings: Feature -> meaning, of the current transform graph.
    """

    arrays: Mapping[str, Array]
    stored: Mapping[str, Any] | None
    meanings: Mapping[str, Mapping[str, Any]]


@dataclass
class _Carrier:
    """Carries the layers of one network over.

    Attributes:
        network: The current network.
        warm: Source of the warm start.
        stored: The stored meaning of the earlier model's weights.
        label: Meaning of the current network's outputs.
        head: The layer whose units are the label's outputs; None if there is none.
        mirrors: Layer -> the layer whose output it reconstructs.
        anew: Layer -> reason why it keeps its initial weights.
        taken: Number of weight tensors carried over.
    """

    network: Any
    warm: Warm
    stored: Mapping[str, Any]
    label: Mapping[str, Any]
    head: str | None
    mirrors: Mapping[str, str]
    anew: dict[str, str] = field(default_factory=dict)
    taken: int = 0

    def __post_init__(self) -> None:
        self._tensors = TensorMatcher(self.stored, self.warm.meanings, self.anew)

    def run(self) -> None:
        """Carry over all layers in topological order."""
        for operation in self.network.operations:
            weights = getattr(operation, "weights", [])
            if not weights:
                continue
            matches = self._carried(operation)
            if isinstance(matches, str):
                self.anew[operation.name] = matches
                continue
            for variable, array in zip(weights, matches, strict=True):
                variable.assign(array)
            self.taken += len(weights)

    def _carried(self, layer: Any) -> list[Array] | str:
        """Return the weights to carry over to a layer, or the reason why there are none."""
        earlier = self.stored["layers"].get(layer.name)
        paths = [variable.path for variable in layer.weights]
        if earlier is None or any(path not in self.warm.arrays for path in paths):
            return "new"
        arrays = [self.warm.arrays[path] for path in paths]
        if earlier["class"] != type(layer).__name__ or earlier["settings"] != architecture.settings(layer):
            return "its settings changed"
        reads = architecture.inputs(layer)
        if len(reads) != len(earlier["inputs"]):
            return "its inputs changed"
        table = isinstance(layer, keras.layers.Embedding)
        matches = [
            self._tensors.match(tensor, name, table) for tensor, name in zip(reads, earlier["inputs"], strict=True)
        ]
        if any(match is None or match.is_empty for match in matches):
            return "its inputs changed"
        input_matches = [match for match in matches if match is not None]
        kind = "table" if table else type(layer).__name__
        carry: Callable[[Any, list[Array], list[Match]], list[Array] | str] = {
            "Dense": self._dense,
            "table": self._table,
            "Centres": self._centres,
            "PiecewiseLinear": lambda layer, arrays, matches: member_layers.embedding(layer, arrays, matches[0]),
            "PeriodicEmbedding": lambda layer, arrays, matches: member_layers.periodic(layer, arrays, matches[0]),
            "FeatureScale": lambda layer, arrays, matches: member_layers.scale(layer, arrays, matches[0]),
            "SmoothClip": lambda layer, arrays, matches: member_layers.clipped(layer, arrays, matches[0]),
            "ScaledDense": self._scaled_dense,
            "MemberScale": lambda layer, arrays, matches: member_layers.scale(layer, arrays, matches[0]),
            "MemberDense": lambda layer, arrays, matches: member_layers.head(layer, arrays, matches[0], self._labelled),
        }.get(kind, self._whole)
        return carry(layer, arrays, input_matches)

    def _whole(self, layer: Any, arrays: list[Array], matches: list[Match]) -> list[Array] | str:
        if not all(match.is_same for match in matches):
            return "its inputs changed"
        changed = [
            f"of shape {array.shape}, now {tuple(variable.shape)}"
            for variable, array in zip(layer.weights, arrays, strict=True)
            if array.shape != tuple(variable.shape)
        ]
        return changed[0] if changed else arrays

    def _table(self, layer: Any, arrays: list[Array], matches: list[Match]) -> list[Array] | str:
        [earlier_table], [match] = arrays, matches
        table = np.array(layer.weights[0])
        has_source = match.source != NOWHERE
        table[has_source] = earlier_table[match.source[has_source]]
        return [table]

    def _centres(self, layer: Any, arrays: list[Array], matches: list[Match]) -> list[Array] | str:
        [earlier_centres], [match] = arrays, matches
        if len(earlier_centres) != layer.k:
            return f"{len(earlier_centres)} centres, now {layer.k}"
        centres = np.zeros(layer.weights[0].shape, np.float32)
        exact = _exact(match)
        centres[:, exact] = (earlier_centres[:, match.source[exact]] - match.shift[exact]) / match.scale[exact]
        return [centres]

    def _scaled_dense(self, layer: Any, arrays: list[Array], matches: list[Match]) -> list[Array] | str:
        """Carry over a kernel that the layer divides by the root of its number of inputs."""
        [kernel, bias], unit = arrays, np.sqrt(layer.kernel.shape[0])
        carried = self._dense(layer, [kernel / np.sqrt(len(kernel)), bias], matches)
        return carried if isinstance(carried, str) else [carried[0] * unit, carried[1]]

    def _dense(self, layer: Any, arrays: list[Array], matches: list[Match]) -> list[Array] | str:
        [match], kernel = matches, arrays[0].astype(np.float64)
        bias = arrays[1].astype(np.float64) if len(arrays) > 1 else np.zeros(kernel.shape[1])
        has_source = match.source != NOWHERE
        rows = np.zeros((len(match.source), kernel.shape[1]))
        rows[has_source] = kernel[match.source[has_source]] * match.scale[has_source, None]
        bias = bias + match.shift[has_source] @ kernel[match.source[has_source]]
        if layer.name == self.head:
            labelled = self._labelled(np.array(layer.weights[0], np.float64), rows, bias)
        elif layer.name in self.mirrors:
            labelled = self._mirrored(layer, rows, bias)
        else:
            labelled = (rows, bias)
        if isinstance(labelled, str):
            return labelled
        rows, bias = labelled
        if rows.shape != tuple(layer.weights[0].shape):
            return f"{rows.shape[1]} units, now {layer.weights[0].shape[1]}"
        if len(arrays) == 1:
            return [rows] if not bias.any() else "its inputs are scaled otherwise, and it has no bias"
        return [rows, bias]

    def _labelled(self, initial: Array, kernel: Array, bias: Array) -> tuple[Array, Array] | str:
        """Adapt kernel and bias of the head to the current label; return the reason if that is impossible.

        The units of new classes keep the initial kernel.
        """
        earlier, current = self.stored["label"], self.label
        if earlier["task"] != current["task"]:
            return "the label has another task"
        kind = tasks.find(current["task"]).kind
        if kind == "regression":
            if earlier["of"] != current["of"]:
                return "the label changed"
            return kernel * (earlier["scale"] / current["scale"]), (
                bias * earlier["scale"] + earlier["shift"] - current["shift"]
            ) / current["scale"]
        if kind == "binary" and earlier["classes"] == current["classes"][::-1]:
            return -kernel, -bias
        if earlier["classes"] == current["classes"]:
            return kernel, bias
        positions = {name: position for position, name in enumerate(earlier["classes"])}
        source = np.array([positions.get(name, NOWHERE) for name in current["classes"]])
        if kind == "binary" or (source == NOWHERE).all():
            return "the label's classes changed"
        has_source = source != NOWHERE
        kernels, biases = initial.copy(), np.zeros(len(source))
        kernels[:, has_source], biases[has_source] = kernel[:, source[has_source]], bias[source[has_source]]
        return kernels, biases

    def _mirrored(self, layer: Any, kernel: Array, bias: Array) -> tuple[Array, Array] | str:
        """Adapt kernel and bias of a layer that reconstructs the output of another layer."""
        name = self.mirrors[layer.name]
        match = self._tensors.match(self.network.get_layer(name).output, name)
        if match is None:
            return "the layer that it reconstructs changed"
        kernels, made_bias = np.array(layer.weights[0], np.float64), np.zeros(len(match.source))
        exact = _exact(match)
        kernels[:, exact] = kernel[:, match.source[exact]] / match.scale[exact]
        made_bias[exact] = (bias[match.source[exact]] - match.shift[exact]) / match.scale[exact]
        return kernels, made_bias


def begin(network: Any, warm: Warm, label: Mapping[str, Any], *, head: str | None, mirrors: Mapping[str, str]) -> str:
    """Copy the weights of an earlier model to where they have the same meaning in a network.

    Args:
        network: A Keras model with its initial weights, which is changed in place.
        warm: Source of the warm start.
        label: Meaning of the network's outputs, as returned by `feature_meanings.of_label`.
        head: The layer whose units are the label's outputs; None if there is none.
        mirrors: Layer -> the layer whose output it reconstructs.

    Returns:
        A note for the user on the weights that were carried over.
    """
    if warm.stored is None:
        return (
            "no warm start: the model that serves does not describe its weights, as an earlier version made it; all "
            "weights are initialized"
        )
    carrier = _Carrier(network, warm, warm.stored, label, head, mirrors)
    carrier.run()
    parts = [f"warm start with {carrier.taken} of {len(network.weights)} weights of the model that serves"]
    if changes := _changes(carrier):
        parts.append(f"matched by meaning: {_listing(changes)}")
    if carrier.anew:
        parts.append(f"anew: {_listing([f'{name} ({reason})' for name, reason in carrier.anew.items()])}")
    return "; ".join(parts)


def _exact(match: Match) -> Array:
    """Return a mask of the numbers with an invertible match in the earlier vector, bool (width,)."""
    return np.asarray((match.source != NOWHERE) & ~match.stands_in & (match.scale != 0.0))


def _changes(carrier: _Carrier) -> list[str]:
    """List the differences between the earlier and the current features."""
    earlier, current = carrier.stored["features"], carrier.warm.meanings
    notes, rescaled, moved = [], 0, 0
    for name, meaning in current.items():
        if name not in carrier.network.input:
            continue
        match = feature_matching.feature(earlier[name], meaning) if name in earlier else None
        key = {"tokens": "tokens", "bag": "terms"}.get(meaning["kind"])
        if match is None:
            notes.append(f"{name} {'has another meaning' if name in earlier else 'is new'}")
        elif key is not None:
            old_values, new_values = earlier[name][key], meaning[key]
            fresh, gone = len(set(new_values) - set(old_values)), len(set(old_values) - set(new_values))
            notes += [f"{name} ({fresh} new, {gone} gone)"] if fresh or gone else []
            moved += old_values != new_values and not fresh and not gone
        elif meaning["kind"] == "number":
            rescaled += not match.is_same
        else:
            moved += not match.is_same or earlier[name].get("edges") != meaning.get("edges")
    notes += [f"{name} is gone" for name in earlier if name not in current]
    counts = ((rescaled, "rescaled"), (moved, "in another order or with other bounds"))
    return [*notes, *(f"{count} {word}" for count, word in counts if count)]


def _listing(texts: list[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
