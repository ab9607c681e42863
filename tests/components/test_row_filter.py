import numpy as np
import pyarrow as pa
import pytest

from components.ingestion.parsing import casting
from components.ingestion.rows import row_filter, row_times
from errors import UserError
from spec.cells.cleaning import Rules


def test_blank_tokens_become_nulls_and_blanks_go():
    column = pa.array([" ?", "a b ", "", "\u00a0NA\t", None, "na", "null"])

    assert casting.clean(column, Rules(True, ("", "?", "NA", "null"))).to_pylist() == [
        None,
        "a b",
        None,
        None,
        None,
        "na",
        None,
    ]
    assert casting.clean(column, Rules(False, ("?",))).to_pylist() == column.to_pylist()
    assert casting.clean(pa.array([1, None, 2]), Rules(True, ("1",))).to_pylist() == [None, None, 2]


@pytest.mark.parametrize(
    ("texts", "previous", "kind"),
    [
        (["1", None, "-2"], None, "INT"),
        (["1"], "FLOAT", "FLOAT"),
        (["1", "2.5"], None, "FLOAT"),
        (["1", "x"], None, "BYTES"),
        (["x"], "INT", "BYTES"),
        (["1"], "BYTES", "BYTES"),
        ([None, None], None, None),
        ([None], "INT", "INT"),
        (["02134", "1"], None, "BYTES"),
        (["0", "0.5"], None, "FLOAT"),
        (["00000123.45"], "INT", "FLOAT"),
        (["0101.21"], None, "BYTES"),
        (["12345678901234567890"], None, "BYTES"),
        (["1e300"], None, "FLOAT"),
        (["2014-05-02"], None, "BYTES"),
    ],
)
def test_what_texts_look_like(texts, previous, kind):
    assert casting.looks_like(pa.array(texts, pa.string()), previous) == kind


@pytest.mark.parametrize("bad", [0, 1, 499, 999])
def test_the_cell_that_is_no_number_is_found(bad):
    texts = ["1"] * 1000
    texts[bad] = "one"
    with pytest.raises(casting.BadCellError) as caught:
        casting.convert(pa.array(texts), "INT")

    assert (caught.value.row, caught.value.value) == (bad, "one")


def test_a_row_is_left_out_once_under_its_first_reason():
    keeper = row_filter.Keeper(exclude=["a > 5", "a > 3"], complete=["b", "y"], label="y")
    labels = ["x", "x", "x", None, "x", None]
    columns = {"a": [9, 4, 1, 1, 1, 9], "b": [1, 1, None, 1, 1, None], "y": labels}
    remaining = keeper.keep(pa.RecordBatch.from_pydict(columns))

    assert remaining.to_pydict() == {"a": [1], "b": [1], "y": ["x"]}
    assert keeper.left_out == {"a > 5": 2, "a > 3": 1, "missing b": 1, "blank label": 1}
    assert keeper.columns == ("a", "b", "y")
    assert row_filter.sentence(keeper.left_out) == "; left out: 2 a > 5, 1 a > 3, 1 missing b, 1 blank label"
    assert row_filter.sentence({}) == ""


def test_a_long_expression_is_shown_cut():
    text = " or ".join(f"a = {number}" for number in range(50))
    keeper = row_filter.Keeper(exclude=[text], complete=[], label=None)
    keeper.keep(pa.RecordBatch.from_pydict({"a": [49, 50]}))

    assert keeper.left_out == {f"{text[:77]}...": 1}


def test_an_expression_that_does_not_fit_the_data_is_named_with_its_key():
    with pytest.raises(UserError, match=r"^data\.exclude: 'a > 5' compares column 'a', which is text, with 5"):
        row_filter.Keeper(exclude=["a > 5"], complete=[], label=None).keep(pa.RecordBatch.from_pydict({"a": ["x"]}))


@pytest.mark.parametrize(
    "texts",
    [
        ["2014-05-02", "2014-05-03"],
        ["20140502", "20140502T000001"],
        ["20141013T000000", "20141014T000000"],
        ["2014-05-02T01:02:03", "2014-05-02T01:02:03.25", "2014-05-02 01:02:04"],
        ["2014/05/02 09:30", "2014/05/02 10:00"],
        ["2014-05-02 9:30", "2014-05-02 10:30"],
        [
            "2014-05-02 12:10 AM",
            "2014-05-02 1:00 am",
            "2014-05-02 12:30 PM",
            "2014-05-02 01:30 p.m.",
            "2014-05-02 13:31",
        ],
        [
            "2014-05-02T00:30+02:00",
            "2014-05-01T23:00:00Z",
            "2014-05-01 20:00:00.000001-04:00",
            "2014-05-02T01:01 UTC+1",
        ],
        ["20140502T000000-0530", "2014-05-02T05:31", "2014-05-02T00:32-05", "2014-05-02T07:33+02:00[Europe/Berlin]"],
        ["1969-12-31T23:59:59.999999", "1970-01-01", "9999-12-31"],
        ["2014-05-02T01:02:03.123456", "2014-05-02T01:02:03.123457891", "2014-05-02T01:02:03,2"],
        ["2016-02-29", "2016-02-29T24:00", "2016-03-01T00:01"],
    ],
)
def test_keys_of_texts_rise_with_time(texts):
    keys = row_times.keys(pa.array([*texts, texts[0]]), "day", "x.csv").tolist()

    assert keys[:-1] == sorted(set(keys))
    assert keys[-1] == keys[0]


def test_numbers_are_their_own_keys():
    assert row_times.keys(pa.array([3, 1]), "t", "x").tolist() == [3, 1]
    assert row_times.keys(pa.array([0.5, 0.25], pa.float32()), "t", "x").tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array(["2014-05-02", "05/02/2014"]), "column 'day', which .* holds '05/02/2014': a time is a number, or a"),
        (pa.array(["2014-05-02", "2014-05-02 10:00 CEST"]), "holds '2014-05-02 10:00 CEST': a time is a number, or"),
        (pa.array(["2014-05-02", "2014-05-02 noon"]), "holds '2014-05-02 noon': a time"),
        (
            pa.array(["2014-05-02", "0000-00-00"]),
            "'0000-00-00', which the calendar or the clock does not have: correct",
        ),
        (pa.array(["2014-02-28", "2014-02-29"]), "holds '2014-02-29', which the calendar"),
        (pa.array(["1900-02-29"]), "holds '1900-02-29', which the calendar"),
        (pa.array(["2014-13-01"]), "holds '2014-13-01', which the calendar"),
        (pa.array(["2014-05-02 24:01"]), "holds '2014-05-02 24:01', which the calendar or the clock"),
        (pa.array(["2014-05-02 10:60"]), "holds '2014-05-02 10:60', which the calendar or the clock"),
        (pa.array(["2014-05-02", None]), r"x\.csv: 1 row has no 'day', .* data\.exclude = \[\"day is missing\"\]"),
        (pa.array([1.0, float("nan")]), "column 'day', .* not finite"),
    ],
)
def test_what_is_no_time_is_named(column, message):
    with pytest.raises(UserError, match=message):
        row_times.keys(column, "day", "x.csv")


SHARES = {"train": 8, "eval": 1, "test": 1}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(100), [80, 90]),
        ([*range(10)] * 10, [8, 9]),
        ([0, 1, 2], [1, 2]),
        ([0] * 97 + [1, 2, 3], [1, 2]),
        ([0, 1] + [2] * 98, [1, 2]),
        ([0] * 79 + [1] * 11 + [2] * 5 + [3] * 5, [1, 2]),
        ([0] * 70 + [1] * 11 + [2] * 10 + [3] * 9, [2, 3]),
    ],
)
def test_time_is_cut_between_different_times_near_the_shares(monkeypatch, values, expected):
    values = np.array(list(values))
    for merge in (1, 7, 1000):
        monkeypatch.setattr(row_times, "MERGE", merge)
        assert row_times.cuts(np.array_split(values[::-1], 5), SHARES) == expected


def test_fewer_times_than_splits_are_refused():
    with pytest.raises(UserError, match="the rows hold 2 different times for 3 splits"):
        row_times.cuts([np.array([1, 2, 2])], SHARES)
    with pytest.raises(UserError, match="0 different times"):
        row_times.cuts([], SHARES)


def test_times_are_shown_as_people_write_them():
    keys = row_times.keys(pa.array(["2014-05-02", "2014-05-02T01:02:03", "2014-05-02T01:00+02:00"]), "t", "x").tolist()

    assert [row_times.text_of(key) for key in [*keys, 7, 0.5, 20140502]] == [
        *("2014-05-02", "2014-05-02 01:02:03", "2014-05-01 23:00:00", "7", "0.5", "20140502"),
    ]
