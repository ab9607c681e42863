"""Suggestions for mistyped names."""

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], kind: str = "names") -> str:
    """Return the sentence ' Did you mean NAME?', or otherwise one that lists the valid names; "" if there are none.

    Args:
        name: Unknown name.
        names: Valid names.
        kind: Kind of the names, in the plural, such as `stages`.
    """
    options = list(names)
    matches = difflib.get_close_matches(name, options, n=1)
    if matches:
        return f" Did you mean {matches[0]!r}?"
    return f" Known {kind}: {', '.join(options)}." if options else ""
