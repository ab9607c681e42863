import datetime
import decimal

import pyarrow as pa
import pytest

from curation.facts import column_facts


def kind_of(values, arrow=None):
    return column_facts.settle(pa.chunked_array([pa.array(values, arrow or pa.string())]))[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-20", None], "INT"),
        (["1", "2.5"], "FLOAT"),
        (["1e3", "-.5"], "FLOAT"),
        (["1", "x"], "BYTES"),
        (["02134", "10001"], "BYTES"),
        (["0", "0.5", "-0.25"], "FLOAT"),
        (["0x1F", "12"], "BYTES"),
        (["00000123.45", "-0012345.60", "12345678.90"], "FLOAT"),
        (["0101.21", "9401.30"], "BYTES"),
        (["12345678901234567890", "1"], "BYTES"),
        (["-9223372036854775808", "9223372036854775807"], "INT"),
        (["90071992547409931", "2.5"], "BYTES"),
        (["2020-01-01"], "BYTES"),
        (["true", "false"], "BYTES"),
        ([None, None], "BYTES"),
    ],
)
def test_texts_have_the_narrowest_type_that_loses_nothing(values, kind):
    assert kind_of(values) == kind


@pytest.mark.parametrize(
    ("values", "arrow", "kind"),
    [
        ([1, None], pa.int16(), "INT"),
        ([1.5], pa.float32(), "FLOAT"),
        ([decimal.Decimal("1.50")], pa.decimal128(5, 2), "FLOAT"),
        ([True, None], pa.bool_(), "BYTES"),
        ([datetime.date(2020, 1, 2)], pa.date32(), "BYTES"),
        ([datetime.datetime(2020, 1, 2)], pa.timestamp("us"), "BYTES"),
        ([b"a text"], pa.binary(), "BYTES"),
    ],
)
def test_typed_cells_keep_their_meaning(values, arrow, kind):
    assert kind_of(values, arrow) == kind


def test_a_list_is_refused_with_its_column():
    with pytest.raises(TypeError, match=r"column 'tags': its cells are list<.*>, not single values"):
        column_facts.table(pa.table({"tags": [[1, 2], [3]]}))


def test_figures_of_numbers_leave_missing_and_infinite_cells_out(texts):
    facts, table = column_facts.table(texts(x=["1", "2", "3", "inf", "nan", None, "10.0"]))

    column = facts["x"]
    assert (column.kind, column.missing, column.distinct, column.numbers.low, column.numbers.high) == (
        *("FLOAT", 3, 4),
        *(1.0, 10.0),
    )
    assert column.numbers.quantile(0.5) == 2.5
    assert column.numbers.whole
    assert table["x"].null_count == 3


def test_skewness_distinguishes_a_long_tail_from_a_bell(rng):
    long_tail = column_facts.table(pa.table({"x": rng.lognormal(0, 1, 4000)}))[0]["x"].numbers
    bell = column_facts.table(pa.table({"x": rng.normal(0, 1, 4000)}))[0]["x"].numbers
    assert long_tail.skew > 3 > 2 * abs(long_tail.log_skew)
    assert abs(bell.skew) < 0.2
    assert column_facts.table(pa.table({"x": [1e300, 1e300]}))[0]["x"].numbers.skew == 0


def test_dates_in_and_out_of_the_form_that_is_read(texts):
    facts, _ = column_facts.table(
        texts(
            iso=["2020-01-31", "2020-02-01T10:00", "2019-12-31"],
            other=["31.01.2020", "1.2.2020", "3/4/2021"],
            month=["2020-13-01", "2020-01-01", "2020-01-02"],
        )
    )
    assert facts["iso"].date
    assert facts["iso"].dates == ("2019-12-31", "2020-01-31", "2020-02-01")
    assert not facts["iso"].rises
    assert facts["other"].other_date
    assert not facts["other"].date
    assert not facts["month"].date


def test_most_frequent_values_come_first_and_equals_in_order(texts):
    column = column_facts.table(texts(c=["b", "a", "b", "c", None]))[0]["c"]
    assert column.top == (("b", 2), ("a", 1), ("c", 1))
    assert (column.missing_share, column.unique_share) == (0.2, 0.75)


def test_encoded_images_are_seen():
    png = b"\x89PNG\r\n\x1a\n\xff\xfe"
    column = column_facts.table(pa.table({"image": [png, png + b"x"]}))[0]["image"]
    assert column.picture


def test_a_script_without_blanks_has_as_many_words_as_pairs_of_characters():
    facts, _ = column_facts.table(pa.table({"t": ["我很喜欢这个iPhone手机", "สวัสดี"], "u": ["two words", "one more"]}))

    assert facts["t"].words == (7 + 6) / 2
    assert facts["u"].words == 2


def test_the_largest_step_is_no_fall():
    cells = pa.chunked_array([pa.array([-(2**63), 0, 2**63 - 1])])
    assert column_facts.column("n", "INT", cells).rises
    assert not column_facts.column("n", "INT", pa.chunked_array([pa.array([2**63 - 1, 0, -(2**63)])])).rises
