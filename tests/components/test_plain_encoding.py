"""Raw columns and labels as scikit-learn gets them."""

import numpy as np
import pyarrow as pa
import pytest

from components.plain_models import encoding, label_targets, raw_rows
from models.tasks import label_transforms
from spec.columns.label import Label

NAN = float("nan")


def table(**columns):
    types = {"n": pa.float32(), "i": pa.int64(), "c": pa.binary(), "d": pa.binary(), "y": pa.float32()}
    return pa.table({name: pa.array(cells, types[name]) for name, cells in columns.items()})


def test_numbers_categories_and_dates():
    train = table(
        n=[1, None, float("inf"), 4], c=[b"b", b"a", b"b", None], d=[b"1970-01-02", b"1970-01-03T10:00", b"?", None]
    )
    later = table(n=[None, 2], c=[b"new", b"a"], d=[b"1970-02-01", None])
    number, category, day = encoding.columns(train, later, {"n": "number", "c": "category", "d": "date"})

    np.testing.assert_array_equal(number.train, [1, NAN, NAN, 4])
    np.testing.assert_array_equal(category.train, [0, 1, 0, NAN])
    np.testing.assert_array_equal(category.predicted, [2, 1])
    assert category.categories == 3
    np.testing.assert_array_equal(day.train, [1, 2, NAN, NAN])
    np.testing.assert_array_equal(day.predicted, [31, NAN])


def test_columns_without_two_values_are_left_out():
    train = table(n=[None, None], i=[3, 3], c=[b"a", None])
    [category] = encoding.columns(train, train, {"n": "number", "i": "number", "c": "category"})
    assert category.categories == 2


def test_rare_values_of_a_category_are_one():
    values = [b"%03d" % (place % 300) for place in range(900)] + [b"often"] * 10
    [column] = encoding.columns(table(c=values), table(c=[b"often", b"299"]), {"c": "category"})
    assert column.categories == encoding.CATEGORIES + 1
    assert column.train.max() == encoding.CATEGORIES
    assert column.predicted.tolist() == [0, encoding.CATEGORIES]
    train, predicted = encoding.for_linear([column])
    assert train.shape == (910, encoding.ONE_HOT + 2)
    assert predicted.toarray()[1, encoding.ONE_HOT] == 1


def test_a_whole_number_may_be_a_category():
    [column] = encoding.columns(table(i=[7, 7, 3, None]), table(i=[3]), {"i": "category"})
    assert column.train[:3].tolist() == [0, 0, 1]
    assert column.predicted.tolist() == [1]


def test_a_linear_model_gets_standardized_numbers_with_an_indicator_of_nulls():
    columns = encoding.columns(table(n=[1, 3, None]), table(n=[None, 5]), {"n": "number"})
    train, predicted = encoding.for_linear(columns)
    np.testing.assert_array_equal(train, [[-1, 0], [1, 0], [0, 1]])
    np.testing.assert_array_equal(predicted, [[0, 1], [3, 0]])


@pytest.mark.parametrize("name", list(label_transforms.TRANSFORMS))
def test_a_label_is_transformed_as_for_the_network(name):
    values = np.array([0.5, 2.0, 1000.0])
    for plain_transform, network_transform in zip(
        label_targets.TRANSFORMS[name], label_transforms.TRANSFORMS[name], strict=True
    ):
        np.testing.assert_allclose(plain_transform(values / 1000), network_transform(values / 1000).numpy(), rtol=1e-12)
    assert list(label_targets.TRANSFORMS) == list(label_transforms.TRANSFORMS)


def test_a_label_without_a_logarithm_is_none():
    label = Label(column="y", transform="log")
    np.testing.assert_array_equal(label_targets.number(table(y=[1, 0, -1, None])["y"], label), [0, NAN, NAN, NAN])


@pytest.mark.parametrize(
    ("label", "cells", "index", "names"),
    [
        ({"task": "classes"}, [b" a", b"b", b"a", None], [0, 1, 0, -1], ["a", "b"]),
        ({"task": "classes", "classes": ["b", "a"]}, [b"a", b"c", b"b"], [1, -1, 0], ["b", "a"]),
        ({"task": "binary", "positive": "b"}, [b"a", b"b", b"c"], [0, 1, 0], ["not b", "b"]),
        ({"task": "binary", "threshold": 0.1}, [0.05, 0.1, None], [0, 1, -1], ["below 0.1", "from 0.1"]),
        ({"task": "classes", "tiers": 2}, [1.0, 2.0, 3.0], [0, 1, 1], ["tier 1", "tier 2"]),
        ({"task": "classes"}, [1.0, 0.1, 1.0], [0, 1, 0], ["1", "0.1"]),
    ],
)
def test_classes_are_those_of_the_network(label, cells, index, names):
    kind = pa.binary() if any(isinstance(cell, bytes) for cell in cells) else pa.float32()
    indices, class_names = label_targets.classes(pa.chunked_array([pa.array(cells, kind)]), Label(column="y", **label))
    assert indices.tolist() == index
    assert class_names == names


def test_a_large_table_is_sampled_and_a_small_one_is_not():
    assert raw_rows.step(20_000, 16, 1) == 1
    assert raw_rows.step(1_000_000, 20, 1) == 4
    assert raw_rows.step(20_000, 16, 26) == 2
    assert raw_rows.step(6_000, 100_000, 1) == 2
