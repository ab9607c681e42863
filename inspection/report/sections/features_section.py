"""The features that the network sees, after the transformation."""

from collections.abc import Iterator, Mapping
from typing import Any

from inspection.report.markup import Html, joined, table, tag
from inspection.report.report_facts import Facts


def section(known: Facts) -> Html | None:
    """Lists the features with what they were made from, their types and widths."""
    if not known.transformed:
        return None
    roles = dict(_roles(known.config.get("features")))
    inputs = known.network.get("inputs")
    shapes = inputs if isinstance(inputs, Mapping) else {}
    rows = []
    for column in known.transformed:
        shape = shapes.get(column.name)
        rows.append(
            [
                column.name,
                column.type,
                _width(column.rules),
                " x ".join(map(str, shape)) if isinstance(shape, list) and shape else None,
                roles.get(column.name) or _longest(column.name, roles),
                known.vocabularies.get(f"{column.name}_index") or known.vocabularies.get(column.name),
            ]
        )
    header = ["feature", "type", "values a row", "shape in the network", "made from", "vocabulary"]
    told = f"{len(rows)} columns after the transformation, the label among them."
    return joined([tag("p", told), table(header, rows, caption="Transformed columns")])


def _width(rules: Mapping[str, Any]) -> int | str | None:
    shape = rules.get("shape")
    if not isinstance(shape, Mapping):
        return "any number" if "value_count" in rules or "presence" in rules else None
    width = 1
    for each in shape.get("dim", []):
        width *= int(each.get("size", 1))
    return width


def _roles(features: Any) -> Iterator[tuple[str, str]]:
    """Yields the name that a feature begins with, and the role that makes it."""
    for role, entries in (features or {}).items() if isinstance(features, Mapping) else ():
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping):
                columns = entry.get("columns") or [entry.get("column")]
                said = ", ".join(
                    f"{key} {value}"
                    for key, value in entry.items()
                    if key not in ("column", "columns") and value not in (None, False, [], "")
                )
                told = f"{role}: {' x '.join(map(str, columns))}" + (f" ({said})" if said else "")
                for name in ("_x_".join(map(str, columns)), f"{columns[0]}_{role}"):
                    yield name, told


def _longest(name: str, roles: Mapping[str, str]) -> str | None:
    """Returns the role of the longest name that a feature's begins with, as date of date_month."""
    fits = [each for each in roles if name.startswith(f"{each}_")]
    return roles[max(fits, key=len)] if fits else None
