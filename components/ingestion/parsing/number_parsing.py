"""Conversion of numbers in a configured format to texts that Arrow parses as numbers."""

import pyarrow as pa
import pyarrow.compute as pc

from models.data import arrow
from spec.cells.number_format import IN_PARENTHESES, NOT_FINITE, SIGN_IN_PARENTHESES, NumberFormat

_CODE = r"^[+-]?0[\dxX]"
PADDED = r"^[+-]?0\d{4,}[.]\d+$"
"""An amount of a fixed width, such as 00000123.45; a code such as 0101.21, of customs, has fewer digits."""


def codes(texts: pa.Array) -> pa.Array:
    """Which texts lose information as numbers, bool (n,): the postal code 02134, a hexadecimal number."""
    return pc.and_(pc.match_substring_regex(texts, _CODE), pc.invert(pc.match_substring_regex(texts, PADDED)))


def fits(texts: pa.Array, form: NumberFormat) -> pa.Array:
    """Which texts are numbers in this format, bool (n,); null where a text is."""
    signed = pc.match_substring_regex(texts, SIGN_IN_PARENTHESES)
    if form.in_parentheses:
        texts = pc.replace_substring_regex(texts, IN_PARENTHESES, r"\1")
    matching = pc.or_(pc.match_substring_regex(texts, form.pattern), pc.match_substring_regex(texts, NOT_FINITE))
    return pc.and_(matching, pc.invert(signed))


def plain(texts: pa.Array, form: NumberFormat) -> pa.Array:
    """Convert the texts that `fits` selects to signs, digits and a decimal point; others become arbitrary text."""
    negative = None
    if form.in_parentheses:
        negative = pc.match_substring_regex(texts, IN_PARENTHESES)
        texts = pc.replace_substring_regex(texts, IN_PARENTHESES, r"\1")
    for pattern, rewrite in form.steps():
        texts = pc.replace_substring_regex(texts, pattern, rewrite)
    if negative is not None:
        texts = arrow.if_else(negative, pc.binary_join_element_wise("-", texts, ""), texts)
    return texts
