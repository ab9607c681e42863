import collections

import pyarrow as pa
import pytest

from components import value_counts


@pytest.mark.parametrize("batches", [1, value_counts.PARTS, value_counts.PARTS + 1, 3 * value_counts.PARTS])
def test_counts_are_merged_over_any_number_of_batches_within_a_bounded_number_of_parts(batches):
    parts, expected = None, collections.Counter()
    for number in range(batches):
        values = ["common", f"{number % 5}", None]
        parts = value_counts.add(parts, pa.array(values))
        expected.update(values)
        assert len(parts) <= value_counts.PARTS
    total = value_counts.total(parts)

    counts = zip(total.field("values").to_pylist(), total.field("counts").to_pylist(), strict=True)
    assert dict(counts) == dict(expected)
