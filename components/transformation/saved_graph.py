"""SavedModel of a preprocessing function and the metadata of its outputs, from one trace.

TFT traces the function once for the SavedModel, and again for the ranges and annotations of the outputs, although the
first trace has them too. This module calls private functions of TFT, which are the same in TFT 1.16 and 1.21.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import wrap_function
from tensorflow_transform import analyzer_nodes, impl_helper, schema_inference, tf2_utils
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from components.transformation import traced


def write(
    folder: str,
    preprocessing_fn: Callable[..., Any],
    specs: Mapping[str, Any],
    temporary: str,
    fingerprint: Mapping[str, Any],
    replaced: Mapping[str, Any] | None,
    output_names: Mapping[str, str],
) -> None:
    """Write what `impl_helper.trace_and_write_v2_saved_model` writes.

    Args:
        folder: Folder of the SavedModel.
        preprocessing_fn: Maps raw tensors by name to model features.
        specs: Raw column -> TypeSpec.
        temporary: Folder for the graph's temporary assets.
        fingerprint: Fingerprints of the analyzers in the first trace.
        replaced: Name of an analyzer's tensor -> its result; None without analyzers.
        output_names: Output -> tensor of the trace, while analyzers are left.

    Raises:
        RuntimeError: The function calls its analyzers in another order than in the first trace.
    """
    outputs: dict[str, Any] = {}

    def kept(inputs: Any) -> Any:
        returned = preprocessing_fn(inputs)
        outputs.clear()
        outputs.update(returned)
        return returned

    function = impl_helper._trace_and_write_transform_fn(folder, kept, specs, temporary, replaced, output_names, None)
    inputs = tf2_utils.get_structured_inputs_from_func_graph(function.graph)
    impl_helper._validate_analyzers_fingerprint(fingerprint, function.graph, inputs)
    if function.graph.get_collection(analyzer_nodes.TENSOR_REPLACEMENTS):
        return
    overrides = _overrides(function.graph, outputs)
    if overrides is None:
        metadata = impl_helper._trace_and_get_metadata(function, inputs, preprocessing_fn, temporary, replaced)
    else:
        metadata = dataset_metadata.DatasetMetadata(
            schema_inference.infer_feature_schema_v2(function.structured_outputs, lambda: overrides, True)
        )
    metadata_io.write_metadata(metadata, os.path.join(folder, impl_helper.METADATA_DIR_NAME))


def _overrides(graph: Any, outputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Evaluate the ranges and annotations in a traced graph, as a function of `schema_inference` does in its own trace.

    Returns:
        Collection -> eager tensors; None if an annotation depends on the inputs, for which TFT takes invented rows.
    """
    keys = schema_inference._get_tensor_value_to_key_map(outputs)
    with graph.as_default():
        found: dict[str, Any] = {
            **schema_inference._get_schema_overrides(
                graph,
                keys,
                schema_inference._TF_METADATA_TENSOR_COLLECTION,
                [
                    schema_inference._TF_METADATA_TENSOR_MIN_COLLECTION,
                    schema_inference._TF_METADATA_TENSOR_MAX_COLLECTION,
                ],
            ),
            **schema_inference._get_schema_overrides(
                graph,
                keys,
                schema_inference._TF_METADATA_EXTRA_ANNOTATION,
                [
                    schema_inference._TF_METADATA_EXTRA_ANNOTATION_TYPE_URL,
                    schema_inference._TF_METADATA_EXTRA_ANNOTATION_PROTO,
                ],
                schema_inference._TF_METADATA_EXTRA_ANNOTATION_GLOBAL,
            ),
            schema_inference._METADATA_SPARSE_OUTPUT_OVERRIDES_FIELD: [
                schema_inference._get_sparse_output_annotations_v2(graph, keys)
            ],
        }
    leaves = tf.nest.flatten(found)
    tensors = [leaf for leaf in leaves if isinstance(leaf, tf.Tensor)]
    captured = {tensor.op.name for tensor in graph.internal_captures}
    placeholders = {name for name, operation in traced.needed(tensors).items() if operation.type == "Placeholder"}
    if placeholders - captured:
        return None
    wrapped = wrap_function.WrappedFunction(graph, wrap_function.VariableHolder(share_variables=True))
    values = iter(wrapped.prune([], tensors)() if tensors else [])
    evaluated = [next(values) if isinstance(leaf, tf.Tensor) else tf.constant(leaf) for leaf in leaves]
    result: dict[str, Any] = tf.nest.pack_sequence_as(found, evaluated)
    return result
