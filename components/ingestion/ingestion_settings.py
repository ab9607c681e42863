"""Parameters of the ingestion node, typed."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import model_validator

from components.ingestion.discovery import data_files
from spec.base import Strict
from spec.data import Data
from spec.rows.data_paths import Paths

_Settings = TypeVar("_Settings", bound="SourceSettings")


class DutyColumns(Strict):
    """Columns of [columns] that ingestion uses."""

    id: str | None = None
    time: str | None = None
    group: str | None = None


class SourceSettings(Strict):
    """Settings of a node that reads files of data."""

    paths: str | tuple[str, ...] | dict[Literal["train", "eval", "test"], str | tuple[str, ...]]
    """Paths and patterns of the data."""
    data: Data
    """[data] with its defaults; its `path` is that of `paths`."""

    @model_validator(mode="before")
    @classmethod
    def _data_of_paths(cls, values: Any) -> Any:
        # A node's parameters name the paths once.
        data = values["data"].model_dump() if isinstance(values["data"], Data) else values["data"]
        return {**values, "data": {**data, "path": values["paths"]}}

    @classmethod
    def under(cls: type[_Settings], root: str, values: Mapping[str, Any]) -> _Settings:
        """Parse the node's parameters.

        Args:
            root: Folder that relative paths start from.
            values: The parameters.
        """
        paths: Paths = data_files.under(root, values["paths"])
        return cls.model_validate({**values, "paths": paths})


class IngestionSettings(SourceSettings):
    """Settings of a config that ingestion uses."""

    columns: dict[str, str]
    """Column name -> schema type: INT, FLOAT or BYTES."""
    duties: DutyColumns
    """[columns]."""
    label: str | None
    """Rows whose cell in this column is null are dropped; None if rows need no label."""
    complete: tuple[str, ...]
    """Rows with a null in one of these columns are dropped."""
    read: tuple[str, ...] = ()
    """Columns with a duty, and the split column, that the model reads: they count when rows are compared."""
    unread: tuple[str, ...] = ()
    """Columns that the model does not read, listed if the label is a class: rows that differ only in them have equal
    features."""
    classes: bool = False
    """Whether the label is a class, so that equal rows should have equal labels."""
    notes: tuple[str, ...] = ()
    """Remarks on the config for the summary."""
