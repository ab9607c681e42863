"""Whatever cells hold, rules are proposed for them or not, and what is proposed reads them."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from components.ingestion.parsing import casting
from curation.facts import cell_values, date_formats, number_formats
from spec.cells.cleaning import Cleaning

PARTS = st.sampled_from(
    [*"0123456789", *".,-+/:' $%()eE\u20ac\u00a0\u2212\u00b2\u0130\u03a3", "NA", "nan", "Jan", "20", "1900-01-01"]
)
CELLS = st.one_of(st.lists(PARTS, max_size=8).map("".join), st.text(max_size=6), st.none())
COLUMN = st.lists(CELLS, min_size=1, max_size=30)
ALIKE = st.sampled_from(
    [
        *(["1,234", "5,678", "9,1"], ["$5", "(6)", "7 %"], ["05.01.2024", "31.12.2023", "x"], ["Yes", "YES", "no"]),
        *(
            ["20240105", "20231231", "20230101", "20220101", "20210101"],
            ["-999", "1", "2", "3"],
            ["\u00b2\u00b2\u00b2\u00b2-", "b"],
        ),
    ]
)


@given(st.one_of(COLUMN, st.tuples(ALIKE, COLUMN).map(lambda columns: columns[0] * 5 + columns[1][:2])))
def test_rules_that_are_proposed_read_the_cells(column):
    texts = casting.clean(pa.array(column, pa.string()), Cleaning(True, ("",), {}).rules("time"))
    table = pa.table({"time": texts})
    formats, dates = number_formats.detect(table), date_formats.detect(table)
    plain = date_formats.written(table, dates)
    lines, _ = cell_values.propose(plain, formats.numbers, dates.odd)
    keys = {line.key: line.value for line in lines if line.active}
    null_values = {name: tuple(map(str, values)) for name, values in keys.get("column_null_values", {}).items()}
    cleaning = Cleaning(True, ("",), null_values, tuple(keys.get("fold_case", ())), formats.numbers, dates.formats)
    read = casting.cast(texts, "BYTES", cleaning.rules("time"))

    assert len(read) == len(column)
    assert number_formats.as_read(table, cleaning)[0].num_rows == len(column)
    assert read.null_count >= texts.null_count
