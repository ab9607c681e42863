import datetime
import re

import numpy as np
import pyarrow as pa
import pytest

from curation.facts import column_facts, relations
from curation.propose import role_choices

ROWS = 3000


@pytest.fixture
def propose(rng):
    """Roles of columns beside a label that is noise, or the given one."""

    def run(y=None, **columns):
        cells = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
        rows = len(next(iter(cells.values())))
        cells["y"] = pa.array(rng.normal(size=rows) if y is None else y)
        facts, table = column_facts.table(pa.table(cells))
        return role_choices.propose(
            facts,
            "y",
            twins=relations.twins(facts, table, skip="y"),
            leaks=relations.leaks(facts, table, "y", numeric=facts["y"].kind == "FLOAT"),
            orders=relations.orders(facts, table, "y"),
        )

    return run


@pytest.fixture
def entry(propose):
    """The one entry of a column."""

    def run(name, values, **columns):
        [entry_of_column] = [entry for entry in propose(**{name: values}, **columns).entries if entry.column == name]
        return entry_of_column

    return run


def test_the_id_is_no_feature_and_further_names_of_rows_are_ignored(propose, rng):
    choices = propose(
        serial=[f"X{number:05d}" for number in rng.permutation(500)],
        customer_id=rng.permutation(500),
        x=rng.normal(size=500),
    )
    assert choices.id[0] == "customer_id"
    assert [(entry.role, entry.column) for entry in choices.entries] == [("ignored", "serial"), ("numeric", "x")]
    assert "customer_id identifies rows: [columns] id, not a feature" in choices.findings


@pytest.mark.parametrize("form", ["{0}:{1:02}", "{0}:{1:02} PM", "{0:02}:{1:02}:07", "{0}:{1:02}:07.5"])
def test_times_without_a_date_are_no_id_and_named_with_what_to_write(entry, form):
    chosen = entry("start", [form.format(hour, minute) for hour in range(1, 10) for minute in range(60)])
    assert chosen.role == "ignored"
    assert "they are times such as " in chosen.reason
    assert "write them in the data as numbers of hours, such as 9.25 for 9:15" in chosen.reason


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("durations", ["{0}h {1}m", "{0} h", "{1} min"]),
        ("durations", ["PT{0}H{1}M"]),
        ("two numbers in a cell", ["{1}.5, {0}.25"]),
        ("two numbers in a cell", ["POINT ({1}.5 {0}.25)"]),
        ("lists of numbers", ["[{0}.5, {1}, 0.1]"]),
        ("lists of numbers", ["{{{0}.5,{1}}}"]),
        ("formulas of Excel", ['="0{0}{1}"']),
        ("numbers behind an apostrophe", ["'{1}.{0}"]),
        ("two numbers in a cell", ["{1}.5 \u00b1 0.{0}"]),
        ("two numbers in a cell", ["1{0}0/{1}"]),
        ("numbers with units", ["{0}{1}km/h"]),
        ("numbers with units", ["{0}{1}\u6b73"]),
        ("numbers with signs or separators", ["-{0}.0{1},25", "{1}"]),
        ("numbers with signs or separators", ["1{0}.{1}", "1{0}.{1}-"]),
        ("numbers with signs or separators", ["{0}{1}.5 %"]),
        ("numbers with signs or separators", ["EUR {0}{1}"]),
        ("objects", ['{{"a": {0}, "b": {1}}}']),
        ("degrees", ["{1}\u00b0{0}'N"]),
        ("feet and inches", ["{0}'{1}\""]),
        ("numbers with units", ["{1} MB", "{0}.{1} GB"]),
        ("numbers with units", ["{0}.{1}M", "{1}K"]),
        ("hexadecimal numbers", ["0x{0}{1}f"]),
        ("fractions", ["{0}/{1}", "{0} out of {1} stars"]),
        ("numbers in other digits", ["\u0661{0}\u066b{1}"]),
        ("amounts of credit and debit", ["{0}{1}.50 CR", "1,{1}{0}.25 DR"]),
        ("amounts of credit and debit", ["{0}.{1}0,25H", "{1},{0} S"]),
        ("amounts of credit and debit", ["{0}{1}.50DB", "{1}.{0}"]),
        ("dates with commas", ["{0}, {0}, 20{1}"]),
        ("dates that end in the year", ["Mon Jan 0{0} 08:{1}:00 2023", "Jan {0} 10:{1}:00 +0000 2023"]),
    ],
)
def test_texts_that_hold_amounts_are_named_with_what_to_write(entry, kind, texts):
    cells = [form.format(hour, minute) for hour in range(1, 10) for minute in range(10, 50) for form in texts]
    chosen = entry("a", list(dict.fromkeys(cells)))
    assert chosen.role == "ignored"
    [example] = re.findall(f"; they are {kind} such as ['\"](.*)['\"]: ", chosen.reason)
    assert not re.fullmatch(r"[\d.]+", example)
    assert "write" in chosen.reason


@pytest.mark.parametrize(
    "form", ["2024-W{:02}", "2024-{:02}", "{:02}/2024", "{}Q3", "Mar 20{:02}", "M\u00e4rz 20{:02}", "{}, 2023"]
)
def test_periods_as_categories_are_named_on_the_terminal(propose, form):
    first = 2013 if "Q" in form else 1
    findings = propose(period=[form.format(first + number % 12) for number in range(520)]).findings
    assert [finding[:70] for finding in findings] == [
        "period is read as text: they are weeks, months or quarters such as '" + form.format(first)[:2]
    ]


def test_letters_behind_numbers_of_more_than_two_sides_are_no_debits(entry):
    cells = [f"{row}{seat}" for row in range(1, 60) for seat in "ABCD"]
    for texts in (cells * 2, [f"{row} C" for row in range(200)] * 2):
        assert "credit" not in entry("a", texts).reason


def test_long_texts_are_not_compared_with_the_patterns(propose):
    """The pattern of objects would try each pair of colons."""
    for form in ["{{" + ":" * 60_000 + "{}", '{{"a":"' + "x" * 1000 + '{}"}}']:
        assert propose(a=[form.format(number) for number in range(200)], b=[1.5, 2.5] * 100).id[0] == "a"
    short = propose(a=[f'{{"a":"{number}"}}' for number in range(200)], b=[1.5, 2.5] * 100)
    assert (short.id, short.entries[0].role) == (None, "ignored")


def test_numbers_before_words_are_not_named(entry):
    """Only the first values in order are looked at."""
    assert "they are" not in entry("a", [*(f"{number}.5" for number in range(100, 400)), "100.5", "x", "y"]).reason


def test_names_of_rows_that_begin_with_letters_are_ids(propose):
    assert propose(order=[f"ORD{number}" for number in range(1000, 1400)], x=[1.5, 2.5] * 200).id[0] == "order"


def test_words_and_codes_are_not_named(propose):
    codes = {
        "size": ["XS", "S", "M", "L", "XL"],
        "flat": ["12A", "12B", "13A", "7", "8"],
        "range": ["1-2", "2-5", "6+", "9-10", "3-4"],
    }
    assert propose(**{name: values * 99 for name, values in codes.items()}).findings == []


def test_a_counter_is_an_id_and_unique_amounts_are_not(propose, rng):
    choices = propose(n=np.arange(500), people=rng.permutation(500) * 37, x=rng.normal(size=500))
    assert choices.id[0] == "n"
    assert [entry.role for entry in choices.entries] == ["numeric", "numeric"]


def test_an_id_that_comes_back_is_a_category_and_a_hint_for_groups(propose, rng):
    choices = propose(user_id=rng.integers(0, 40, ROWS))
    assert choices.id is None
    assert choices.entries[0].role == "categorical"
    assert choices.hints[0][:2] == ("group", "user_id")


def test_constants_empties_twins_and_leaks_are_ignored_with_a_reason(propose, rng):
    kind = rng.integers(0, 5, ROWS)
    y = rng.normal(size=ROWS)
    choices = propose(
        y,
        version=["v1"] * ROWS,
        none=pa.array([None] * ROWS, pa.string()),
        rare=pa.array([1.5 * number if number < 90 else None for number in range(ROWS)]),
        kind=kind,
        kind_name=[f"k{value}" for value in kind],
        doubled=2 * y,
    )
    ignored = {entry.column: entry.reason for entry in choices.entries if entry.role == "ignored"}
    assert ignored["version"] == "constant: every row has 'v1'"
    assert ignored["none"] == "no row has a value"
    assert ignored["rare"] == "97% of the values are null"
    assert ignored["kind_name"] == "equivalent to 'kind'"
    assert ignored["doubled"].startswith("correlation 1.00000 with the label, a leak")
    assert set(ignored) == {"version", "none", "rare", "kind_name", "doubled"}


def test_a_leak_that_is_the_only_feature_is_used(propose, rng):
    y = rng.normal(size=100)
    [entry] = propose(y, x=3 * y).entries
    assert entry.role == "numeric"
    assert "but there is no other column" in entry.reason


def test_dates_are_taken_apart_and_suggest_a_split_by_time(propose, rng):
    day = [(datetime.date(2020, 1, 1) + datetime.timedelta(number // 10)).isoformat() for number in range(ROWS)]
    day[5] = None
    choices = propose(day=day)
    [entry] = choices.entries
    assert entry.role == "date"
    assert entry.values["parts"] == ["days", "month", "day_of_week"]
    assert entry.values["missing"] in day
    assert choices.hints == [("time", "day", "rows are sorted by it; see data.split")]


@pytest.mark.parametrize("name", ["zipcode", "storeType", "kind_code", "Region"])
def test_a_name_makes_numbers_codes(entry, rng, name):
    assert entry(name, rng.poisson(5, ROWS) + 10).role == "categorical"


def test_months_go_round_and_hours_beyond_the_day_do_not(entry, rng):
    assert "cyclic" in entry("month", rng.integers(1, 13, ROWS)).reason
    assert entry("hour", rng.integers(0, 40, ROWS)).role == "numeric"


def test_codes_by_their_effect_by_their_spread_and_by_their_gaps(entry, rng):
    code = rng.integers(0, 6, ROWS)
    effect = np.array([3.0, -2.0, 0.5, 2.5, -3.0, 0.0])[code] + rng.normal(size=ROWS)
    assert "the values explain" in entry("a", code, y=effect).reason
    assert "not distributed like a count" in entry("a", code).reason
    assert (
        "with gaps"
        in entry("a", rng.choice([1017, 2231, 4519, 5003, 7777] * 3 + list(range(1200, 9900, 501)), ROWS)).reason
    )


@pytest.mark.parametrize(("text", "levels"), [(False, 16), (False, 40), (True, 40)])
def test_a_curve_is_a_number_and_values_in_any_order_are_codes(entry, rng, text, levels):
    level = rng.integers(0, levels, ROWS)
    hill = 3 * np.sin(np.pi * level / (levels - 1)) + rng.normal(size=ROWS)
    effects = rng.permutation(np.linspace(-3, 3, levels))[level] + rng.normal(size=ROWS)
    assert entry("a", level, y=np.where(hill > 2, "a", "b") if text else hill).role == "numeric"
    assert "the values explain" in entry("a", level, y=np.where(effects > 2, "a", "b") if text else effects).reason


@pytest.mark.parametrize(
    "numbers",
    [
        lambda rng: rng.poisson(2, ROWS),
        lambda rng: rng.integers(18, 90, ROWS),
        lambda rng: rng.integers(0, 5000, ROWS) * 5,
        lambda rng: np.clip(np.round(rng.normal(7, 1.2, ROWS)), 1, 13).astype(int),
    ],
    ids=["count", "age", "amount", "grade"],
)
def test_counts_and_amounts_stay_numbers(entry, rng, numbers):
    assert entry("a", numbers(rng)).role == "numeric"


def test_codes_with_a_fractions_type_are_cut_between_values(entry, rng):
    proposed = entry("type", rng.integers(1, 4, ROWS) * 1.0)
    assert (proposed.role, proposed.values["edges"]) == ("bucketized", [1.5, 2.5])


def test_long_tails_outliers_and_missing_numbers(entry, rng):
    assert entry("a", rng.lognormal(3, 1, ROWS)).values == {"column": "a", "scale": "log1p"}
    wild = rng.normal(size=ROWS)
    wild[:2] = 1e6, -1e6
    low, high = entry("a", wild).values["clip"]
    assert -4 < low < -2
    assert 2 < high < 4
    holes = pa.array([None if number % 10 == 0 else float(number) for number in range(ROWS)])
    assert entry("a", holes).values["missing"] == "median"
    assert "10% null" in entry("a", holes).reason


def test_a_number_that_is_mostly_missing_is_kept_as_buckets(entry):
    holes = pa.array([float(number) if number % 4 == 0 else None for number in range(ROWS)])
    proposed = entry("a", holes)
    assert (proposed.role, proposed.values["missing"]) == ("bucketized", "category")


def test_texts_by_how_many_there_are(entry, rng):
    of_few_texts = entry("c", rng.choice(["a", "b", "c"], ROWS))
    assert of_few_texts.values == {"column": "c", "encode": "one_hot", "oov": 1}
    of_many_texts = entry("c", [f"v{value}" for value in rng.integers(0, 900, ROWS)])
    assert (of_many_texts.role, of_many_texts.values["dimension"]) == ("hashed", 5)
    assert of_many_texts.values["buckets"] >= 2 * 800
    assert entry("c", [f"v{value}" for value in rng.integers(0, 10**6, ROWS)]).role == "ignored"
    gaps = entry("c", pa.array([None if number % 9 == 0 else "abc"[number % 3] for number in range(ROWS)]))
    assert gaps.values["missing"] == "category"


def test_long_texts_are_read_word_by_word(entry, rng):
    words = np.array(["red", "green", "blue", "good", "bad", "ugly", "house", "garden"])
    proposed = entry("comment", [" ".join(row) for row in rng.choice(words, (ROWS, 8))])
    assert proposed.role == "text"


def test_latitude_and_longitude_are_numbers_without_buckets(propose, rng):
    choices = propose(lat=rng.normal(47, 0.1, ROWS), long=rng.normal(-122, 0.1, ROWS))
    assert [entry.role for entry in choices.entries] == ["numeric", "numeric"]


def test_a_weight_is_suggested(propose, rng):
    assert ("weight", "sample_weight") in [hint[:2] for hint in propose(sample_weight=rng.random(ROWS)).hints]


def test_whole_numbers_beyond_2_53_are_names(entry, rng):
    few_ids, many_ids = 2**53 + rng.integers(0, 30, 2000), 2**62 + rng.integers(0, 10**6, 2000)
    assert entry("user", few_ids).role == entry("user", -few_ids).role == "categorical"
    assert entry("user", many_ids).role == "ignored"
    assert entry("user", 2**52 + many_ids % 10**6).role == "numeric"
