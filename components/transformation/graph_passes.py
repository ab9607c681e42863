"""Data passes: apply a TensorFlow graph to the raw records, file by file in parallel and in large batches."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import tensorflow as tf
from tensorflow_transform import impl_helper
from tensorflow_transform.saved import saved_transform_io_v2
from tfx.dsl.io import fileio
from tfx_bsl.coders import example_coder

from components import example_passes
from components.engine import parallel_map
from components.ingestion.write import example_encoding
from components.ingestion.write.record_writer import RecordWriter, framed, joined
from components.transformation import raw_tensors, traced
from components.transformation.analyzer_accumulators import Gatherer
from manifest import Shard
from models import progress
from models.data import column_cache


class Graph:
    """TFT SavedModel or traced graph that is applied to record files.

    Args:
        folder: Folder of the SavedModel or the traced graph.
        spec: Raw column -> parsing rule, for the columns that the outputs need.
    """

    def __init__(self, folder: str, spec: Mapping[str, Any]) -> None:
        self._spec = dict(spec)
        if fileio.exists(f"{folder}/{traced.GRAPH}"):
            self._apply = traced.Traced(folder).apply
            return
        loader = saved_transform_io_v2.SavedModelLoader(folder)
        loader.finalize(set(spec), set(loader.structured_outputs))
        self._apply = loader.apply_transform_model

    def batches(self, path: str, declared: int | None) -> Iterator[dict[str, Any]]:
        """Apply the graph to a file of gzipped records.

        Args:
            path: File of tf.Examples.
            declared: Declared number of records; None if unknown.

        Yields:
            Output -> tensor, one dict per batch of rows.
        """
        meter, total = progress.Meter(total=column_cache.rows(path), builds=True), 0
        for rows, columns in raw_tensors.tensors(path, self._spec):
            yield self._apply(columns)
            meter.add(rows)
            total += rows
        example_passes.check_row_count(path, total, declared)


class Gather:
    """Work that accumulates the outputs of a graph over one file; see `parallel_map.Work`.

    Args:
        model: Folder of the phase's graph, as `Graph` takes it.
        spec: Raw column -> parsing rule.
        gatherers: Accumulators of the graph's outputs.
    """

    def __init__(self, model: str, spec: Mapping[str, Any], gatherers: Sequence[Gatherer]) -> None:
        self._model, self._spec, self._gatherers = parallel_map.absolute(model), spec, list(gatherers)
        self._graph: Graph | None = None

    def setup(self) -> None:
        """Load the graph."""
        self._graph = Graph(self._model, self._spec)

    def process(self, element: example_passes.Element) -> list[Any] | None:
        """Accumulate over one file; return the result of each gatherer, or None if the file has no rows."""
        _, path, declared = element
        assert self._graph is not None
        gathered: list[Any] = [None] * len(self._gatherers)
        for outputs in self._graph.batches(path, declared):
            batch = {key: value.numpy() for key, value in outputs.items()}
            gathered = [gatherer.add(part, batch) for gatherer, part in zip(self._gatherers, gathered, strict=True)]
        return gathered if gathered and gathered[0] is not None else None


class Materialize:
    """Work that writes the transformed tf.Examples of one raw file; see `parallel_map.Work`.

    Args:
        model: Folder of the transformation's SavedModel.
        spec: Raw column -> parsing rule.
        schema: Schema of the outputs.
        drafts: Folder for incomplete files.
        bags: Outputs that are bags of words.
    """

    def __init__(self, model: str, spec: Mapping[str, Any], schema: Any, drafts: str, bags: Sequence[str] = ()) -> None:
        self._model, self._spec, self._schema = parallel_map.absolute(model), spec, schema
        self._drafts, self._bags = parallel_map.absolute(drafts), list(bags)
        self._graph: Graph | None = None

    def setup(self) -> None:
        """Load the graph."""
        self._graph = Graph(self._model, self._spec)
        self._converter = impl_helper.make_tensor_to_arrow_converter(self._schema)
        self._encoder = example_coder.RecordBatchToExamplesEncoder(self._schema)

    def process(self, element: example_passes.Element) -> tuple[int, dict[str, int]]:
        """Write one file of transformed tf.Examples, and its column cache, at the path that is the element's key.

        Returns:
            Number of rows, and bag -> number of rows without a known term.
        """
        assert self._graph is not None
        target, source, declared = element
        rows, unknown = 0, dict.fromkeys(self._bags, 0)
        draft = parallel_map.Draft(target, self._drafts)
        writer, cache_writer = RecordWriter(draft.file), column_cache.Writer(target)
        for outputs in self._graph.batches(source, declared):
            for name in self._bags:
                unknown[name] += int((~outputs[name].numpy().any(axis=1)).sum())
            batch = flat(outputs)
            if batch is None:
                arrow = self._converter.convert(outputs)
                rows += arrow.num_rows
                writer.write(self._encoder.encode(arrow))
            else:
                rows += len(batch)
                writer.write_framed(joined(framed(example_encoding.examples(batch))))
                cache_writer.write(batch)
        writer.close()
        draft.place()
        cache_writer.close(writer.digest)
        return rows, unknown


def flat(outputs: Mapping[str, Any]) -> pa.RecordBatch | None:
    """Convert outputs to a record batch of flat columns or fixed-size lists.

    Args:
        outputs: Output -> tensor of (batch, ...).

    Returns:
        The record batch; None if an output is sparse, of width 0, several strings per row, or not float32, int64 or
        string.
    """
    columns = {}
    for name, tensor in sorted(outputs.items()):
        if not isinstance(tensor, tf.Tensor) or tensor.dtype not in (tf.float32, tf.int64, tf.string):
            return None
        values = tensor.numpy()
        width = math.prod(values.shape[1:])
        if width != 1 and (tensor.dtype == tf.string or not width):
            return None
        column = pa.array(values.reshape(-1), pa.binary() if tensor.dtype == tf.string else None)
        columns[name] = column if width == 1 else pa.FixedSizeListArray.from_arrays(column, width)
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def gather(
    make_pipeline: Callable[[], Any],
    files: Sequence[Shard],
    spec: Mapping[str, Any],
    folder: str,
    explain: parallel_map.Explain = parallel_map.no_explanation,
) -> Callable[[str, Sequence[Gatherer]], list[Any]]:
    """Return the data pass of `analysis.Analysis.run` over the given files.

    Args:
        make_pipeline: Returns a new Beam pipeline.
        files: Files of raw tf.Examples.
        spec: Raw column -> parsing rule.
        folder: Folder for results that all workers and this process can access.
        explain: As for `parallel_map.map_reduce`.

    Returns:
        Function (folder of a graph, gatherers) -> result of each gatherer; it raises ValueError if the files have no
        rows.
    """

    def run(model: str, gatherers: Sequence[Gatherer]) -> list[Any]:
        def merge(parts: list[list[Any]]) -> list[Any]:
            columns = zip(*parts, strict=True)
            return [gatherer.merge(column) for gatherer, column in zip(gatherers, columns, strict=True)]

        elements = [("", parallel_map.absolute(file.path), file.rows) for file in files]
        work = Gather(model, spec, gatherers)
        gathered = parallel_map.map_reduce(make_pipeline, elements, work, merge, f"{folder}/pass", explain)
        if not gathered:
            raise ValueError("the train split holds no row to analyse")
        # Merge even the result of a single file: merging also sorts it.
        return merge([gathered[""]])

    return run


def materialize(
    make_pipeline: Callable[[], Any],
    files: Mapping[str, Shard],
    spec: Mapping[str, Any],
    model: str,
    schema: Any,
    folder: str,
    explain: parallel_map.Explain = parallel_map.no_explanation,
    bags: Sequence[str] = (),
) -> dict[str, tuple[int, dict[str, int]]]:
    """Transform raw tf.Examples and write the results.

    Args:
        make_pipeline: Returns a new Beam pipeline.
        files: Path to write -> raw file.
        spec: Raw column -> parsing rule.
        model: Folder of the transformation's SavedModel.
        schema: Schema of the outputs.
        folder: Folder for counts and incomplete files, on the same file system as the files to write.
        explain: As for `parallel_map.map_elements`.
        bags: Outputs that are bags of words.

    Returns:
        Written path -> (number of rows, bag -> number of rows without a known term).
    """
    elements = [
        (parallel_map.absolute(target), parallel_map.absolute(source.path), source.rows)
        for target, source in files.items()
    ]
    work = Materialize(model, spec, schema, f"{folder}/files", bags)
    results = parallel_map.map_elements(make_pipeline, elements, work, f"{folder}/rows", explain)
    return dict(zip(files, results, strict=True))
