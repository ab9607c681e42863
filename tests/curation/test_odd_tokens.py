"""Strings among numbers that mean null, and those that are only named."""

import pyarrow as pa
import pytest

from curation.facts import odd_tokens

NUMBERS = [f"{number / 4}" for number in range(12)]


def found(cells):
    return odd_tokens.find(pa.table({"a": pa.array(cells)}))


@pytest.mark.parametrize("token", ["-", "--", ".", "…", "*", "\u2013"])
def test_a_sign_means_null_even_in_most_of_the_cells(token):
    assert found([token] * 40 + NUMBERS) == odd_tokens.OddTokens([token], {})
    assert found([token] * 40 + NUMBERS[:3]).null == [token]


def test_a_sign_beside_fewer_than_three_numbers_is_a_category():
    assert found(["-"] * 40 + NUMBERS[:2]) == odd_tokens.OddTokens()


def test_a_word_means_null_in_half_of_the_cells_and_is_named_in_more():
    assert found(["none"] * 12 + NUMBERS) == odd_tokens.OddTokens(["none"], {})
    assert found(["none"] * 13 + NUMBERS) == odd_tokens.OddTokens([], {"a": {"none": 13}})
    assert odd_tokens.findings({"a": {"none": 13}}, 25) == [
        "a holds numbers, and 'none' in 13 of 25 cells, so it is read as text: if 'none' means null, set "
        'data.column_null_values = {a = ["none"]}'
    ]


def test_a_sign_and_a_word_are_told_apart():
    assert found(["none"] * 12 + ["-"] * 12 + NUMBERS) == odd_tokens.OddTokens(["-"], {"a": {"none": 12}})


def test_words_beside_few_numbers_are_categories():
    assert found(["none"] * 13 + NUMBERS[:9]) == odd_tokens.OddTokens()
    assert found(["none"] * 13 + NUMBERS[:10]).unsure == {"a": {"none": 13}}


def test_words_that_are_many_or_long_are_text():
    assert found(["x", "y", "z", *NUMBERS]) == odd_tokens.OddTokens()
    assert found(["thirteenchars", *NUMBERS]) == odd_tokens.OddTokens()
    assert found(["twelve chars", *NUMBERS]).null == ["twelve chars"]


def test_numbers_are_no_strings_among_numbers():
    assert odd_tokens.find(pa.table({"a": [1, 2, 3], "b": ["1", "2", "3e5"]})) == odd_tokens.OddTokens()
