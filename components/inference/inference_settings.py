"""Parameters of the node inference, typed."""

from typing import Literal

from components.ingestion.ingestion_settings import SourceSettings


class InferenceSettings(SourceSettings):
    """Which rows are predicted, and how they are read."""

    paths: str | tuple[str, ...]
    """Paths and patterns of the rows."""
    kind: str
    """Kind of the label's task."""
    images: tuple[str, ...] = ()
    """Columns with encoded images."""
    identifier: str | None = None
    """Column that identifies a row."""
    label: str | None = None
    """Column of the label, if only rows without one are predicted."""
    label_type: str = "BYTES"
    """Schema type of the label: INT, FLOAT or BYTES."""
    output: Literal["parquet", "csv", "jsonl"] = "parquet"
    """Format of the table of predictions."""
