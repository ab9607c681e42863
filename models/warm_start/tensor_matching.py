"""Matching of tensors between the current network and an earlier one, propagated from the features through layers."""

from collections.abc import Collection, Mapping
from typing import Any

from models.layers import members, number_embeddings, periodic_embeddings, scaled_layers
from models.warm_start import architecture, feature_matching, member_layers
from models.warm_start.feature_matching import Match


class TensorMatcher:
    """Matches tensors of the current network with outputs of an earlier network's operations.

    Args:
        stored: Stored meaning of the earlier model's weights: `features` and `layers`.
        meanings: Feature -> meaning, of the current transform graph.
        anew: Names of layers that keep their initial weights. The caller adds to it while it carries layers over in
            topological order.
    """

    def __init__(self, stored: Mapping[str, Any], meanings: Mapping[str, Any], anew: Collection[str]) -> None:
        self._stored, self._meanings, self._anew = stored, meanings, anew

    def match(self, tensor: Any, old_name: str, as_index: bool = False) -> Match | None:
        """Match the numbers of a tensor with the output of an operation of the earlier network.

        Args:
            tensor: Tensor of the current network.
            old_name: Name of the earlier operation.
            as_index: Whether the tensor is used as an index; then its index values are matched.

        Returns:
            The match of the last dimension, or None. Tensors of more than two dimensions match only as the identity.
        """
        earlier, operation = self._stored["layers"].get(old_name), tensor._keras_history.operation
        if earlier is None or tensor._keras_history.tensor_index:
            return None
        kind = type(operation).__name__
        reads = architecture.inputs(operation)
        if architecture.only_in_training(kind):
            return self.match(reads[0], old_name, as_index)
        if architecture.only_in_training(earlier["class"]):
            return self.match(tensor, earlier["inputs"][0], as_index)
        if earlier["class"] != kind:
            return None
        if kind == "InputLayer":
            return self._input(operation, old_name, tensor.shape[-1], as_index)
        if getattr(operation, "weights", []):
            is_same = operation.name == old_name and operation.name not in self._anew
            return self._weighted(operation, earlier) if is_same else None
        if architecture.is_joint(operation):
            return self._joint(operation, earlier) if "parts" in earlier else None
        if earlier["settings"] != architecture.settings(operation) or len(reads) != len(earlier["inputs"]):
            return None
        matches = [self.match(read_tensor, name) for read_tensor, name in zip(reads, earlier["inputs"], strict=True)]
        if kind == "Concatenate" and len(tensor.shape) == 2:
            return self._side_by_side(reads, matches, earlier)
        if kind == "Flatten" and len(reads[0].shape) == 2:
            return matches[0]
        is_same = all(match is not None and match.is_same for match in matches)
        return Match.same(tensor.shape[-1]) if is_same and tensor.shape[-1] == earlier["width"] else None

    def _weighted(self, operation: Any, earlier: Mapping[str, Any]) -> Match | None:
        """Match the output of a layer whose weights were carried over."""
        scales = isinstance(operation, members.MemberScale | scaled_layers.FeatureScale | scaled_layers.SmoothClip)
        embeds = isinstance(operation, number_embeddings.PiecewiseLinear | periodic_embeddings.PeriodicEmbedding)
        if scales or embeds:
            [read], [old_name] = architecture.inputs(operation), earlier["inputs"]
            match = self.match(read, old_name)
            if match is None or scales:
                return match and member_layers.scaled(match)
            return member_layers.embedded(match, operation.size)
        return Match.same(operation.output.shape[-1])

    def _input(self, operation: Any, old_name: str, width: int, as_index: bool) -> Match | None:
        earlier, current = self._stored["features"].get(old_name), self._meanings.get(operation.name)
        match = (
            feature_matching.feature(earlier, current) if operation.name == old_name and earlier and current else None
        )
        if match is None or as_index or "depth" not in (current or {}):
            return match
        return Match.same(width) if match.is_same else None

    def _joint(self, operation: Any, earlier: Mapping[str, Any]) -> Match:
        places, start = {}, 0
        for (name, depth), old_name in zip(earlier["parts"], earlier["inputs"], strict=True):
            places[name] = start, depth, old_name
            start += depth or self._stored["layers"][old_name]["width"]
        parts = []
        for (name, depth), tensor in zip(operation.depths, architecture.inputs(operation), strict=True):
            at, old_depth, old_name = places.get(name, (0, None, ""))
            indexed = depth is not None
            match = self.match(tensor, old_name, indexed) if indexed == (old_depth is not None) else None
            parts.append((match or Match.none(depth or tensor.shape[-1]), at))
        return feature_matching.joined(parts, start)

    def _side_by_side(self, reads: list[Any], matches: list[Match | None], earlier: Mapping[str, Any]) -> Match:
        parts, start = [], 0
        for tensor, match, old_name in zip(reads, matches, earlier["inputs"], strict=True):
            parts.append((match or Match.none(tensor.shape[-1]), start))
            start += self._stored["layers"][old_name]["width"]
        return feature_matching.joined(parts, start)
