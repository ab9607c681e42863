"""The rows that the model is most wrong about, with what stood in them; of images the pictures."""

import base64
import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from inspection.read.example_rows import Value, parse_example
from inspection.report.markup import Html, joined, table, tag
from inspection.report.report_facts import Facts
from inspection.store import artifact_files

_COLUMNS = 12
"""Columns of a row that are shown."""
_IMAGES = 12
_SIDE = 96
"""Longest side of a shown picture, in pixels."""
_MOST = 100_000
"""Rows of a split that are read to find those that are shown: a second; of rows behind them the cells are left out."""
_RAW = 6_000
"""Bytes up to which a picture is shown as it is."""


def section(known: Facts, *, images: int = _IMAGES) -> Html | None:
    """Shows the worst rows."""
    worst = [each for each in known.verdict.get("worst", []) if isinstance(each, Mapping) and "row" in each]
    if not worst:
        return None
    none: dict[int, dict[str, Value]] = {}
    found = known.attempt(lambda: _rows(known, [int(each["row"]) for each in worst]), none)
    pictures = [
        picture
        for each in worst[:images]
        for name, values in found.get(int(each["row"]), {}).items()
        if (picture := _picture(name, values, each)) is not None
    ]
    columns = [
        name
        for name in dict.fromkeys(name for row in found.values() for name in row)
        if not any(_image(row.get(name, [])) for row in found.values())
    ][:_COLUMNS]
    ids = any(each.get("id") is not None for each in worst)
    rows = [
        [
            each["row"],
            *([each.get("id")] if ids else []),
            each.get("label"),
            each.get("answer"),
            each.get("error"),
            *(cell(found.get(int(each["row"]), {}).get(name)) for name in columns),
        ]
        for each in worst
    ]
    header = ["row of the split", *(["id"] if ids else []), "label", "answer", "error", *columns]
    below = table(header, rows, caption="The rows of largest error, the worst first")
    return joined([tag("div", *pictures, class_="pictures") if pictures else None, below])


def _rows(known: Facts, wanted: Sequence[int]) -> dict[int, dict[str, Value]]:
    """Reads rows of the evaluated split by their numbers."""
    split = known.verdict.get("split")
    if known.examples is None or not isinstance(split, str):
        return {}
    shards = artifact_files.examples(known.examples.uri, f"Examples {known.examples.id}").get(split, [])
    found: dict[int, dict[str, Value]] = {}
    for number, record in enumerate(itertools.islice(artifact_files.rows(shards), min(max(wanted) + 1, _MOST))):
        if number in set(wanted):
            found[number] = parse_example(record)
    return found


def _image(values: Value) -> bool:
    return (
        bool(values)
        and isinstance(values[0], bytes)
        and (values[0][:4] == b"\x89PNG" or values[0][:3] == b"\xff\xd8\xff")
    )


def _picture(name: str, values: Value, row: Mapping[str, Any]) -> Html | None:
    """Shows an image cell, made small where it is large."""
    if not _image(values):
        return None
    content: bytes = values[0]
    if len(content) > _RAW:
        from PIL import Image, ImageOps

        try:
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
                image.load()
                # Of 16 bits a sample the higher 8 are shown; Pillow would cut them off at 255.
                whole = image.point(lambda value: value / 257, "L") if image.mode.startswith("I") else image
                shown = ImageOps.exif_transpose(whole)
                shown.thumbnail((_SIDE, _SIDE))
                small = io.BytesIO()
                shown.convert("RGB").save(small, "JPEG", quality=70)
                content = small.getvalue()
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None
    kind = "png" if content[:4] == b"\x89PNG" else "jpeg"
    label, answer = row.get("label"), row.get("answer")
    told = f"{name} of row {row['row']}: label {label}, answered {answer}"
    image_ = tag("img", src=f"data:image/{kind};base64,{base64.b64encode(content).decode()}", alt=told, class_="sample")
    return tag("figure", image_, tag("figcaption", f"{label} answered as {answer}"))


def cell(values: Value | None) -> Any:
    """Shows the values of one cell."""
    if not values:
        return None
    shown = [each.decode(errors="replace")[:60] if isinstance(each, bytes) else each for each in values[:3]]
    return shown[0] if len(values) == 1 else ", ".join(map(str, shown)) + ("…" if len(values) > 3 else "")
