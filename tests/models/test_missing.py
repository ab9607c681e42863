"""The value imputed for a missing cell, by role; all statistics are those of the other cells."""

import datetime

import farmhash
import numpy as np
import pytest
import tensorflow as tf

from models.transform_graph import raw_columns


def column(everything, name):
    """A raw column: its cells, which are missing, and the values that are there."""
    raw = everything.table[name]
    missing = np.array([cell is None for cell in raw])
    return raw, missing, np.array([cell for cell in raw if cell is not None])


def z_scored(values, figures):
    figures = np.asarray(figures, np.float64)
    return (np.asarray(values, np.float64) - figures.mean()) / figures.std()


AGES = np.array([3.5, -1.0, 8.25, 0.0, 12.5, 7.0, 3.5, 41.0, 2.0])


@pytest.mark.parametrize(
    ("name", "expected", "stand_in"),
    [
        ("age_mean", z_scored(AGES, AGES), 0.0),
        ("age_median", z_scored(AGES, AGES), z_scored(3.5, AGES)),
        ("age_constant", AGES, -1.0),
        (
            "age_log",
            z_scored(np.log1p(AGES.clip(0)), np.log1p(AGES.clip(0))),
            z_scored(np.log1p(AGES.mean()), np.log1p(AGES.clip(0))),
        ),
        ("age_min_max", (AGES + 1) / 42, 1 / 42),
        ("age_unit", AGES / 41, 3.5 / 41),
        ("age_clip", AGES.clip(0, 10), AGES.clip(0, 10).mean()),
        ("age_as_is", AGES, 3.5),
    ],
)
def test_a_missing_number(everything, name, expected, stand_in):
    _, missing, _ = column(everything, name)
    features = everything.batch[name][:, 0]

    np.testing.assert_allclose(features[~missing], expected, rtol=1e-6)
    np.testing.assert_allclose(features[missing], np.full(3, stand_in), rtol=1e-6, atol=1e-7)


def test_a_missing_integer_takes_the_mean(everything):
    _, missing, present = column(everything, "count_mean")
    logs = np.log1p(present)
    features = everything.batch["count_mean"][:, 0]

    np.testing.assert_allclose(features[missing], np.full(3, z_scored(np.log1p(present.mean()), logs)), rtol=1e-6)


def test_a_missing_value_s_bucket_is_the_last(everything):
    _, missing, present = column(everything, "age_own")
    features = everything.batch["age_own_bucket"][:, 0]

    assert set(features[missing]) == {3}
    assert np.bincount(features[~missing]).tolist() == [3, 3, 3]
    assert (np.argsort(present, kind="stable") == np.argsort(features[~missing] * 100 + present, kind="stable")).all()


def test_a_missing_value_goes_to_its_stand_in_s_bucket(everything):
    _, missing, _ = column(everything, "age_edges")

    assert set(everything.batch["age_edges_bucket"][missing, 0]) == {2}
    assert set(everything.batch["age_bucket_mean_bucket"][missing, 0]) == {2}
    assert everything.batch["age_edges_bucket"][~missing, 0].tolist() == [1, 0, 1, 1, 2, 1, 1, 2, 1]


def test_an_edge_of_an_integer_is_exact_beyond_float32(everything):
    assert everything.batch["count_edges_bucket"][:, 0].tolist() == [1, 3, 0, 1, 3, 0, 1, 1, 1, 3, 2, 1]


def test_an_edge_of_a_float_is_the_float_s(everything):
    assert everything.batch["share_bucket"][:, 0].tolist() == [2, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 2]


def vocabulary(everything, name):
    return [word.decode() for word in everything.graph.vocabulary_by_name(name)]


def test_a_missing_category_of_its_own_stands_behind_the_unseen(everything):
    words = ["red", "green", "yellow", "blue", "Zürich 8001"]
    features = everything.batch["word_own_index"][:, 0].tolist()

    assert vocabulary(everything, "word_own_index")[:2] == ["red", "green"]
    assert sorted(vocabulary(everything, "word_own_index")) == sorted(words)
    assert [features[row] for row in (2, 6, 10)] == [6, 6, 6]
    assert everything.graph.num_buckets_for_transformed_feature("word_own_index") == 7
    assert features[4] == vocabulary(everything, "word_own_index").index("Zürich 8001")


def test_a_missing_category_without_buckets_for_the_unseen(everything):
    features = everything.batch["word_no_oov_index"][:, 0].tolist()

    assert features == [0, 1, 2, 0, -1, 0, 2, 1, -1, 0, 2, -1]
    assert everything.graph.num_buckets_for_transformed_feature("word_no_oov_index") == 3


def test_a_category_that_stands_in(everything):
    features = everything.batch["word_red_index"][:, 0].tolist()
    codes = everything.batch["code_stand_in_index"][:, 0].tolist()

    assert [features[row] for row in (0, 2, 6, 10)] == [0, 0, 0, 0]
    assert codes[1] == codes[2] == vocabulary(everything, "code_stand_in_index").index("98101")


def test_given_categories(everything):
    features = everything.batch["word_given_index"][:, 0].tolist()
    behind = {word: 2 + farmhash.fingerprint64(word) % 2 for word in ("Zürich 8001", "blue", "yellow")}

    assert features == [0, 1, 4, 0, behind["Zürich 8001"], 0, 4, 1, behind["blue"], 0, 4, behind["yellow"]]
    assert everything.batch["word_order_order"][:, 0].tolist() == [0, 1, 1, 0, -1, 0, 1, 1, -1, 0, 1, -1]
    assert everything.batch["size_order"][:4, 0].tolist() == [0, -1, 1, 2]


def test_the_colour_matrix(everything):
    output = everything.outputs["colour_index"]
    rows = everything.batch["colour_index"][:4, 0]

    assert tf.one_hot(rows, output.depth).numpy().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_hashed_values(everything):
    names, words = everything.table["name"], everything.table["word_hash"]
    buckets = [4 if word is None else farmhash.fingerprint64(word.replace("\n", " ")) % 4 for word in words]
    codes = [4 if code is None else farmhash.fingerprint64(str(code)) % 4 for code in everything.table["code_hash"]]

    assert everything.batch["name_hash"][:, 0].tolist() == [farmhash.fingerprint64(name) % 7 for name in names]
    assert everything.batch["word_hash_hash"][:, 0].tolist() == buckets
    assert everything.batch["code_hash_hash"][:, 0].tolist() == codes
    assert everything.batch["word_hash_red_hash"][2, 0] == farmhash.fingerprint64("red") % 4


def test_columns_whose_names_look_alike_keep_their_own_vocabularies(everything):
    dotted, plain = everything.batch["a.b_index"][:, 0], everything.batch["a_b_index"][:, 0]

    assert everything.graph.num_buckets_for_transformed_feature("a.b_index") == 6
    assert everything.graph.num_buckets_for_transformed_feature("a_b_index") == 3
    assert dotted[:4].tolist() == plain[-4:].tolist() == [0, 0, 0, 0]


def test_a_column_that_is_one_hot_hashed_and_embedded(everything):
    assert everything.graph.num_buckets_for_transformed_feature("name_index") == 7
    assert everything.graph.num_buckets_for_transformed_feature("name_vector") == 3
    assert everything.graph.num_buckets_for_transformed_feature("word_embedded_vector") == 8


def test_a_product(everything):
    area, raw = np.array(everything.table["area"]), np.clip(everything.table["raw"], -3, 1)

    np.testing.assert_allclose(everything.batch["area_x_raw"][:, 0], z_scored(area * raw, area * raw), rtol=1e-5)


def test_a_product_with_missing_factors_is_measured_where_all_are_there(everything):
    _, missing, ages = column(everything, "age_mean")
    clipped, share = ages.clip(0, 10), np.float32(everything.table["share"]).astype(np.float64)
    present = ages * clipped * share[~missing]
    features = everything.batch["age_mean_x_age_clip_x_share"][:, 0]

    np.testing.assert_allclose(features[~missing], z_scored(present, present), rtol=1e-5)
    stand_in = ages.mean() * clipped.mean() * share[missing]
    np.testing.assert_allclose(features[missing], z_scored(stand_in, present), rtol=1e-5)


def test_a_missing_date(everything):
    _, missing, present = column(everything, "born")
    days = [datetime.date.fromisoformat(day[:10]).toordinal() for day in present]
    stand_in = z_scored(datetime.date(2000, 6, 15).toordinal(), days)

    assert set(everything.batch["born_month"][missing, 0]) == {5}
    np.testing.assert_allclose(everything.batch["born_days"][~missing, 0], z_scored(days, days), rtol=1e-6)
    np.testing.assert_allclose(everything.batch["born_days"][missing, 0], np.full(2, stand_in), rtol=1e-6)


def test_a_constant_column_is_zero(everything):
    np.testing.assert_array_equal(everything.batch["same"], np.zeros((12, 1)))


@pytest.mark.parametrize(
    ("dense", "rows", "values"),
    [
        (tf.constant([1.0, np.nan, np.inf, -2.0]), [0, 3], [1.0, -2.0]),
        (tf.constant([np.iinfo(np.int64).min, 0, 5], tf.int64), [1, 2], [0, 5]),
        (tf.constant(["", "a", " "]), [1, 2], [b"a", b" "]),
    ],
)
def test_a_dense_column_s_missing_cells(dense, rows, values):
    sparse = raw_columns.sparsify(dense)
    back = raw_columns.densify(sparse)

    assert sparse.indices.numpy().tolist() == [[row, 0] for row in rows]
    assert sparse.values.numpy().tolist() == values
    assert sparse.dense_shape.numpy().tolist() == [len(dense), 1]
    assert np.flatnonzero(back.present[:, 0]).tolist() == rows
    assert tf.boolean_mask(back.value, back.present).numpy().tolist() == values


@pytest.mark.parametrize("rule", [None, "drop"])
def test_a_column_that_may_be_missing_needs_a_rule(rule):
    raw = tf.sparse.from_dense(tf.constant([[1.0]]))
    with pytest.raises(ValueError, match=r"column 'age' may be missing by its schema.*set `missing`"):
        raw_columns.read(raw, "age", rule)
