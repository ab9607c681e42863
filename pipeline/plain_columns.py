"""Raw columns that plain models read, and their kinds: the columns that the network reads, by their roles."""

from collections.abc import Mapping

from pipeline.config import Config

CATEGORY_ROLES = frozenset({"categorical", "hashed", "embedded", "crossed"})
"""Roles by which a whole number is a category."""
LEFT_OUT_ROLES = frozenset({"text", "image"})
"""Roles of columns that a plain model cannot read."""


def kinds(config: Config, columns: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the kind of each column for plain models.

    Args:
        config: The config.
        columns: Column name -> type of the approved schema.

    Returns:
        Column name -> number, category or date; and the columns that plain models cannot read.
    """
    roles: dict[str, set[str]] = {}
    if config.preprocessing is not None:
        duty = {config.label.column, config.columns.weight}
        roles = {name: set() for name in config.watched(columns)["used"] if name not in duty}
    for role, entry in config.features.entries():
        for column in entry.columns():
            roles.setdefault(column, set()).add(role)
    roles_of = {name: column_roles for name, column_roles in roles.items() if name in columns}
    left_out = [name for name, column_roles in roles_of.items() if column_roles and column_roles <= LEFT_OUT_ROLES]
    return {
        name: _kind(columns[name], column_roles) for name, column_roles in roles_of.items() if name not in left_out
    }, left_out


def _kind(schema_type: str, roles: set[str]) -> str:
    if "date" in roles:
        return "date"
    if schema_type == "BYTES":
        return "category"
    return "category" if schema_type == "INT" and roles and roles <= CATEGORY_ROLES else "number"
