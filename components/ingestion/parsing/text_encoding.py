"""The encoding that the first bytes of a text tell."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order mark -> encoding; that of UTF-32 begins with that of UTF-16."""
_SHARE = 0.4
"""Share of NUL bytes on one side of the pairs from which a text without a mark counts as UTF-16."""


def guessed(head: bytes) -> str | None:
    """The encoding of a text as Python names it.

    Args:
        head: Its first bytes.

    Returns:
        By its byte order mark, or by the NUL bytes of letters in UTF-16; None where neither tells.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    first, second = head[0::2], head[1::2]
    nuls = first.count(0), second.count(0)
    if nuls[1] > _SHARE * len(second) and nuls[0] * 10 < nuls[1]:
        return "utf-16-le"
    if nuls[0] > _SHARE * len(first) and nuls[1] * 10 < nuls[0]:
        return "utf-16-be"
    return None
