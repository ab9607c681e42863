"""Which raw columns a plain model sees, and as what: those that the network sees, by their roles."""

from collections.abc import Mapping

from pipeline.config import Config

CATEGORY_ROLES = frozenset({"categorical", "hashed", "embedded", "crossed"})
"""Roles by which a whole number is a category."""
LEFT_OUT_ROLES = frozenset({"text", "image"})
"""Roles of columns that a plain model cannot read."""


def kinds(config: Config, columns: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return what each column is to a plain model, and the columns that none can read.

    Args:
        config: The config.
        columns: Column name -> type of the approved schema.
    """
    roles: dict[str, set[str]] = {}
    if config.preprocessing is not None:
        duty = {config.label.column, config.columns.weight}
        roles = {name: set() for name in config.watched(columns)["used"] if name not in duty}
    for role, entry in config.features.entries():
        for column in entry.columns():
            roles.setdefault(column, set()).add(role)
    known = {name: of for name, of in roles.items() if name in columns}
    left_out = [name for name, of in known.items() if of and of <= LEFT_OUT_ROLES]
    return {name: _kind(columns[name], of) for name, of in known.items() if name not in left_out}, left_out


def _kind(of_schema: str, roles: set[str]) -> str:
    if "date" in roles:
        return "date"
    if of_schema == "BYTES":
        return "category"
    return "category" if of_schema == "INT" and roles and roles <= CATEGORY_ROLES else "number"
