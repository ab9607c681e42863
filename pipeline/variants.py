"""Several models out of one file: [variant.NAME] holds what differs from the rest of the config."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SECTION = "variant"
ALL = "all"
"""Stands for every variant on the command line."""
SAMPLE = "sample"
"""What a run of the first rows is called; no variant may have this name."""


@dataclass(frozen=True)
class Name:
    """A pipeline, and which of its runs.

    Attributes:
        pipeline: Stem of its config.
        variant: Name under [variant], or None for the file without its variants.
        sample: Whether only some rows are taken: such a run has its own baseline and its own served models.
    """

    pipeline: str
    variant: str | None = None
    sample: bool = False

    @property
    def run(self) -> str:
        """What its runs are called in ML Metadata and in the folder of runs."""
        return "-".join([self.pipeline, *([self.variant] if self.variant else []), *([SAMPLE] if self.sample else [])])


def merge(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Lay overrides over values: tables key by key, all else, lists too, as a whole.

    A table whose `name`, `task` or `by` differs takes no key over: those of another network, task or split would not
    fit.
    """
    merged = dict(values)
    for key, value in overrides.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping) and not _differs(before, value):
            value = merge(before, value)
        merged[key] = value
    return merged


def _differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the key that says what a table is about differs."""
    return any(key in after and after[key] != before.get(key) for key in ("name", "task", "by"))
