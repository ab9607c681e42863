"""The model card's section on requests: inputs, missing values and samples."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from inspection.text_output import printable
from spec.cells import null_cells

_TEXT_CHARACTERS = 200
"""Longest text of a sample that is shown in full; an encoded image is longer."""
_MISSING = (
    f"A missing value is NaN (the token `NaN` in JSON), the empty text or {null_cells.INTEGER}, by the input's type. "
    "A request has every input, as TensorFlow Serving requires: write a missing value, do not leave the input out."
)
_AS_TEXT = (
    "`serving_rows` takes the same inputs as the text of a CSV cell, with the null values, whitespace, number formats "
    "and dates of the training data."
)


def requests(guide: Mapping[str, Any]) -> Iterator[str]:
    """Yield the Markdown lines that describe requests.json; no lines for a model without this file."""
    inputs = [entry for entry in guide.get("inputs", ()) if isinstance(entry, Mapping)]
    if not inputs:
        return
    yield "| input | column | type | may be missing |"
    yield "| --- | --- | --- | --- |"
    for entry in inputs:
        renamed = entry.get("column") if entry.get("column") != entry.get("name") else "the same"
        missing = f"as {json.dumps(entry.get('null'))}".replace('"NaN"', "NaN") if entry.get("nullable") else "no"
        yield f"| {' | '.join(_cell(value) for value in (entry.get('name'), renamed, entry.get('dtype'), missing))} |"
    yield ""
    yield _MISSING
    yield _AS_TEXT
    samples = guide.get("samples")
    for name, body in (samples if isinstance(samples, Mapping) else {}).items():
        yield ""
        yield f"A request to `{_cell(name)}`, the body of `POST /v1/models/NAME:predict`:"
        yield ""
        yield f"    {printable(json.dumps(_shortened(body), ensure_ascii=False))}"


def _shortened(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner) for inner in value]
    return f"{value[:_TEXT_CHARACTERS]}..." if isinstance(value, str) and len(value) > _TEXT_CHARACTERS else value


def _cell(value: object) -> str:
    return re.sub(r"([\\`*_\[\]<>|#&~])", r"\\\1", printable(str(value)))
