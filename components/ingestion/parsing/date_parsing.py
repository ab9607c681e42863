"""Conversion of dates in a configured format to texts that start with YYYY-MM-DD."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.data import arrow
from spec.cells.date_format import EXCEL_1970, FIRST_SECOND, ISO, LAST_SECOND, MAX_DAYS, DateFormat


def fits(texts: pa.Array, form: DateFormat) -> pa.Array:
    """Which texts are dates in this format, or YYYY-MM-DD already, bool (n,); null where a text is."""
    matching = pc.match_substring_regex(texts, form.pattern)
    if form.counted:
        seconds = _seconds(arrow.if_else(matching, texts, "0"), form.epoch)
        in_range = pa.array((seconds >= FIRST_SECOND) & (seconds <= LAST_SECOND))
        matching = pc.and_(matching, in_range)
    return pc.or_(matching, pc.match_substring_regex(texts, ISO))


def iso(texts: pa.Array, form: DateFormat) -> pa.Array:
    """Convert the texts that `fits` selects to YYYY-MM-DD and the rest of the text; numbers to UTC time."""
    if not form.counted:
        for pattern, rewrite in form.steps():
            texts = pc.replace_substring_regex(texts, pattern, rewrite)
        return texts
    counted = pc.match_substring_regex(texts, form.pattern)
    seconds = pa.array(_seconds(arrow.if_else(counted, texts, "0"), form.epoch), pa.timestamp("s"))
    return arrow.if_else(counted, seconds.cast(pa.string()), texts)


def _seconds(texts: pa.Array, factor: int | None) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Convert numbers with a fraction or without to seconds since 1970, int64 (n,).

    Args:
        texts: The numbers.
        factor: Units per second since 1970; None for Excel's days.
    """
    if factor is None:
        days = pc.replace_substring_regex(pc.fill_null(texts, "0"), r"^\+|\.$", "").cast(pa.float64())
        clipped = np.clip(days.to_numpy(zero_copy_only=False), -MAX_DAYS, MAX_DAYS)
        return np.asarray(np.rint((clipped - EXCEL_1970) * 86_400), np.int64)
    integers = pc.replace_substring_regex(pc.fill_null(texts, "0"), r"^\+|\..*$", "")
    return np.asarray(integers.cast(pa.int64()).to_numpy(zero_copy_only=False)) // factor
