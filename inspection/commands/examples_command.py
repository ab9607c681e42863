"""`inspect examples ARTIFACT`: rows of an Examples artifact."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from inspection.read.example_rows import Rows, read_examples
from inspection.store.artifact_lookup import EXAMPLES, find_typed
from inspection.store.metadata_store import Store
from inspection.text_output import drawn, number, table

_MAX_CHARS = 60
"""Characters of a cell; --json prints all of it."""
_MAX_VALUES = 4
_IMAGES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"RIFF": "WebP", b"BM": "BMP"}


def answer(store: Store, args: argparse.Namespace) -> tuple[Rows, Callable[[], str]]:
    """Return the rows, and a function that formats them."""
    artifact = find_typed(store, args.artifact, EXAMPLES, pipeline=args.pipeline)
    rows = read_examples(artifact, split=args.split, limit=args.limit)
    return rows, lambda: _text(rows)


def _text(rows: Rows) -> str:
    title = f"Examples {rows.artifact}, split {rows.split} of {', '.join(rows.splits)}"
    columns = sorted({name for row in rows.rows for name in row})
    cells = [[_cell(row.get(name, [])) for name in columns] for row in rows.rows]
    return drawn(title, table(columns, cells) if cells else "no rows")


def _cell(values: Sequence[Any]) -> str:
    text = ", ".join(_value(value) for value in values[:_MAX_VALUES])
    return f"{text}, ... ({len(values):,} values)" if len(values) > _MAX_VALUES else text


def _value(value: Any) -> str:
    if isinstance(value, float):
        return number(value, 6) or "NaN"
    if not isinstance(value, bytes):
        return str(value)
    for signature, name in _IMAGES.items():
        if value.startswith(signature) and len(value) > _MAX_CHARS:
            return f"<{name} of {len(value):,} bytes>"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"<{len(value):,} bytes>"
    return text if len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 3]}..."
