"""Operations on texts, each alone: the ONNX form gives what TensorFlow gives."""

import pytest
import tensorflow as tf

from models.onnx_export.conversion import NotConvertibleError

from .onnx_pairs import Pair

TEXTS = ["2024-03-05", "", "a", "Zürich 7", "東京 12", "line\nline", "A-Z [\\d]"]
NUMBERS = ["0", "12", "-7", "1.5", "-.25", "1e3", "1e-60", "1e60", "-1e60"]


def pair(function, dtype=tf.string):
    return Pair(lambda **x: {"y": function(x["x"])}, {"x": tf.TensorSpec([None, 1], dtype, "x")})


def rows(cells):
    return [[cell] for cell in cells]


@pytest.mark.parametrize(
    "function",
    [
        lambda text: tf.strings.join([text, "x", text], "-"),
        lambda text: tf.strings.join(["<", text, ">"]),
        tf.strings.lower,
        lambda text: tf.strings.lower(text, "utf-8"),
        lambda text: tf.strings.regex_replace(text, r"(\w)-", r"\1+"),
        lambda text: tf.strings.regex_replace(text, r"\w", "_", replace_global=False),
        lambda text: tf.strings.regex_full_match(text, r".*\d"),
        lambda text: tf.strings.to_hash_bucket_fast(text, 1),
    ],
    ids=["separated", "joined", "ascii", "lower", "every", "first", "matched", "hashed"],
)
def test_an_operation_on_texts_is_the_same_in_onnx(function):
    pair(function).check_equal(x=rows(TEXTS))


@pytest.mark.parametrize(("starts", "sizes"), [(0, 4), ([[0, 5, 8]], [[4, 2, 2]])])
def test_parts_of_texts_are_the_same_in_onnx(starts, sizes):
    cut = pair(lambda text: tf.strings.substr(tf.strings.join([text, "0123456789"]), starts, sizes))
    cut.check_equal(x=rows([text for text in TEXTS if text.isascii()]))


def test_substrings_by_character_are_refused():
    with pytest.raises(NotConvertibleError, match="substrings by character"):
        pair(lambda text: tf.strings.substr(text, 0, 4, unit="UTF8_CHAR"))


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_texts_of_decimals_are_the_same_numbers_in_onnx(dtype):
    cells = NUMBERS if dtype == tf.float32 else NUMBERS[:5]
    pair(lambda text: tf.strings.to_number(text, dtype)).check_equal(x=rows(cells))


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_texts_of_integers_are_the_same_numbers_in_onnx(dtype):
    pair(lambda text: tf.strings.to_number(text, dtype)).check_equal(x=rows(["0", "12", "-7", "000123456789"[:11]]))


@pytest.mark.parametrize("columns", [None, 1, 2])
def test_a_row_with_a_text_that_is_no_number_is_refused(columns):
    shape = [None] if columns is None else [None, columns]
    numbers = Pair(lambda **x: {"y": tf.strings.to_number(x["x"])}, {"x": tf.TensorSpec(shape, tf.string, "x")})
    row = {None: lambda text: text, 1: lambda text: [text], 2: lambda text: ["1", text]}[columns]
    errors = numbers.onnx(x=[row("2"), row("two"), row("")])["error"]
    assert (errors > 0).tolist() == [False, True, True]
    assert "a text is not a number; it holds" in numbers.messages[errors[1] - 1]


def test_integers_are_the_same_texts_in_onnx():
    pair(tf.strings.as_string, tf.int64).check_equal(x=rows([0, 12, -7, 2**53 + 1]))
