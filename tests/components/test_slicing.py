import numpy as np
import pytest

from components.evaluator import slicing
from components.evaluator.slicing import MISSING, Part, Survey

AGE = Part("age", "age_bucket", edges=(18.0, 65.0))


def column(values, present=None):
    values = np.array(values, object if isinstance(values[0], bytes) else None)
    return values, np.ones(len(values), bool) if present is None else np.array(present)


def named(part, values, present=None):
    distinct, codes = part.code(*column(values, present))
    return [distinct[code] for code in codes]


def test_a_value_is_its_own_slice_and_keeps_its_type():
    assert named(Part("a", "a"), [b"x", b"y", b"x"]) == [b"x", b"y", b"x"]
    assert named(Part("a", "a"), np.array([3, -1])) == [3, -1]
    [value] = named(Part("a", "a"), np.array([0.5], np.float32))
    assert isinstance(value, float)


def test_a_missing_value_is_a_slice_of_its_own():
    assert named(Part("a", "a"), [b"x", b""], [True, False]) == [b"x", MISSING]
    assert named(Part("a", "a"), np.array([1.0, np.nan])) == [1.0, MISSING]
    assert named(AGE, np.array([30, 0]), [True, False]) == [b"18 to 65", MISSING]


@pytest.mark.parametrize("kind", [np.int64, np.float32])
def test_a_bound_belongs_to_the_bucket_above_it(kind):
    buckets = named(AGE, np.array([-3, 17, 18, 64, 65, 99], kind))

    assert buckets == [b"below 18", b"below 18", b"18 to 65", b"18 to 65", b"from 65", b"from 65"]


@pytest.mark.parametrize("bound", [0.1, 0.3, 0.7, 0.9, 1.1, 19.99, 99.95, -0.1])
def test_a_cell_that_reads_as_the_bound_is_not_below_it(bound):
    """The nearest float32 to 0.7 is less than the nearest float64."""
    part, just_below = Part("a", "a", (bound,)), np.nextafter(np.float32(bound), np.float32(-100))

    buckets = named(part, np.array([bound, just_below], np.float32))
    assert buckets == [f"from {bound:g}".encode(), f"below {bound:g}".encode()]


def test_integers_meet_bounds_exactly():
    beyond = 2**53
    part = Part("a", "a", (-1e30, 0.5, float(beyond + 2), 1e30))
    cells = np.array([-(2**63), 0, 1, beyond + 1, beyond + 2, 2**63 - 1])

    assert part.code(cells, np.ones(6, bool))[1].tolist() == [0, 0, 1, 1, 2, 2]
    assert named(Part("a", "a", (1e30,)), cells[:1]) == [b"below 1e+30"]


@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        ((-1.5, 0.25, 1e9), ("below -1.5", "-1.5 to 0.25", "0.25 to 1e+09", "from 1e+09")),
        ((20240101.0, 20240108.0), ("below 20240101", "20240101 to 20240108", "from 20240108")),
        ((999997.0, 1000001.0), ("below 999997", "999997 to 1000001", "from 1000001")),
        ((1714521600.0, 1714543200.5), ("below 1714521600", "1714521600 to 1714543000", "from 1714543000")),
        ((100000.0, 100001.0125), ("below 100000", "100000 to 100001.01", "from 100001.01")),
        ((0.7,), ("below 0.7", "from 0.7")),
        ((1.0, float(np.nextafter(1.0, 2.0))), ("below 1", "1 to 1.0000000000000002", "from 1.0000000000000002")),
        ((), ("all",)),
    ],
)
def test_each_bucket_has_a_name_of_its_own_that_the_config_knows(bounds, names):
    from spec.rows.slices import MISSING as TEXT
    from spec.rows.slices import Buckets

    cells = np.array([-1e300, *bounds])
    assert named(Part("a", "a", bounds), cells) == [name.encode() for name in names]
    if bounds:
        assert Buckets(column="a", edges=bounds).values() == (*names, TEXT)
    assert TEXT.encode() == MISSING


def test_a_cross_has_the_pairs_that_occur():
    columns = {"city": column([b"x", b"y", b"x"]), "age": column(np.array([5, 5, 80]))}
    distinct, codes = slicing.keys((Part("city", "city"), AGE), columns)

    assert [distinct[code] for code in codes] == [
        (("city", b"x"), ("age_bucket", b"below 18")),
        (("city", b"y"), ("age_bucket", b"below 18")),
        (("city", b"x"), ("age_bucket", b"from 65")),
    ]
    assert len(distinct) == 3


def test_the_most_frequent_slices_are_kept_and_the_rest_is_counted():
    survey = Survey([(Part("a", "a"),)], 2)
    for values in ([1, 1, 1, 2], [3, 3, 4]):
        survey.count({"a": column(np.array(values))})
    [cells], [dropped] = survey.cells()

    assert cells == {(("a", 1),): 1, (("a", 3),): 2}
    assert dropped == {"slicing": ["a"], "kept": 2, "slices": 4, "rows_left": 2}


def test_slices_of_equal_count_are_kept_by_name_whatever_the_order_of_rows():
    for values in ([b"x", b"y", b"z"], [b"z", b"y", b"x"]):
        survey = Survey([(Part("a", "a"),)], 2)
        survey.count({"a": column(values[:1])})
        survey.count({"a": column(values[1:])})
        [cells], _ = survey.cells()

        assert cells == {(("a", b"x"),): 1, (("a", b"y"),): 2}


def test_a_slice_that_a_rule_names_is_kept_however_rare():
    survey = Survey([(Part("a", "a"),)], 1)
    survey.count({"a": column(np.array([1, 1, 2, 3]))})
    [cells], _ = survey.cells([(("a", 3),), (("a", 9),)])

    assert list(cells) == [(("a", 1),), (("a", 3),)]


def test_slices_are_numbered_through_all_slicings():
    survey = Survey([(Part("a", "a"),), (Part("b", "b"),)], 100)
    survey.count({"a": column(np.array([1, 2])), "b": column([b"x", b"x"])})
    cells, dropped = survey.cells()

    assert [list(entry.values()) for entry in cells] == [[1, 2], [3]]
    assert dropped == []


def test_countless_values_stay_within_bounds(monkeypatch):
    monkeypatch.setattr(slicing, "MAX_VALUES", 100)
    survey = Survey([(Part("a", "a"),)], 3)
    for start in range(0, 5000, 50):
        survey.count({"a": column(np.concatenate([np.arange(start, start + 50), [-1, -1, -2, -2, -3, -3]]))})
    [cells], _ = survey.cells()

    assert set(cells) == {(("a", number),) for number in (-1, -2, -3)}
    assert len(survey._counts[0]) <= 100


@pytest.mark.parametrize("rows", [1000, 150_000])
def test_quantiles_cut_into_slices_of_about_equal_count(rows):
    values = np.random.default_rng(1).gamma(1.0, size=rows)
    survey = Survey([(Part("a", "a_bucket", quantiles=4),)], 100)
    for part in np.array_split(np.arange(rows), 7):
        survey.sample(part, {"a": column(values[part])})
    survey.cut()
    survey.count({"a": column(values)})
    [cells], _ = survey.cells()

    assert len(cells) == 4
    assert all(abs(count - rows / 4) < 0.02 * rows for count in survey._counts[0].values())


def test_quantiles_that_are_equal_make_one_edge_and_none_of_no_values():
    survey = Survey([(Part("a", "a_bucket", quantiles=4),), (Part("b", "b_bucket", quantiles=4),)], 100)
    columns = {"a": column(np.array([1, 1, 1, 1, 9])), "b": column(np.full(5, np.nan))}
    survey.sample(np.arange(5), columns)
    survey.cut()
    survey.count(columns)
    cells, _ = survey.cells()

    assert [[value for ((_, value),) in entry] for entry in cells] == [[b"from 1"], [MISSING]]
