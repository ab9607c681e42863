"""The bag of words and the pixels of the table that plays every role."""

import collections
import io
import math
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from models.transform_graph import tokenizer
from models.transform_graph.images import image_decoding


def terms(text, longest):
    """The terms of a text, without TensorFlow."""
    normalized = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in text.lower())
    words = normalized.split()
    return [" ".join(words[at : at + n]) for n in range(1, longest + 1) for at in range(len(words) - n + 1)]


def vocabulary(everything, name):
    return [term.decode() for term in everything.graph.vocabulary_by_name(name)]


def notes(everything, stand_in):
    """The texts; an empty one is a missing one."""
    return [note or stand_in for note in everything.table["note_count"]]


def counted(everything, name, longest, stand_in):
    """Count each term of the vocabulary in each text."""
    counters = [collections.Counter(terms(note, longest)) for note in notes(everything, stand_in)]
    return np.array([[counts[term] for term in vocabulary(everything, name)] for counts in counters], np.float32)


def test_the_most_frequent_terms_are_kept_and_missing_texts_not_counted(everything):
    present = [note for note in everything.table["note_count"] if note is not None]
    counts = collections.Counter(term for note in present for term in terms(note, 2))
    expected = sorted(counts, key=lambda term: (counts[term], term.encode()), reverse=True)

    assert vocabulary(everything, "note_count_bag") == expected[:6]
    assert vocabulary(everything, "note_tfidf_bag") == expected
    assert {"étagère", "e\u0301tage\u0300re", "日本", "2014", "two", "bright kitchen"} <= set(expected)


def test_counts(everything):
    expected = counted(everything, "note_count_bag", 2, "bright new")

    np.testing.assert_array_equal(everything.batch["note_count_bag"], expected)
    assert expected.max() == 2
    assert everything.batch["note_count_bag"][3].sum() == 2


def test_whether_a_term_is_there(everything):
    words = vocabulary(everything, "note_binary_bag")
    expected = np.minimum(counted(everything, "note_binary_bag", 1, ""), 1)

    np.testing.assert_array_equal(everything.batch["note_binary_bag"][:, : len(words)], expected)
    assert not everything.batch["note_binary_bag"][:, len(words) :].any()
    assert not everything.batch["note_binary_bag"][[1, 3, 6, 10]].any()


def test_tfidf(everything):
    present = [set(terms(note, 2)) for note in everything.table["note_count"] if note]
    words = vocabulary(everything, "note_tfidf_bag")
    rarity = [1 + math.log((len(present) + 1) / (sum(word in note for note in present) + 1)) for word in words]
    counts = counted(everything, "note_tfidf_bag", 2, "kitchen")
    lengths = np.array([max(len(terms(note, 2)), 1) for note in notes(everything, "kitchen")])

    np.testing.assert_allclose(
        everything.batch["note_tfidf_bag"][:, : len(words)], counts / lengths[:, np.newaxis] * rarity, rtol=1e-6
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I love it 😀😀 so much!", "i love it 😀 😀 so much"),
        ("great❤️ ❤", "great ❤ ❤"),
        ("👍🏽 and 👍", "👍 and 👍"),
        ("🇨🇭🇩🇪", "🇨🇭 🇩🇪"),
        ("👨\u200d👩\u200d👧 family", "👨 👩 👧 family"),
        ("我很喜欢这个iPhone手机。好", "我很 很喜 喜欢 欢这 这个 iphone 手机 好"),
        ("ありがとう。とても", "あり りが がと とう とて ても"),
        ("สวัสดี 2014", "สว วั ัส สด ดี 2014"),
        ("좋은 영화", "좋은 영화"),
        ("\x02好\x03 \x04", "好"),
        ("©2014 ™ 20°C a_b", "2014 20 c a b"),
        ("1\ufe0f\u20e3 क्\u200dष", "1\ufe0f\u20e3 क् ष"),
        ("", ""),
    ],
)
def test_emojis_are_words_and_scripts_without_blanks_are_pairs(text, expected):
    assert b" ".join(tokenizer.split(tf.constant(["one", text, "two"]))[1].numpy().tolist()).decode() == expected


def test_texts_in_letters_digits_and_marks_are_cut_as_ever():
    letters = [chr(code) for code in (*range(0x20, 0x2200), *range(0xAC00, 0xAD00)) if not 0x0E00 <= code < 0x1100]
    letters = [letter for letter in letters if not 0x1780 <= ord(letter) < 0x1800]
    random = np.random.default_rng(3)
    texts = ["".join(random.choice(letters, 40)) + "".join(random.choice(letters[:95], 60)) for _ in range(400)]
    cut = tf.strings.split(tf.strings.regex_replace(tf.strings.lower(texts, "utf-8"), r"[^\pL\pM\pN]+", " "))

    assert tokenizer.split(tf.constant(texts)).to_list() == cut.to_list()


def decoded(encoded, channels):
    return tf.io.decode_image(encoded, channels=channels, expand_animations=False).numpy()


def test_a_picture_of_the_right_size_keeps_its_pixels(everything):
    pixels = everything.batch["image_pixels"].reshape(-1, 6, 5)

    with Image.open(io.BytesIO(everything.table["image"][0])) as picture:
        np.testing.assert_allclose(pixels[0] * 255, np.asarray(picture), rtol=1e-6)
    for row in (4, 9):
        expected = decoded(everything.table["image"][row], 1)[:, :, 0]
        np.testing.assert_allclose(pixels[row] * 255, expected, rtol=1e-6)
    of_16_bits = tf.io.decode_png(everything.table["image"][5], 1, tf.uint16).numpy()[:, :, 0]
    np.testing.assert_allclose(pixels[5], of_16_bits / 65535, rtol=1e-6)


def test_colour_becomes_grey_and_grey_colour(everything):
    picture = everything.batch["photo_pixels"].reshape(-1, 4, 8, 3)
    grey = picture[[0, 4, 5, 8, 10]]

    np.testing.assert_array_equal(grey, np.repeat(grey[..., :1], 3, axis=-1))
    assert np.ptp(picture[1], axis=-1).max() > 0.1
    assert everything.batch["image_pixels"].max() <= 1
    assert everything.batch["image_pixels"].min() >= 0


@pytest.mark.parametrize("row", range(12))
def test_a_picture_is_resized_as_pillow_does(everything, row):
    # Pillow's bilinear filter widens with the scale too; it works in whole numbers, so it may differ by one in 255.
    picture = Image.fromarray(decoded(everything.table["photo"][row], 3))
    expected = np.asarray(picture.resize((8, 4), Image.Resampling.BILINEAR)) / 255

    np.testing.assert_allclose(everything.batch["photo_pixels"][row].reshape(4, 8, 3), expected, atol=1.01 / 255)


@pytest.mark.parametrize("broken", [b"", b"GIF89a rest", b"no picture"])
def test_the_error_of_an_undecodable_image_names_it(everything, broken):
    cells = tf.constant([[everything.table["image"][0]], [broken]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="column 'image' must hold images, PNG or JPEG"):
        image_decoding.decode(cells, (6, 5), 1, column="image")


def test_a_truncated_image_is_an_error(everything):
    half = everything.table["image"][1][:-30]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid PNG data"):
        image_decoding.decode(tf.constant([[half]]), (6, 5), 1, column="image")


def test_no_picture_at_all():
    assert image_decoding.decode(tf.zeros((0, 1), tf.string), (2, 3), 1, column="image").shape == (0, 6)
