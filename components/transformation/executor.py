"""Executor of the transformation: a fast path with large batches, or stock TFX for unsupported analyzers."""

import contextlib
import functools
import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import TFTransformOutput, impl_helper
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils
from tfx.components.schema_gen.executor import DEFAULT_FILE_NAME
from tfx.components.transform import labels
from tfx.components.transform.executor import Executor as TransformExecutor
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import transform_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils, proto_utils

import printing
from components import example_passes, summary
from components.engine import parallel_map
from components.engine.beam_pipeline import EngineMixin
from components.fingerprints import code_digest
from components.transformation import graph_passes, transform_errors
from components.transformation.analysis import Analysis, Unsupported
from errors import ResourceError
from manifest import Shard
from models import progress
from models.transform_graph.preprocessing import TransformConfig
from spec import settings

RECORDS = "transformed_examples"
"""Stem of the files of transformed tf.Examples, as stock Transform names them."""
_STOCK_RUNNER = "--runner=BundleBasedDirectRunner"
"""Runner of stock TFT: Beam's FnApiRunner fails with "watermark-pending bundles" on three consecutive phases."""


class Executor(EngineMixin, TransformExecutor):  # type: ignore[misc]
    """Executor of the node; TFX calls `Do`."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Analyze the data; write the transform graph and the transformed examples.

        Raises:
            UserError: Values of a column are invalid, or the user-defined function failed.
        """
        try:
            self._do(input_dict, output_dict, exec_properties)
        except Exception as error:
            finding = _explain(exec_properties, input_dict)(error)
            if finding is None:
                raise
            raise finding from error

    def _do(self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]) -> None:
        graph = artifact_utils.get_single_instance(output_dict["transform_graph"])
        note = ""
        try:
            note = self._transform(input_dict, output_dict, exec_properties)
        except Unsupported as unsupported:
            printing.line(f"transformation: {unsupported} is not known to the fast path, so stock TFX runs this stage")
            example_passes.check_undeclared(artifact_utils.get_single_instance(input_dict["examples"]))
            for artifact in (graph, *output_dict["transformed_examples"]):
                if fileio.exists(artifact.uri):
                    fileio.rmtree(artifact.uri)
                fileio.makedirs(artifact.uri)
            arguments = self._beam_pipeline_args
            arguments[:] = [_STOCK_RUNNER if text == "--runner=FnApiRunner" else text for text in arguments]
            super().Do(input_dict, output_dict, exec_properties)
            for artifact in output_dict["transformed_examples"]:
                _declare(artifact)
        with fileio.open(f"{graph.uri}/{TFTransformOutput.TRANSFORMED_METADATA_DIR}/schema.pbtxt") as file:
            names = [line for line in file.read().splitlines() if line.startswith("  name:")]
        summary.put(graph, f"{len(names) - 1} features and the label{note}")

    def _transform(
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> str:
        """Run the fast path.

        Returns:
            Note on text without a known term, to append to the summary; "" if there is none.

        Raises:
            Unsupported: The fast path cannot run this configuration.
        """
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        if examples_utils.get_file_format(examples) != "tfrecords_gzip":
            raise Unsupported("a file format other than gzipped records")
        config = proto_utils.json_to_proto(exec_properties["splits_config"], transform_pb2.SplitsConfig())
        schema = _schema(artifact_utils.get_single_uri(input_dict["schema"]))
        if schema.tensor_representation_group:
            raise Unsupported("a schema with tensor representations")
        spec = schema_utils.schema_as_feature_spec(schema).feature_spec
        function = self._GetPreprocessingFn(
            {
                labels.PREPROCESSING_FN: exec_properties["preprocessing_fn"],
                labels.CUSTOM_CONFIG: exec_properties.get("custom_config"),
                labels.MODULE_FILE: None,
                labels.MODULE_PATH: None,
            },
            {},
        )
        graph = artifact_utils.get_single_instance(output_dict["transform_graph"])
        transformed = artifact_utils.get_single_instance(output_dict["transformed_examples"])
        # A unique name: a previous attempt of the stage may have left its folder.
        temporary, explain = (
            f"{graph.uri}/{parallel_map.TEMPORARY}-{uuid.uuid4().hex}",
            _explain(exec_properties, input_dict),
        )
        with progress.doing(f"building the graph of {len(spec)} columns"):
            analysis = Analysis(function, impl_helper.get_type_specs_from_feature_specs(spec), temporary)
        read_columns = {name: spec[name] for name in analysis.columns}
        logging.info("transformation: %d raw columns", len(read_columns))
        files = [file for split in config.analyze for file in example_passes.files(examples, split)]
        model = analysis.run(graph_passes.gather(self._make_beam_pipeline, files, read_columns, temporary, explain))
        metadata = metadata_io.read_metadata(f"{model}/{impl_helper.METADATA_DIR_NAME}")
        _write(graph.uri, model, metadata, analysis.assets, dataset_metadata.DatasetMetadata(schema))
        transformed.split_names = artifact_utils.encode_split_names(list(config.transform))
        shard_sources = {split: _pairs(examples, transformed, split) for split in config.transform}
        together = {target: source for files in shard_sources.values() for target, source in files.items()}
        roles = _config(exec_properties)
        bags = [f"{entry.column}_bag" for entry in roles.features.of("text")] if roles else []
        results = graph_passes.materialize(
            self._make_beam_pipeline, together, read_columns, model, metadata.schema, temporary, explain, bags
        )
        below = len(f"{transformed.uri}/")
        declared = {
            split: [Shard(target[below:], results[target][0]) for target in files]
            for split, files in shard_sources.items()
        }
        example_passes.declare(transformed, declared)
        io_utils.delete_dir(temporary)
        by_split = {split: [results[target] for target in files] for split, files in shard_sources.items()}
        return _unknown_text_note(by_split, bags)


def _config(exec_properties: dict[str, Any]) -> TransformConfig | None:
    """Read the settings of models/transform_graph/preprocessing.py; None for another preprocessing function."""
    packed = json.loads(exec_properties.get("custom_config") or "{}").get("settings")
    return TransformConfig.model_validate(settings.unpack(packed)) if packed else None


def _unknown_text_note(results: Mapping[str, Sequence[tuple[int, Mapping[str, int]]]], bags: Sequence[str]) -> str:
    """Describe how many rows have text without a known term.

    Args:
        results: Split -> for each file (number of rows, bag -> number of rows without a known term).
        bags: Names of the bag-of-words features.

    Returns:
        Clauses to append to the summary; "" if every row has a known term.
    """
    note = ""
    for bag in bags:
        parts = []
        for split, files in results.items():
            number, rows = sum(unknown[bag] for _, unknown in files), sum(count for count, _ in files)
            if number:
                parts.append(f"{number:,} of {rows:,} {split} ({100 * number / rows:.3g} %)")
        if parts:
            note += f"; {bag.removesuffix('_bag')!r} has no known word in {', '.join(parts)}"
    return note


def _explain(exec_properties: dict[str, Any], input_dict: dict[str, Any]) -> parallel_map.Explain:
    """Return a function that explains an exception by the data; picklable, because it is sent to workers."""
    config = _config(exec_properties)
    if config is None:
        return parallel_map.no_explanation
    examples, files = artifact_utils.get_single_instance(input_dict["examples"]), {}
    # Without the files an explanation only lacks the row; the stage itself reports missing files.
    with contextlib.suppress(ResourceError):
        splits = artifact_utils.decode_split_names(examples.split_names)
        files = {
            name: [parallel_map.absolute(shard.path) for shard in example_passes.files(examples, name)]
            for name in splits
        }
    subject = transform_errors.Subject.of(config)
    return functools.partial(transform_errors.explain, subject=subject, records=transform_errors.Records(files))


def _declare(transformed: Any) -> None:
    """Declare the files that stock TFX wrote, with their row counts."""
    splits = example_passes.declared(transformed).splits
    counted = {
        split: [Shard(shard.path, example_passes.count(f"{transformed.uri}/{shard.path}")) for shard in files]
        for split, files in splits.items()
    }
    example_passes.declare(transformed, counted)


def _schema(folder: str) -> schema_pb2.Schema:
    with fileio.open(f"{folder}/{DEFAULT_FILE_NAME}") as file:
        return text_format.Parse(file.read(), schema_pb2.Schema())


def _pairs(examples: Any, transformed: Any, split: str) -> dict[str, Shard]:
    """Return the transformed file to write for each raw file of a split: path -> raw file."""
    files = example_passes.files(examples, split)
    folder = artifact_utils.get_split_uri([transformed], split)
    fileio.makedirs(folder)
    return {f"{folder}/{RECORDS}-{number:05d}-of-{len(files):05d}.gz": file for number, file in enumerate(files)}


def _write(folder: str, model: str, metadata: Any, assets: dict[str, str], raw: Any) -> None:
    """Write the transform graph and the metadata of its inputs and outputs as TFTransformOutput expects them."""
    metadata_io.write_metadata(raw, f"{folder}/{TFTransformOutput.RAW_METADATA_DIR}")
    target = f"{folder}/{TFTransformOutput.TRANSFORMED_METADATA_DIR}"
    metadata_io.write_metadata(metadata, target)
    if assets:
        with fileio.open(f"{target}/{TFTransformOutput.ASSET_MAP}", "w") as file:
            file.write(json.dumps(assets))
    _copy(model, f"{folder}/{TFTransformOutput.TRANSFORM_FN_DIR}")


def _copy(source: str, target: str) -> None:
    """Copy a SavedModel without the temporary metadata that TFT stores next to it."""
    fileio.makedirs(target)
    for name in fileio.listdir(source):
        name = name.strip("/")
        if name == impl_helper.METADATA_DIR_NAME:
            continue
        if fileio.isdir(f"{source}/{name}"):
            io_utils.copy_dir(f"{source}/{name}", f"{target}/{name}")
        else:
            fileio.copy(f"{source}/{name}", f"{target}/{name}")
