"""Words for names that are wrong."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """' Did you mean ...?', or what there is, as a sentence to append."""
    options = list(known)
    close = difflib.get_close_matches(name, options, n=1)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" There is: {', '.join(options)}." if options else ""
