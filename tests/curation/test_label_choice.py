import re

import numpy as np
import pyarrow as pa
import pytest

from curation.facts import column_facts
from curation.propose.label import label_choice, label_tails
from errors import UserError


def choose(label=None, **columns):
    facts, _ = column_facts.table(pa.table(columns))
    return label_choice.choose(facts, label, "data/x.csv")


def column(values):
    return choose("y", x=[0.5] * len(values), y=values)


def test_the_label_is_chosen_by_name_else_the_last_column_with_the_reason():
    x = [0.5, 1.5, 2.5]
    assert choose(Target=x, other=x).column.name == "Target"
    assert choose(SalePrice=x, other=x).column.name == "SalePrice"
    guess = choose(a=x, b=x, when=["2020-01-01", "2020-01-02", "2020-01-03"])
    assert guess.column.name == "b"
    assert guess.column_reason == "a guess: the last column that can be a label; choose another with --label: a"


def test_a_column_from_the_names_of_folders_is_guessed_last():
    facts, _ = column_facts.table(pa.table({"a": [0.5, 1.5, 2.5], "year": [2023, 2024, 2025]}))
    guess = label_choice.choose(facts, None, "data/x.csv", ["year"])
    assert (guess.column.name, label_choice.choose(facts, None, "data/x.csv").column.name) == ("a", "year")
    assert guess.column_reason.endswith("choose another with --label: year")
    alone, _ = column_facts.table(pa.table({"year": [2023, 2024, 2025]}))
    assert label_choice.choose(alone, None, "data/x.csv", ["year"]).column.name == "year"


def test_a_label_that_is_not_there_names_the_nearest():
    with pytest.raises(
        UserError, match=r"--label 'prise': data/x.csv has no column of this name. Did you mean 'price'\?"
    ):
        choose("prise", price=[1.5, 2.5])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["c"] * 9, "it has only one value"),
        ([None] * 9, "it is empty"),
        ([f"2020-01-0{day}" for day in range(1, 10)], "it is a date"),
        ([f"text {number}" for number in range(9)], "most of its values occur once"),
    ],
)
def test_the_error_of_an_unusable_label_names_the_reason_and_usable_columns(values, reason):
    values = pa.array(values, pa.string())
    with pytest.raises(UserError, match=rf"'y' cannot be the label: {reason}.* Columns that can be the label: x\."):
        choose("y", x=[float(number) for number in range(9)], y=values)
    with pytest.raises(UserError, match=r"no column looks like a label.*'y': .*--label COLUMN"):
        choose(y=values)


@pytest.mark.parametrize(
    ("values", "positive", "reason"),
    [
        (["no"] * 3 + ["yes"] * 5, "yes", "its value means yes"),
        (["FALSCH"] * 3 + ["WAHR"] * 5, "WAHR", "its value means yes"),
        ([1] * 5 + [0] * 3, "1", "its value means yes"),
        ([">50K"] * 2 + ["<=50K"] * 6, ">50K", "the rarer value"),
        (["a", "b"] * 4, "b", "both are equally frequent, so the last in order"),
    ],
)
def test_two_values_are_binary_with_a_reasoned_positive(values, positive, reason):
    choice = column(values)
    assert choice.task == "binary"
    assert choice.keys["positive"] == choice.keys["classes"][1] == positive
    assert choice.reasons["positive"] == reason


def test_two_floats_are_divided_by_a_threshold():
    choice = column([0.0, 1.0, 1.0])
    assert (choice.task, choice.keys) == ("binary", {"threshold": 0.5})


def test_few_texts_are_classes_in_order_of_their_names():
    choice = column(["dog", "ant", "cat"] * 5)
    assert (choice.task, choice.keys) == ("classes", {"classes": ["ant", "cat", "dog"]})


def test_numbers_spread_like_a_count_are_amounts_and_others_are_codes(rng):
    assert column(rng.poisson(2, 500)).task == "regression"
    grades = np.clip(np.round(rng.normal(6, 1, 500)), 3, 9).astype(int)
    assert "distributed like a count or a grade" in column(grades).task_reason
    codes = column(rng.integers(0, 10, 500))
    assert (codes.task, codes.keys) == ("classes", {})
    assert "not distributed like a count" in codes.task_reason
    assert choose("species_code", x=[0.5] * 500, species_code=rng.poisson(2, 500)).task == "classes"
    assert column(rng.integers(0, 400, 500)).task == "regression"


def test_a_skewed_positive_label_is_transformed_by_a_logarithm(rng):
    choice = column(rng.lognormal(10, 1, 500))
    assert (choice.task, choice.keys) == ("regression", {"transform": "log"})
    assert "skewed" in choice.reasons["transform"]
    assert not column(rng.normal(100, 5, 500)).keys
    assert not column(np.append(rng.lognormal(3, 1, 500), 0.0)).keys, "zero has no logarithm"


def test_a_heavy_tail_is_named_with_what_brings_it_in(rng):
    values = np.concatenate([rng.normal(size=4000), rng.normal(size=4) * 1e6, [3e6]])
    facts, _ = column_facts.table(pa.table({"y": values, "z": np.abs(values), "n": rng.normal(size=4005)}))
    transform, loss = label_tails.offers(facts["y"])

    assert re.search(
        r"y has a heavy tail: skewness -?\d+.*, and 99\.\d% of the rows or more within a tw",
        label_tails.sentence(facts["y"]),
    )
    assert (transform.key, transform.value, transform.active) == ("transform", "signed_log", False)
    assert (loss.key, loss.value, loss.active) == ("loss", "huber", False)
    assert label_tails.offers(facts["z"])[0].value in ("log", "log1p")
    assert label_tails.sentence(facts["n"]) == ""
