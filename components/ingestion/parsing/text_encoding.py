"""Detection of a text's encoding by its first bytes."""

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order mark -> encoding; UTF-32 comes first, because its mark starts with that of UTF-16."""
_SHARE = 0.4
"""Share of NULs among the even or odd bytes above which a text without a mark counts as UTF-16."""


def guessed(head: bytes) -> str | None:
    """Guess the encoding of a text by its byte order mark, or by the NUL bytes of ASCII letters in UTF-16.

    Args:
        head: First bytes of the text.

    Returns:
        Python's name of the encoding; None if unknown.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    even_bytes, odd_bytes = head[0::2], head[1::2]
    nuls = even_bytes.count(0), odd_bytes.count(0)
    if nuls[1] > _SHARE * len(odd_bytes) and nuls[0] * 10 < nuls[1]:
        return "utf-16-le"
    if nuls[0] > _SHARE * len(even_bytes) and nuls[1] * 10 < nuls[0]:
        return "utf-16-be"
    return None
