"""JSON files that do not have one object per line: what each contains, and the command that converts it."""

import contextlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.ingestion.discovery import compression, opening

HEAD_BYTES = 1 << 20
"""Number of first bytes from which the structure is inferred: limits memory."""
MAX_DEPTH = 4
"""Maximum number of keys on the way to a list of rows."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
_OBJECTS, _CSV = "to an object a line", "to CSV"
_PANDAS = (
    "convert it, as with `python -c \"import pandas as pd; pd.read_json('{path}').to_json('table.jsonl', "
    "orient='records', lines=True)\"`"
)


def refusal(path: str) -> str | None:
    """Return what a JSON file contains and how to convert it; None if it has one object per line, or is not JSON."""
    text, is_whole = _head(path)
    if text.startswith("\x1e"):
        return (
            f"{path} is a sequence of JSON texts: remove the separators, as with `tr -d '\\036' < {path} > table.jsonl`"
        )
    try:
        value, end = json.JSONDecoder().raw_decode(text)
        more = bool(text[end:].strip())
        lines = text[:end].count("\n") + 1
    except (ValueError, RecursionError):
        if is_whole:
            return None
        try:
            value, more, lines = json.loads(_closed(text)), False, 1
        except (ValueError, RecursionError):
            return None
    if more:
        described = _of_several(value, lines)
    elif isinstance(value, list):
        described = _of_list(value, "", "a JSON array")
    elif isinstance(value, dict):
        described = _of_object(value, is_whole) or (
            _jq("one JSON object over several lines, which would be one row", ".") if lines > 1 else None
        )
    else:
        described = None
    if described is None:
        return None
    what, command = described
    return f"{path} is {what}: {command.replace('{path}', path)}"


def _head(path: str) -> tuple[str, bool]:
    """Return the first characters of a file, and whether they are all."""
    with contextlib.suppress(OSError, *compression.FAULTS), contextlib.closing(opening.open_unpacked(path)) as file:
        content = file.read(HEAD_BYTES + 1)
        return content[:HEAD_BYTES].decode("utf-8-sig", "replace").strip(" \t\r\n"), len(content) <= HEAD_BYTES
    return "", True


def _closed(text: str) -> str:
    """Cut JSON before its last comma, and close what is open there."""
    closers: list[str] = []
    end, missing = 0, ""
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in "{[":
            closers.append("}" if token == "{" else "]")
        elif token in "}]" and closers:
            closers.pop()
        elif token == ",":
            end, missing = match.start(), "".join(reversed(closers))
    return text[:end] + missing


def _jq(what: str, program: str, target: str = _OBJECTS) -> tuple[str, str]:
    name, option = ("table.csv", "-r") if target == _CSV else ("table.jsonl", "-c")
    return what, f"convert it {target}, as with `jq {option} {shlex.quote(program)} {{path}} > {name}`"


def _of_several(first: Any, lines: int) -> tuple[str, str] | None:
    if isinstance(first, list):
        return _jq("lists instead of objects", "@csv", _CSV)
    return _jq("several JSON objects, each over several lines", ".") if lines > 1 else None


def _of_list(rows: Sequence[Any], place: str, what: str) -> tuple[str, str]:
    """Describe a list.

    Args:
        rows: The list.
        place: Program of jq that finds it; "" for the whole file.
        what: Name of the file's kind.
    """
    each = f"{place or '.'}[]"
    if rows and isinstance(rows[0], list):
        return _jq(f"{what} of lists", f"{each} | @csv", _CSV)
    if rows and not isinstance(rows[0], dict):
        return _jq(f"{what} of single values, without columns", f"{{value: {each}}}")
    return _jq(what, each)


def _of_object(value: Mapping[str, Any], is_whole: bool) -> tuple[str, str] | None:
    """Describe an object that contains a whole table; None if it is a row."""
    if value.get("type") == "FeatureCollection" and isinstance(value.get("features"), list):
        return _of_features(value["features"])
    parts = list(value.values())
    lists = dict(_lists(value))
    records = [place for place, rows in lists.items() if len(rows) > 1 and isinstance(rows[0], dict)]
    for place, rows in lists.items():
        if len(rows) > 1 and all(isinstance(row, list) for row in rows):
            header = next(filter(None, (_header(other, names, len(rows[0])) for other, names in lists.items())), "")
            program = f"{header}{place}[] | @csv"
            return _jq("one JSON object with a list of rows" + (" and their names" if header else ""), program, _CSV)
    if records:
        return _jq("one JSON object with a list of rows", f"{max(records, key=lambda place: len(lists[place]))}[]")
    if parts and all(isinstance(part, dict) and part for part in parts):
        return _of_frame(value)
    scalars = all(isinstance(part, list) for part in parts) and not any(
        isinstance(cell, list | dict) for part in parts for cell in part
    )
    if parts and scalars and (not is_whole or len({len(part) for part in parts}) == 1 < len(parts[0])):
        return "one JSON object with a list for each column", _PANDAS
    return None


def _of_features(features: Sequence[Any]) -> tuple[str, str]:
    first = features[0] if features and isinstance(features[0], dict) else {}
    geometry = first.get("geometry")
    program = ".features[] | .properties"
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        program += " + {longitude: .geometry.coordinates[0], latitude: .geometry.coordinates[1]}"
    return _jq("GeoJSON", program)


def _of_frame(value: Mapping[str, Mapping[str, Any]]) -> tuple[str, str] | None:
    """Describe an object of objects with equal keys: rows by their labels, or columns by their names."""
    outer, inner = list(value), list(next(iter(value.values())))
    if len(outer) < 2 or len(inner) < 2 or any(list(part) != inner for part in list(value.values())[:-1]):
        return None
    if any(isinstance(cell, list | dict) for part in value.values() for cell in part.values()):
        return None
    numbered = all(map(str.isdecimal, outer))
    if numbered or (len(outer) > len(inner) and not all(map(str.isdecimal, inner))):
        return _jq(
            "one JSON object with an object for each row", ".[]" if numbered else "to_entries[] | {id: .key} + .value"
        )
    return "one JSON object with an object for each column", _PANDAS


def _header(place: str, names: Sequence[Any], width: int) -> str:
    """Return the program of jq that writes a list of names as header; "" if it is none."""
    if len(names) != width:
        return ""
    if all(isinstance(name, str) for name in names):
        return f"{place}, "
    is_named = all(isinstance(name, dict) and isinstance(name.get("name"), str) for name in names)
    return f"[{place}[].name], " if is_named else ""


def _lists(value: Mapping[str, Any], place: str = "", depth: int = 1) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists in an object, each with the program of jq that finds it."""
    for key, inner in value.items():
        step = f".{key}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) else f".{json.dumps(key)}"
        if isinstance(inner, list):
            yield place + step, inner
        elif isinstance(inner, dict) and depth < MAX_DEPTH:
            yield from _lists(inner, place + step, depth + 1)
