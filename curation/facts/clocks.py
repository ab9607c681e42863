"""Time of day in columns of dates."""

import pyarrow as pa
import pyarrow.compute as pc

SHARE = 0.9
"""Minimum share of dates with a time of day for it to be used."""
A_DAY = 1.5
"""Minimum number of rows per day for the time of day to be used."""
_CLOCK = r"^.{10}[T\s]+(?P<hour>\d{1,2}):?\d{2}(?:[^AaPp]*(?P<half>[AaPp])\.?[Mm])?"


def hours(dates: pa.ChunkedArray) -> int:
    """Count the distinct hours of the day; 0 if few dates have a time, or a day has fewer than A_DAY rows on average.

    Args:
        dates: Strings that start with YYYY-MM-DD.
    """
    clocks = pc.extract_regex(dates, _CLOCK).drop_null()
    days = pc.count_distinct(pc.utf8_slice_codeunits(dates, 0, 10)).as_py()
    if len(clocks) < SHARE * len(dates) or len(dates) < A_DAY * days:
        return 0
    return len(pc.unique(pc.binary_join_element_wise(pc.struct_field(clocks, [0]), pc.struct_field(clocks, [1]), "")))
