"""Parameters of the node inference, typed."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from components.ingestion.discovery import data_files
from spec.base import Strict
from spec.data import Data
from spec.rows.data_paths import Paths


class InferenceSettings(Strict):
    """Which rows are predicted, and how they are read."""

    paths: str | tuple[str, ...]
    """Paths and patterns of the rows."""
    data: Data
    """[data] for these files; its `path` is that of `paths`."""
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

    @model_validator(mode="before")
    @classmethod
    def _data_of_paths(cls, values: Any) -> Any:
        # A node's parameters name the paths once.
        data = values["data"].model_dump() if isinstance(values["data"], Data) else values["data"]
        return {**values, "data": {**data, "path": values["paths"]}}

    @classmethod
    def under(cls, root: str, values: Mapping[str, Any]) -> "InferenceSettings":
        """Parse the node's parameters.

        Args:
            root: Folder that relative paths start from.
            values: The parameters.
        """
        paths: Paths = data_files.under(root, values["paths"])
        return cls.model_validate({**values, "paths": paths})
