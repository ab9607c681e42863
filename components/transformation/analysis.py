"""Analysis of a preprocessing_fn: runs the analyzers of TensorFlow Transform (TFT) on large batches.

TFT traces the function and returns its analyzers by phase; a phase may depend on the results of the previous one. Stock
TFT runs each node as a Beam transform over small elements; here each node is a Python method, and all accumulating
nodes of a phase share one pass over the data. TFT itself writes the resulting graph.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_transform import analyzers, annotators, graph_tools, impl_helper
from tensorflow_transform.beam import analysis_graph_builder
from tensorflow_transform.beam import common as beam_common
from tensorflow_transform.beam import impl as beam_impl
from tensorflow_transform.beam.analyzer_impls import _VocabOrderingType
from tfx.dsl.io import fileio

from components.transformation import saved_graph, traced
from components.transformation.analyzer_accumulators import Combined, Counted, Gatherer, vocabulary

Pass = Callable[[str, Sequence[Gatherer]], list[Any]]
"""Function (folder of a graph, gatherers) -> result of each gatherer, from a pass over all rows."""
TRACED = "traced"
"""Name of the folder with the traced graph of the first data pass."""
_PER_BATCH = ("PackedCombineAccumulate", "CacheableCombineAccumulate", "VocabularyAccumulate")
"""Node types that accumulate over rows."""


class Unsupported(Exception):  # noqa: N818  not an error: the stage falls back to stock TFT
    """The function uses an analyzer that the fast path does not support."""


class Analysis:
    """Analyzer graph of one preprocessing function, and its evaluation.

    Args:
        preprocessing_fn: Maps raw tensors by name to model features.
        specs: Raw column -> TypeSpec.
        folder: Temporary folder for graphs and vocabularies.

    Attributes:
        columns: Raw columns that the outputs need, sorted.
        assets: Asset key -> file name, as TFT annotates them.

    Raises:
        Unsupported: The function uses an analyzer that the fast path does not support.
    """

    def __init__(self, preprocessing_fn: Callable[..., Any], specs: Mapping[str, Any], folder: str) -> None:
        self._function, self._specs, self._folder = preprocessing_fn, specs, folder
        fileio.makedirs(folder)
        graph, inputs, outputs = impl_helper.trace_preprocessing_function(preprocessing_fn, specs, False, folder)
        self.assets: dict[str, str] = annotators.get_asset_annotations(graph)
        annotators.clear_asset_annotations(graph)
        self.columns = sorted(graph_tools.get_dependent_inputs(graph, inputs, outputs))
        self._graph, self._inputs = graph, inputs
        self._fingerprint = graph_tools.get_analyzers_fingerprint(graph, inputs)
        self._future, _, side_effects = analysis_graph_builder.build(graph, inputs, outputs)
        if side_effects:
            raise Unsupported("side effects")
        self._known: dict[int, tuple[Any, ...]] = {}
        self._accumulating = _accumulating(self._future)
        for _, _, node in self._accumulating:
            _gatherer(node)

    def run(self, data_pass: Pass) -> str:
        """Run all analyzers, with one data pass per phase.

        Args:
            data_pass: Applies the graph of a phase to all rows, and accumulates its outputs.

        Returns:
            Folder of the transform graph, a SavedModel that contains the results.

        Raises:
            Unsupported: A node has a setting that the fast path does not support.
        """
        for phase in sorted({phase for phase, _, _ in self._accumulating}):
            nodes = [(apply, node) for node_phase, apply, node in self._accumulating if node_phase == phase]
            model = self._value(nodes[0][0].inputs[0])
            gatherers = [_gatherer(node) for _, node in nodes]
            for (_, node), gathered in zip(nodes, data_pass(model, gatherers), strict=True):
                self._known[id(node)] = (_output(node, gathered),)
        model = str(self._value(self._future))
        return model

    def _value(self, value_node: Any) -> Any:
        node = value_node.parent_operation
        if id(node) not in self._known:
            name = type(node.operation_def).__name__
            if name not in _NODES:
                raise Unsupported(name)
            arguments = [self._value(value) for value in node.inputs]
            self._known[id(node)] = _NODES[name](self, node.operation_def, *arguments)
        return self._known[id(node)][value_node.value_index]

    # Each method below computes a node type: it takes the node's definition and input values, and returns its outputs.

    def _add_key(self, node: Any, value: Any) -> tuple[Any, ...]:
        return ({node.key: value},)

    def _flatten(self, node: Any, *values: Mapping[str, Any]) -> tuple[Any, ...]:
        return ({key: part for value in values for key, part in value.items()},)

    def _extract_from_dict(self, node: Any, value: Mapping[str, Any]) -> tuple[Any, ...]:
        return (tuple(value[key] for key in node.keys) if isinstance(node.keys, tuple) else value[node.keys],)

    def _packed_combine_merge(self, node: Any, gathered: Mapping[str, Any]) -> tuple[Any, ...]:
        return ({part.label: part.combiner.extract_output(gathered[part.keys[0]]) for part in node.combiners},)

    def _combine_merge(self, node: Any, gathered: Any) -> tuple[Any, ...]:
        return (node.combiner.extract_output(gathered),)

    def _outputs(self, node: Any, values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(values)

    def _vocabulary_merge(self, node: Any, counts: pa.StructArray) -> tuple[Any, ...]:
        return (counts,)

    def _vocabulary_prune(self, node: Any, counts: pa.StructArray) -> tuple[Any, ...]:
        if node.key_fn is not None or node.informativeness_threshold > float("-inf"):
            raise Unsupported("a vocabulary by coverage or informativeness")
        return (vocabulary(counts, least=node.frequency_threshold or 0, most=node.top_k),)

    def _vocabulary_count(self, node: Any, counts: pa.StructArray) -> tuple[Any, ...]:
        # TFT writes an empty vocabulary as one dummy token that no row contains.
        return (np.int64(max(1, len(counts))),)

    def _vocabulary_write(self, node: Any, counts: pa.StructArray, *reserved: Any) -> tuple[Any, ...]:
        if reserved or node.file_format != "text" or node.fingerprint_shuffle or node.store_frequency:
            raise Unsupported("a vocabulary with reserved tokens, frequencies, a shuffle, or in records")
        tokens = vocabulary(counts, least=0, most=None).field("values").to_pylist()
        if not tokens:
            _, token = analyzers.get_empy_vocabulary_dummy_value(node.input_dtype)
            tokens = [token]
        path = os.path.join(self._folder, node.vocab_filename)
        with tf.io.gfile.GFile(path, "wb") as file:
            file.write(b"\n".join(tokens) + b"\n")
        return (np.array(path),)

    def _binding(self, node: Any, value: Any) -> tuple[Any, ...]:
        return (beam_impl._TensorBinding(value, node.tensor_name, node.dtype_enum, node.is_asset_filepath),)

    def _saved_model(self, node: Any, *bindings: Any) -> tuple[Any, ...]:
        signature = node.output_signature
        # The signature of the final graph has the tensors of all outputs; that of an earlier phase has unbound inputs.
        plain = all(isinstance(value, tf.Tensor) for value in signature.values())
        # Without bindings this is the graph of the first pass, or the last graph of a function without analyzers.
        if plain and not bindings and self._accumulating:
            folder = os.path.join(self._folder, TRACED)
            if traced.write(folder, self._graph, self._inputs, signature):
                return (folder,)
        names = {key: value.name for key, value in signature.items()} if plain else {}
        replaced = beam_impl._get_tensor_replacement_map(None, *bindings) if bindings else None
        model = beam_common.get_unique_temp_path(self._folder)
        saved_graph.write(model, self._function, self._specs, self._folder, self._fingerprint, replaced, names)
        return (model,)


_NODES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "AddKey": Analysis._add_key,
    "Flatten": Analysis._flatten,
    "ExtractFromDict": Analysis._extract_from_dict,
    "PackedCombineMerge": Analysis._packed_combine_merge,
    "CacheableCombineMerge": Analysis._combine_merge,
    "ExtractCombineMergeOutputs": Analysis._outputs,
    "ExtractPackedCombineMergeOutputs": Analysis._outputs,
    "VocabularyMerge": Analysis._vocabulary_merge,
    "VocabularyPrune": Analysis._vocabulary_prune,
    "VocabularyCount": Analysis._vocabulary_count,
    "VocabularyOrderAndWrite": Analysis._vocabulary_write,
    "CreateTensorBinding": Analysis._binding,
    "CreateSavedModel": Analysis._saved_model,
}
"""Node type -> method that computes it; data passes compute the accumulating nodes (_PER_BATCH)."""


def _accumulating(root: Any) -> list[tuple[int, Any, Any]]:
    """Find the accumulating nodes: (phase, node that applies the graph, accumulating node) of each.

    Raises:
        Unsupported: The graph has a node type that the fast path does not support.
    """
    visited: set[int] = set()
    nodes = []
    waiting = [root.parent_operation]
    while waiting:
        node = waiting.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        name = type(node.operation_def).__name__
        if name in _PER_BATCH:
            apply = node.inputs[0].parent_operation
            if type(apply.operation_def).__name__ == "ExtractFromDict":
                apply = apply.inputs[0].parent_operation
            nodes.append((apply.operation_def.phase, apply, node))
            node = apply
            waiting.append(node.inputs[0].parent_operation)
            continue
        if name not in _NODES:
            raise Unsupported(name)
        waiting.extend(value.parent_operation for value in node.inputs)
    return nodes


def _gatherer(node: Any) -> Gatherer:
    definition = node.operation_def
    name = type(definition).__name__
    if name == "PackedCombineAccumulate":
        return Combined(
            tuple(part.combiner for part in definition.combiners),
            tuple(_tuple(part.keys) for part in definition.combiners),
        )
    keys = _tuple(node.inputs[0].parent_operation.operation_def.keys)
    if name == "CacheableCombineAccumulate":
        return Combined((definition.combiner,), (keys,))
    if definition.vocab_ordering_type != _VocabOrderingType.FREQUENCY:
        raise Unsupported("a vocabulary that is not ordered by frequency")
    return Counted(keys[0])


def _output(node: Any, gathered: list[Any]) -> Any:
    """Convert the result of a gatherer to the output of its node, in the form that the next node expects."""
    if type(node.operation_def).__name__ == "PackedCombineAccumulate":
        return {part.label: value for part, value in zip(node.operation_def.combiners, gathered, strict=True)}
    return gathered[0]


def _tuple(keys: Any) -> tuple[str, ...]:
    return keys if isinstance(keys, tuple) else (keys,)
