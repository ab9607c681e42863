"""Features: the inputs of the network, after the transformation."""

from collections.abc import Iterator, Mapping
from typing import Any

from inspection.report.markup import Html, joined, table, tag
from inspection.report.report_facts import Facts


def section(facts: Facts) -> Html | None:
    """Return a table of the features with their types, widths and the columns that they are computed from."""
    if not facts.transformed:
        return None
    roles = dict(_roles(facts.run.config.get("features")))
    inputs = facts.network.get("inputs")
    shapes = inputs if isinstance(inputs, Mapping) else {}
    rows = []
    for column in facts.transformed:
        shape = shapes.get(column.name)
        rows.append(
            [
                column.name,
                column.type,
                _width(column.rules),
                " x ".join(map(str, shape)) if isinstance(shape, list) and shape else None,
                roles.get(column.name) or _by_prefix(column.name, roles),
                facts.vocabularies.get(f"{column.name}_index") or facts.vocabularies.get(column.name),
            ]
        )
    header = ["feature", "type", "values per row", "shape in the network", "computed from", "vocabulary"]
    count = f"{len(rows)} columns after the transformation, including the label."
    return joined([tag("p", count), table(header, rows, caption="Transformed columns")])


def _width(rules: Mapping[str, Any]) -> int | str | None:
    shape = rules.get("shape")
    if not isinstance(shape, Mapping):
        return "any number" if "value_count" in rules or "presence" in rules else None
    width = 1
    for dimension in shape.get("dim", []):
        width *= int(dimension.get("size", 1))
    return width


def _roles(features: Any) -> Iterator[tuple[str, str]]:
    """Yield prefixes of feature names, and the role that computes these features."""
    for role, entries in (features or {}).items() if isinstance(features, Mapping) else ():
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping):
                columns = entry.get("columns") or [entry.get("column")]
                settings = ", ".join(
                    f"{key} {value}"
                    for key, value in entry.items()
                    if key not in ("column", "columns") and value not in (None, False, [], "")
                )
                description = f"{role}: {' x '.join(map(str, columns))}" + (f" ({settings})" if settings else "")
                for name in ("_x_".join(map(str, columns)), f"{columns[0]}_{role}"):
                    yield name, description


def _by_prefix(name: str, roles: Mapping[str, str]) -> str | None:
    """Return the role with the longest prefix of a feature's name, such as date for date_month."""
    prefixes = [prefix for prefix in roles if name.startswith(f"{prefix}_")]
    return roles[max(prefixes, key=len)] if prefixes else None
