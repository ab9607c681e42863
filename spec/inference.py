"""Keys of [inference]: rows that a run predicts with its blessed model."""

from typing import Literal

from pydantic import Field

from spec.base import Strict


class Inference(Strict):
    """Rows that a run predicts with its blessed model; without this section there is no such stage."""

    path: str | tuple[str, ...] = Field(min_length=1)
    """A file, a folder, or a pattern such as new/*.csv, relative to --data-root; or a list of them. The columns and
    their cells are those of the data, and the label may be absent."""
    format: str | None = Field(default=None, min_length=1)
    """File format, as `data.format`. Unset: that of the data, or by file name."""
    rows: Literal["all", "unlabeled"] = "all"
    """unlabeled: only rows whose label is null or absent, for files that have both."""
    output: Literal["parquet", "csv", "jsonl"] = "parquet"
    """Format of the table of predictions. The prediction logs of TFX's BulkInferrer are written beside it."""
