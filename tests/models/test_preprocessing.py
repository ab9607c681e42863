import collections
import datetime

import farmhash
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from hypothesis import given, settings
from hypothesis import strategies as st

from models import roles
from models.transform_graph import column_batch, dates, preprocessing
from spec import settings as model_settings

WORDS = ["b"] * 4 + ["a"] * 3 + ["d", "c", "d", "c", "Zürich"]
TABLE = {
    "area": [float(7 * number % 12) for number in range(12)],
    "far": [20_000_000 + number for number in range(12)],
    "lot": [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 127.0, 255.0, 511.0, 1023.0, 1e6],
    "year": [1900 + 10 * number for number in range(12)],
    "raw": [number - 6 for number in range(12)],
    "same": [5] * 12,
    "lat": [47.0 + number / 12 for number in range(12)],
    "age": [10, 18, 19, 30, 64, 65, 66, 80, 17, 18, 65, 99],
    "word": WORDS,
    "common": WORDS,
    "frequent": WORDS,
    "zip": [98_103] * 5 + [98_101] * 4 + [98_102] * 3,
    "day": [f"2014-{number:02d}-15T000000" for number in range(1, 13)],
    "price": [100.0 * (number + 1) for number in range(12)],
}
FEATURES = {
    "numeric": [
        {"column": "area"},
        {"column": "far"},
        {"column": "lot", "scale": "log1p"},
        {"column": "year", "scale": "min_max"},
        {"column": "raw", "scale": "none"},
        {"column": "same"},
    ],
    "bucketized": [
        {"column": "lat", "quantiles": 4},
        {"column": "age", "edges": [18, 65]},
        {"column": "raw", "edges": [0], "input": False},
    ],
    "categorical": [
        {"column": "word"},
        {"column": "common", "vocabulary_size": 2, "oov": 3},
        {"column": "frequent", "min_frequency": 2},
        {"column": "zip"},
    ],
    "crossed": [
        {"columns": ["lat", "age"], "buckets": 12},
        {"columns": ["age", "lat"], "buckets": 11},
        {"columns": ["lat", "raw", "age"], "buckets": 24},
        {"columns": ["zip", "age"], "buckets": 1000},
    ],
    "date": [{"column": "day", "parts": ["year", "month", "day", "day_of_week", "days"]}],
}
PRICE = tf.constant([[1.0]])
QUARTILE = np.arange(12) // 3
AGE = np.searchsorted([18, 65], TABLE["age"], side="right")


@pytest.fixture(scope="module")
def graph(tmp_path_factory, analyze, pack):
    config = pack(features=FEATURES, label={"column": "price", "transform": "log"})
    return tft.TFTransformOutput(analyze(tmp_path_factory.mktemp("transform"), TABLE, config))


@pytest.fixture(scope="module")
def transform(graph):
    """Columns as lists to model features as flat arrays; a column that is not given holds its first cell."""
    layer = graph.transform_features_layer()
    spec = graph.raw_feature_spec()

    def run(**columns):
        rows = len(next(iter(columns.values())))
        filled = {name: columns.get(name, [cells[0]] * rows) for name, cells in TABLE.items()}
        tensors = {name: tf.constant(cells, spec[name].dtype, (rows, 1)) for name, cells in filled.items()}
        return {name: value.numpy().reshape(-1) for name, value in layer(tensors).items()}

    return run


@pytest.fixture(scope="module")
def transformed(transform):
    return transform(**TABLE)


def z_score(values):
    values = np.asarray(values, np.float64)
    return (values - values.mean()) / values.std()


def run_alone(pack, columns, label=None, **features):
    """preprocessing_fn without Beam: enough for roles that learn nothing from the data."""
    config = pack(features=features, label=label or {"column": "price"})
    tensors = {name: tf.constant(cells, shape=(len(cells), 1)) for name, cells in columns.items()}
    # In a function of its own: outside of one, TFT leaves its annotations behind for the next test.
    function = tf.function(lambda inputs: preprocessing.preprocessing_fn(inputs, config))
    return {name: value.numpy().reshape(-1) for name, value in function({"price": PRICE, **tensors}).items()}


def test_numbers_are_float32_and_indices_int64(graph):
    spec = graph.transformed_feature_spec()
    floats = {"area", "far", "lot", "year", "raw", "same", "day_year", "day_days", "label"}

    assert {name for name, feature in spec.items() if feature.dtype == tf.float32} == floats
    assert {feature.dtype for name, feature in spec.items() if name not in floats} == {tf.int64}
    assert {tuple(feature.shape) for feature in spec.values()} == {(1,)}


def test_the_graph_has_every_output_that_the_roles_declare(transformed):
    assert {output.name for output in roles.Features.model_validate(FEATURES).outputs()} == set(transformed) - {"label"}


@pytest.mark.parametrize("column", ["area", "far"])
def test_z_score(transformed, column):
    np.testing.assert_allclose(transformed[column], z_score(TABLE[column]), rtol=1e-6)


def test_log1p_is_scaled_after_the_logarithm(transformed):
    np.testing.assert_allclose(transformed["lot"], z_score(np.log1p(TABLE["lot"])), rtol=1e-6)


def test_log1p_takes_a_negative_number_for_zero(transform):
    negative, zero = transform(lot=[-5.0, 0.0])["lot"]

    assert negative == zero


def test_min_max(transformed, transform):
    np.testing.assert_allclose(transformed["year"], np.arange(12) / 11, rtol=1e-6)
    np.testing.assert_allclose(transform(year=[1790, 2230])["year"], [-1.0, 3.0], rtol=1e-6)


def test_none_leaves_a_number_as_it_is(transformed, transform):
    np.testing.assert_array_equal(transformed["raw"], TABLE["raw"])
    np.testing.assert_array_equal(transform(raw=[123])["raw"], [123.0])


def test_a_constant_column_becomes_zero_not_nan(transformed):
    np.testing.assert_array_equal(transformed["same"], np.zeros(12))


def test_the_features_of_a_row_do_not_depend_on_its_place_in_the_batch(transformed, transform):
    for row in range(12):
        alone = transform(**{name: cells[row : row + 1] for name, cells in TABLE.items()})
        assert {name: value[0] for name, value in alone.items()} == {n: v[row] for n, v in transformed.items()}


def test_quantile_buckets_hold_equal_counts(transformed, transform):
    np.testing.assert_array_equal(transformed["lat_bucket"], QUARTILE)
    np.testing.assert_array_equal(transform(lat=[-1e9, 1e9])["lat_bucket"], [0, 3])


def test_an_edge_belongs_to_the_bucket_above_it(transformed):
    np.testing.assert_array_equal(transformed["age_bucket"], AGE)


@settings(max_examples=15)
@given(
    edges=st.lists(st.floats(-100, 100, width=16), min_size=1, max_size=6, unique=True).map(sorted),
    cells=st.lists(st.floats(-110, 110, width=16), max_size=20),
)
def test_buckets_by_edges(pack, edges, cells):
    cells = [*edges, *cells]
    features = run_alone(pack, {"age": cells}, bucketized=[{"column": "age", "edges": edges}])

    np.testing.assert_array_equal(features["age_bucket"], np.searchsorted(edges, cells, side="right"))


def test_buckets_for_a_cross_alone_do_not_come_out(transformed):
    assert "raw_bucket" not in transformed


def test_vocabulary_is_ordered_by_frequency_then_backwards(graph, transformed):
    counts = collections.Counter(word.encode() for word in WORDS)
    expected = sorted(counts, key=lambda word: (counts[word], word), reverse=True)

    assert graph.vocabulary_by_name("word_index") == expected
    np.testing.assert_array_equal(transformed["word_index"], [expected.index(word.encode()) for word in WORDS])


def test_an_unseen_value_gets_an_index_behind_the_vocabulary(graph, transform):
    features = transform(word=["b", "never", ""])["word_index"]

    np.testing.assert_array_equal(features, [0, 5, 5])
    assert graph.num_buckets_for_transformed_feature("word_index") == 6


def test_vocabulary_size_keeps_the_most_frequent_and_spreads_the_others(graph, transform):
    features = transform(common=["b", "a", *(f"other {number}" for number in range(40))])["common_index"]

    assert features[:2].tolist() == [0, 1]
    assert set(features[2:].tolist()) == {2, 3, 4}
    assert graph.num_buckets_for_transformed_feature("common_index") == 5


def test_min_frequency_drops_rare_values(graph, transform):
    assert graph.vocabulary_by_name("frequent_index") == [b"b", b"a", b"d", b"c"]
    assert transform(frequent=["Zürich", "c"])["frequent_index"].tolist() == [4, 3]


def test_a_vocabulary_of_integers(transformed, transform):
    np.testing.assert_array_equal(transformed["zip_index"], [0] * 5 + [1] * 4 + [2] * 3)
    assert transform(zip=[1, -98_103])["zip_index"].tolist() == [3, 3]


def test_a_cross_of_buckets_that_fits_is_exact(transformed):
    np.testing.assert_array_equal(transformed["lat_x_age"], QUARTILE * 3 + AGE)


def test_a_cross_of_three_that_fits_is_exact(transformed):
    positive = (np.array(TABLE["raw"]) >= 0).astype(int)

    np.testing.assert_array_equal(transformed["lat_x_raw_x_age"], (QUARTILE * 2 + positive) * 3 + AGE)


def test_a_cross_of_buckets_that_does_not_fit_is_hashed(transformed):
    expected = [farmhash.fingerprint64(f"{age}|{lat}") % 11 for age, lat in zip(AGE, QUARTILE, strict=True)]

    np.testing.assert_array_equal(transformed["age_x_lat"], expected)


def test_a_cross_with_a_vocabulary_is_hashed(transformed):
    codes_and_ages = zip(transformed["zip_index"], AGE, strict=True)

    np.testing.assert_array_equal(
        transformed["zip_x_age"], [farmhash.fingerprint64(f"{code}|{age}") % 1000 for code, age in codes_and_ages]
    )


def test_date_parts_of_the_table(transformed):
    days = [datetime.date(2014, month, 15) for month in range(1, 13)]

    np.testing.assert_array_equal(transformed["day_month"], np.arange(12))
    np.testing.assert_array_equal(transformed["day_day"], [14] * 12)
    np.testing.assert_array_equal(transformed["day_day_of_week"], [day.weekday() for day in days])
    np.testing.assert_allclose(transformed["day_days"], z_score([day.toordinal() for day in days]), rtol=1e-6)
    np.testing.assert_array_equal(transformed["day_year"], np.zeros(12))


def check_dates(days, suffix=""):
    parts = dates.split(tf.constant([[day.isoformat() + suffix] for day in days]))
    epoch = datetime.date(1970, 1, 1)
    expected = {
        "year": [day.year for day in days],
        "month": [day.month - 1 for day in days],
        "day": [day.day - 1 for day in days],
        "day_of_week": [day.weekday() for day in days],
        "days": [(day - epoch).days for day in days],
    }
    assert {part: value.numpy().reshape(-1).tolist() for part, value in parts.items()} == expected


@given(
    st.lists(st.dates(datetime.date(1600, 1, 1), datetime.date(2400, 12, 31)), min_size=1),
    st.sampled_from(["", "T000000", " 23:59"]),
)
def test_date_parts_of_any_date(days, suffix):
    check_dates(days, suffix)


def test_date_parts_around_every_end_of_february():
    first_of_march = [datetime.date(year, 3, 1) for year in range(1600, 2401)]
    check_dates([*first_of_march, *(day - datetime.timedelta(1) for day in first_of_march)])


def test_the_label_as_a_logarithm(transformed):
    np.testing.assert_allclose(transformed["label"], np.log(TABLE["price"]), rtol=1e-7)


def test_the_label_as_it_is(pack):
    features = run_alone(pack, {"price": [450_000, 1, 0]})

    assert features["label"].dtype == np.float32
    np.testing.assert_array_equal(features["label"], [450_000.0, 1.0, 0.0])


def test_a_role_may_go_through_the_columns_of_its_batch():
    batch = column_batch.ColumnBatch({"area": "tensor a", "city": "tensor c"}, roles.Features())
    assert dict(batch) == {"area": "tensor a", "city": "tensor c"}


def test_long_settings_are_read_from_their_file(tmp_path):
    numeric = [{"column": f"column_{number}", "scale": "none"} for number in range(100)]
    packed = model_settings.pack({"features": {"numeric": numeric}, "label": {"column": "price"}}, str(tmp_path))
    inputs = {entry["column"]: tf.constant([[7]]) for entry in numeric}
    features = preprocessing.preprocessing_fn({**inputs, "price": PRICE}, {"settings": packed})

    assert len(features) == 101
    assert features["column_99"].numpy().tolist() == [[7.0]]
