import numpy as np
import pyarrow as pa
import pytest

from curation.facts import column_facts, relations


def both(**columns):
    return column_facts.table(pa.table(columns))


def test_a_copy_and_a_recoding_are_twins_of_the_first_column(rng):
    grade = rng.integers(0, 4, 100)
    facts, table = both(grade=grade, word=[f"g{value}" for value in grade], copy=grade, other=rng.integers(0, 4, 100))
    assert relations.twins(facts, table) == {"word": "grade", "copy": "grade"}
    assert relations.twins(facts, table, skip="grade") == {"copy": "word"}


def test_two_columns_of_unique_values_are_no_twins_unless_equal(rng):
    numbers = rng.normal(size=50)
    facts, table = both(a=numbers, b=rng.normal(size=50), c=numbers)
    assert relations.twins(facts, table) == {"c": "a"}


def test_missing_cells_are_part_of_what_twins_share():
    facts, table = both(a=["x", "y", None] * 9, b=["x", "y", "y"] * 9, c=["1", "2", None] * 9)
    assert relations.twins(facts, table) == {"c": "a"}


def test_what_gives_the_label_away(rng):
    label = rng.integers(0, 2, 200)
    facts, table = both(
        answer=["no" if value else "yes" for value in label],
        copy=label,
        noisy=np.where(rng.random(200) < 0.1, 1 - label, label),
        label=label,
    )
    assert relations.leaks(facts, table, "label", numeric=False) == {
        "answer": "a one-to-one recoding of the label",
        "copy": "a copy of the label",
    }


def test_another_unit_gives_a_number_away_and_a_strong_feature_does_not(rng):
    price = rng.normal(100, 20, 300)
    facts, table = both(cents=price * 100 + 3, size=price + rng.normal(0, 5, 300), price=price)
    assert relations.leaks(facts, table, "price", numeric=True) == {"cents": "correlation 1.00000 with the label"}


def test_one_threshold_or_value_that_decides_the_label_is_named(rng):
    delay = rng.integers(-20, 90, 3000)
    late = np.where(delay > 15, "yes", "no")
    state = rng.choice(["on time", "early", "unknown"], 3000)
    facts, table = both(
        delay=delay,
        minus=-1.5 * delay,
        gap=[None if hour % 5 == 0 else float(value) for hour, value in enumerate(delay)],
        state=np.where(late == "yes", "late", state),
        almost=np.where(np.arange(3000) < 2, 99, delay),
        noisy=delay + rng.normal(0, 10, 3000),
        other=state,
        late=late,
    )
    assert relations.leaks(facts, table, "late", numeric=False) == {
        "delay": "the label is 'yes' where it is above 15, else 'no'",
        "minus": "the label is 'no' where it is above -24, else 'yes'",
        "gap": "the label is 'yes' where it is above 15, else 'no'",
        "state": "the label is 'yes' where it is 'late', else 'no'",
        "almost": f"the label is 'yes' where it is above 15, else 'no', but for {sum(late[:2] == 'no')} of 3,000 rows",
    }


def test_a_threshold_of_a_few_rows_may_be_chance(rng):
    number = np.arange(60) + rng.normal(0, 0.1, 60)
    facts, table = both(number=number, rare=number > 40)
    assert relations.leaks(facts, table, "rare", numeric=False) == {}


@pytest.mark.parametrize("text", [False, True])
def test_values_without_order_explain_more_than_a_line(rng, text):
    code, count = rng.integers(0, 6, 3000), rng.integers(0, 6, 3000)
    effect = np.array([3.0, -2.0, 0.5, 2.5, -3.0, 0.0])
    y = effect[code] + count + rng.normal(size=3000)
    facts, table = both(
        code=code, count=count, noise=rng.integers(0, 6, 3000), y=np.where(y > 2, "a", "b") if text else y
    )
    orders = relations.orders(facts, table, "y")
    assert orders["code"].levels > orders["code"].line + 0.1
    assert orders["count"].levels == pytest.approx(orders["count"].line, abs=0.03)
    assert orders["noise"].levels < 0.01


def test_neighbours_explain_a_curve_and_not_codes(rng):
    level = rng.integers(0, 40, 3000)
    few = level // 8
    noise = rng.normal(size=3000)
    facts, table = both(level=level, few=few, curve=(level - 20.0) ** 2 / 50 + noise)
    curve = relations.orders(facts, table, "curve")
    assert 0.9 * curve["level"].levels < curve["level"].groups <= curve["level"].levels
    assert curve["level"].line < 0.1 < curve["level"].levels
    assert curve["few"].groups == curve["few"].levels, "each value is a group of its own"
    facts, table = both(level=level, codes=rng.permutation(40)[level] / 5 + noise)
    codes = relations.orders(facts, table, "codes")["level"]
    assert codes.groups < codes.levels / 2


def test_neighbours_beyond_2_53_are_values_of_their_own(rng):
    code = rng.integers(0, 6, 600)
    y = np.array([3.0, -2.0, 0.5, 2.5, -3.0, 0.0])[code] + rng.normal(size=600)
    facts, table = both(shop=code + 2**53, plain=code, y=y)
    orders = relations.orders(facts, table, "y")
    assert orders["shop"].levels == orders["plain"].levels > 0.5
    assert relations.twins(facts, table) == {"plain": "shop"}
    assert relations.leaks(facts, table, "y", numeric=True) == {}
    assert relations.orders(facts, table, "shop")["plain"].line == pytest.approx(1.0)


@pytest.mark.parametrize("missing", [None, "x"])
def test_equal_rows_with_several_labels_are_counted(missing):
    _, table = both(a=[1, 1, 1, 2, 2, 3], b=[missing] * 5 + ["y"], y=["p", "p", "q", "r", "r", "p"], z=[None] * 6)

    assert relations.contradictions(table, ["a", "b", "z"], "y") == (3, 6, 5)
    assert relations.contradictions(table, ["z"], "y") == (6, 6, 3)


def test_rows_of_several_files_contradict_each_other():
    parts = [pa.table({"x": [1.5, 2.5, 3.5], "y": ["a", label, "a"]}) for label in ("a", "b", "b")]
    assert relations.contradictions(pa.concat_tables(parts), ["x"], "y") == (3, 9, 8)
