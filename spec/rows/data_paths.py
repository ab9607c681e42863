"""Paths of data as a config names them: patterns, spans in braces, splits. Opens no file."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

SPLITS = ("train", "eval", "test")
"""Names of the splits, in order."""
READY_MADE = {
    "train": ("train", "training"),
    "eval": ("eval", "val", "valid", "validation", "dev"),
    "test": ("test", "testing", "t10k"),
}
"""Split -> names in the paths of files or folders that identify it."""
Paths = str | Sequence[str] | Mapping[Any, str | Sequence[str]]
"""One path or pattern, several, or those of each ready-made split."""
PLACEHOLDER = re.compile(r"\{(SPAN|VERSION|YYYY|MM|DD)\}")


def placeholders(pattern: str) -> set[str]:
    """Return the names in braces that a pattern has."""
    return set(PLACEHOLDER.findall(pattern))


def as_glob(pattern: str) -> str:
    """Return the pattern with stars instead of names in braces."""
    return PLACEHOLDER.sub("*", pattern)


def flat(paths: Paths) -> list[tuple[str | None, str]]:
    """Split (None where files are not ready-made splits) and pattern, of each pattern.

    Splits come as train, eval, test: settings lose the config's order on their way to an executor.
    """
    if isinstance(paths, str):
        return [(None, paths)]
    if isinstance(paths, Mapping):
        return [(split, pattern) for split in READY_MADE if split in paths for _, pattern in flat(paths[split])]
    return [(None, pattern) for pattern in paths]


def mapped(paths: Any, function: Callable[[str], str]) -> Any:
    """Apply a function to each path or pattern.

    Args:
        paths: Paths as in `Paths`.
        function: Path -> its replacement.

    Returns:
        The replacements, in the same structure.
    """
    if isinstance(paths, str):
        return function(paths)
    if isinstance(paths, Mapping):
        return {split: mapped(part, function) for split, part in paths.items()}
    return [function(path) for path in paths]


def is_remote(path: str) -> bool:
    """Return whether a path is a URI, such as gs://BUCKET/FILE."""
    return "://" in path
