"""The playground: its static files, and the inputs, sample rows and allowed values that its form shows."""

import base64
import json
import math
import os
from functools import cache
from typing import Any

from serving.server import example_messages
from serving.server.example_messages import Example
from serving.server.json_api.json_values import Input
from serving.server.loaded_version import LoadedVersion
from serving.server.served_models import ServedModel, ServedModels
from serving.server.statuses import RequestError
from spec.artifacts.signature_names import CLASS_NAMES, DEFAULT
from spec.file_names import REQUESTS

PREFIX = "/playground/"
MODELS = f"{PREFIX}models"
"""HTTP path of the JSON description of the models."""
_FILES = {"/": "index.html", f"{PREFIX}page.js": "page.js", f"{PREFIX}style.css": "style.css"}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        b"form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
"""Security headers of the page: it may load scripts and styles of this server only."""
_SAMPLE = "assets.extra/sample.json"


def file(path: str) -> tuple[str, bytes] | None:
    """Return (content type, content) of a static file by its HTTP path; None if there is no such file."""
    return _read(_FILES[path]) if path in _FILES else None


@cache
def _read(name: str) -> tuple[str, bytes]:
    with open(os.path.join(os.path.dirname(__file__), name), "rb") as content:
        return _TYPES[os.path.splitext(name)[1]], content.read()


def describe(models: ServedModels) -> list[dict[str, Any]]:
    """Describe each model that has a loaded version: name, version, classes, inputs and sample rows."""
    described = []
    for model in models.by_name.values():
        try:
            with model.use() as loaded:
                described.append(_described(model, loaded))
        except RequestError:
            continue
    return described


def _described(model: ServedModel, loaded: LoadedVersion) -> dict[str, Any]:
    signature = loaded.session.signatures.get(DEFAULT)
    columns = _columns(loaded.session.folder)
    inputs = sorted(signature.inputs if signature else (), key=lambda spec: _place(list(columns), spec))
    samples = _sample_rows(loaded.session.folder)
    return {
        "model": model.source.name,
        "version": loaded.number,
        "signature": DEFAULT,
        "classes": _class_names(loaded),
        "inputs": [
            {
                "name": spec.name,
                "kind": _kind(spec.dtype, [row.get(columns.get(spec.name, spec.name)) for row in samples]),
                "integer": spec.dtype.startswith(("int", "uint")),
                **model.source.form.get(columns.get(spec.name, spec.name), {}),
            }
            for spec in inputs
        ],
        "examples": [[_shown(row.get(columns.get(spec.name, spec.name))) for spec in inputs] for row in samples],
    }


def _class_names(loaded: LoadedVersion) -> list[str]:
    signature = loaded.session.signatures.get(CLASS_NAMES)
    if signature is None or signature.inputs:
        return []
    names = next(iter(loaded.session.run(signature, {}).values()))
    return [bytes(name).decode("utf-8", "replace") for name in names.ravel()]


def _columns(folder: str) -> dict[str, str]:
    """Return input name -> column, in the order of the columns; empty for a model of another tool."""
    try:
        with open(os.path.join(folder, REQUESTS), encoding="utf-8") as file:
            return {entry["name"]: entry["column"] for entry in json.load(file)["inputs"]}
    except (OSError, ValueError, LookupError):
        return {}


def _place(order: list[str], spec: Input) -> int:
    return order.index(spec.name) if spec.name in order else len(order)


def _kind(dtype: str, values: list[Any]) -> str:
    """Return the form field of an input: `number`, `text`, or `file` for an upload."""
    if dtype != "object":
        return "number"
    return "file" if any(isinstance(value, bytes) and not _is_text(value) for value in values) else "text"


def _is_text(value: bytes) -> bool:
    try:
        return value.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _shown(value: Any) -> Any:
    """Convert a cell for JSON: bytes to text, or to base64 if they are not printable; a null to None."""
    if isinstance(value, bytes):
        return value.decode() if _is_text(value) else {"b64": base64.b64encode(value).decode()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _sample_rows(folder: str) -> list[dict[str, Any]]:
    """Read the sample rows that are saved in the model: column -> cell of each row; empty if there are none."""
    try:
        with open(os.path.join(folder, _SAMPLE), encoding="utf-8") as sample:
            rows = [Example.FromString(base64.b64decode(row)) for row in json.load(sample)["rows"]]
    except (OSError, ValueError, LookupError):
        return []
    cells: list[dict[str, Any]] = []
    for row in rows:
        cells.append({})
        for column, feature in row.features.feature.items():
            kind, values = example_messages.values(feature)
            if values:
                value = values[0]
                cells[-1][column] = float(f"{value:.7g}") if kind == "float_list" else value
    return cells
