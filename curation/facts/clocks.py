"""The time of day behind dates."""

import pyarrow as pa
import pyarrow.compute as pc

SHARE = 0.9
"""Share of dates with a time of day from which on it counts."""
A_DAY = 1.5
"""Rows a day from which on the time of day counts."""
_CLOCK = r"^.{10}[T\s]+(?P<hour>\d{1,2}):?\d{2}(?:[^AaPp]*(?P<half>[AaPp])\.?[Mm])?"


def hours(dates: pa.ChunkedArray) -> int:
    """How many different hours the times of day behind dates have; 0 where there are hardly two rows a day.

    Args:
        dates: Texts that begin with YYYY-MM-DD.
    """
    clocks = pc.extract_regex(dates, _CLOCK).drop_null()
    days = pc.count_distinct(pc.utf8_slice_codeunits(dates, 0, 10)).as_py()
    if len(clocks) < SHARE * len(dates) or len(dates) < A_DAY * days:
        return 0
    return len(pc.unique(pc.binary_join_element_wise(pc.struct_field(clocks, [0]), pc.struct_field(clocks, [1]), "")))
