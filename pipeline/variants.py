"""Variants, several pipelines in one file: [variant.NAME] overrides values of the rest of the config."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SECTION = "variant"
ALL = "all"
"""All variants, on the command line."""
SAMPLE = "sample"
"""Name of runs with `--sample`; no variant may have this name."""


@dataclass(frozen=True)
class Name:
    """A pipeline, its variant, and whether it runs on a sample.

    Attributes:
        pipeline: Stem of its config.
        variant: Name under [variant], or None for the config without variants.
        sample: Whether only some rows are read: such runs have their own baseline and serving folder.
    """

    pipeline: str
    variant: str | None = None
    sample: bool = False

    @property
    def run(self) -> str:
        """Name of its runs in ML Metadata and in the root folder."""
        return "-".join([self.pipeline, *([self.variant] if self.variant else []), *([SAMPLE] if self.sample else [])])


def merge(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with overrides: tables are merged key by key; other values and lists are replaced.

    A table whose `name`, `task` or `by` differs is replaced too: keys of another network, task or split would be
    invalid.
    """
    merged = dict(values)
    for key, value in overrides.items():
        current = merged.get(key)
        if isinstance(current, Mapping) and isinstance(value, Mapping) and not _differs(current, value):
            value = merge(current, value)
        merged[key] = value
    return merged


def _differs(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> bool:
    """Return whether the key that selects a table's kind differs."""
    return any(key in overrides and overrides[key] != values.get(key) for key in ("name", "task", "by"))
