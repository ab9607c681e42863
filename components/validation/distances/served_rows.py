"""Statistics of served rows, for the gate on skew."""

from typing import Any

import pyarrow as pa

from components.ingestion import sources
from components.ingestion.discovery import bucket_data, data_files, empty_files
from components.ingestion.omissions import Omissions
from components.statistics.executor import as_list, generators, proto
from components.validation.gate_context import GateContext
from spec.data import Data


def statistics(context: GateContext) -> Any:
    """Compute statistics of the served rows, which have no label.

    Returns:
        DatasetFeatureStatisticsList.

    Raises:
        UserError: A file cannot be read.
        ResourceError: The files have changed since their digest was taken.
    """
    data = context.ingestion.data.model_copy(update={"span": None, "window": None})
    with bucket_data.of_job(context.served_paths, data, context.served_content) as bucket:
        if bucket is None:
            return _statistics(context, data, context.served_paths)
        bucket.fill()
        with bucket.named():
            return _statistics(context, data, bucket.paths)


def _statistics(context: GateContext, data: Data, served: Any) -> Any:
    files = data_files.resolve(served, data)
    paths = [file.path for file in empty_files.without(files, data, Omissions())]
    types = sources.types(paths, data, context.ingestion.columns)
    combiners = generators()
    accumulators = [combiner.create_accumulator() for combiner in combiners]
    for path in paths:
        for batch in sources.reader(path, data).batches(path, data, types):
            lists = as_lists(batch)
            accumulators = [
                combiner.add_input(accumulator, lists)
                for combiner, accumulator in zip(combiners, accumulators, strict=True)
            ]
    data_files.verify(files, context.served_content)
    return proto([combiner.compact(accumulator) for combiner, accumulator in zip(combiners, accumulators, strict=True)])


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return columns as lists of one value, the form of decoded tf.Examples; null becomes a null list."""
    columns = [
        as_list(column.cast(pa.binary()) if pa.types.is_string(column.type) else column) for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)
