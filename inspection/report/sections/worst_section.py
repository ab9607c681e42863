"""Rows with the largest errors, with their values and images."""

import base64
import io
import itertools
from collections.abc import Sequence
from typing import Any

from inspection.read.evaluations import WorstRow
from inspection.read.example_rows import Value, parse_example
from inspection.report.markup import Html, joined, table, tag
from inspection.report.report_facts import Facts
from inspection.store import artifact_files

_MAX_COLUMNS = 12
"""Maximum number of columns of a row."""
_IMAGES = 12
_SIDE = 96
"""Longest side of a shown image, in pixels."""
_MAX_ROWS = 100_000
"""Rows of a split that are read to find the shown ones, in about a second; later rows are shown without values."""
_MAX_RAW_BYTES = 6_000
"""Images up to this size are embedded unchanged."""


def section(facts: Facts, *, images: int = _IMAGES) -> Html | None:
    """Return the rows with the largest errors."""
    worst = facts.evaluation.worst if facts.evaluation is not None else ()
    if not worst:
        return None
    none: dict[int, dict[str, Value]] = {}
    values_by_row = facts.attempt(lambda: _rows(facts, [row.row for row in worst]), none)
    figures = [
        figure
        for row in worst[:images]
        for name, values in values_by_row.get(row.row, {}).items()
        if (figure := _image_figure(name, values, row)) is not None
    ]
    columns = [
        name
        for name in dict.fromkeys(name for values in values_by_row.values() for name in values)
        if not any(_is_image(values.get(name, [])) for values in values_by_row.values())
    ][:_MAX_COLUMNS]
    ids = any(row.id is not None for row in worst)
    rows = [
        [
            row.row,
            *([row.id] if ids else []),
            row.label,
            row.prediction,
            row.error,
            *(cell(values_by_row.get(row.row, {}).get(name)) for name in columns),
        ]
        for row in worst
    ]
    header = ["row of the split", *(["id"] if ids else []), "label", "prediction", "error", *columns]
    data = table(header, rows, caption="Rows with the largest errors, worst first")
    return joined([tag("div", *figures, class_="charts") if figures else None, data])


def _rows(facts: Facts, numbers: Sequence[int]) -> dict[int, dict[str, Value]]:
    """Read rows of the evaluated split by their numbers."""
    split = facts.evaluation.split if facts.evaluation is not None else None
    if facts.examples is None or split is None:
        return {}
    shards = artifact_files.examples(facts.examples.uri, f"Examples {facts.examples.id}").get(split, [])
    values_by_row: dict[int, dict[str, Value]] = {}
    for number, record in enumerate(itertools.islice(artifact_files.rows(shards), min(max(numbers) + 1, _MAX_ROWS))):
        if number in set(numbers):
            values_by_row[number] = parse_example(record)
    return values_by_row


def _is_image(values: Value) -> bool:
    return (
        bool(values)
        and isinstance(values[0], bytes)
        and (values[0][:4] == b"\x89PNG" or values[0][:3] == b"\xff\xd8\xff")
    )


def _image_figure(name: str, values: Value, row: WorstRow) -> Html | None:
    """Return an image as a figure, scaled down if it is large; None if the value is not an image."""
    if not _is_image(values):
        return None
    content: bytes = values[0]
    if len(content) > _MAX_RAW_BYTES:
        from PIL import Image, ImageOps

        try:
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
                image.load()
                # Show the upper 8 bits of 16 bit samples; Pillow would clip them to 255.
                eight_bit = image.point(lambda value: value / 257, "L") if image.mode.startswith("I") else image
                thumbnail = ImageOps.exif_transpose(eight_bit)
                thumbnail.thumbnail((_SIDE, _SIDE))
                small = io.BytesIO()
                thumbnail.convert("RGB").save(small, "JPEG", quality=70)
                content = small.getvalue()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None
    kind = "png" if content[:4] == b"\x89PNG" else "jpeg"
    description = f"{name} of row {row.row}: label {row.label}, predicted {row.prediction}"
    element = tag(
        "img", src=f"data:image/{kind};base64,{base64.b64encode(content).decode()}", alt=description, class_="sample"
    )
    return tag("figure", element, tag("figcaption", f"{row.label} predicted as {row.prediction}"))


def cell(values: Value | None) -> Any:
    """Return the values of a cell as a plain value."""
    if not values:
        return None
    texts = [value.decode(errors="replace")[:60] if isinstance(value, bytes) else value for value in values[:3]]
    return texts[0] if len(values) == 1 else ", ".join(map(str, texts)) + ("…" if len(values) > 3 else "")
