"""Settings of the validation node, as its executor gets them."""

from typing import Any

from components.ingestion.ingestion_settings import IngestionSettings
from components.validation.gate_catalog import Gates
from components.validation.gate_context import WatchedColumns
from spec.base import Strict
from spec.columns.label import Label


class ValidationSettings(Strict):
    """Settings of the gates."""

    gates: Gates
    """[gates]."""
    columns: WatchedColumns
    """Columns that gates look at."""
    label: Label
    """[label]."""
    weight: str | None = None
    """Column of the row weights; None if all rows count the same."""
    source: IngestionSettings
    """Settings of the ingestion."""
    source_content: str = ""
    """Digest of the data; empty if unknown."""
    schema_path: str = ""
    """Path of the approved schema, for messages."""
    skew: Any = None
    """Paths of served rows; None without any."""
    skew_content: str = ""
    """Digest of the served rows."""
    advisory: bool = False
    """Whether gates only warn; the schema blocks anyway."""
