"""Suggestions for mistyped names."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], kind: str = "names") -> str:
    """Return ' Did you mean ...?', or else the known names, as a sentence to append; empty if there are none.

    Args:
        name: The unknown name.
        known: The valid names.
        kind: What they name, in the plural.
    """
    options = list(known)
    matches = difflib.get_close_matches(name, options, n=1)
    if matches:
        return f" Did you mean {matches[0]!r}?"
    return f" Known {kind}: {', '.join(options)}." if options else ""
