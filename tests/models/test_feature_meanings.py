"""What features stand for, measured through the transform graph."""

import datetime
import re

import numpy as np
import pytest
import tensorflow as tf

from models.data.split_rows import Facts
from models.roles import Features
from models.tasks import targets
from models.transform_graph.loaded_graph import TransformGraph
from models.warm_start import feature_meanings
from spec.columns.label import Label

PRICE = Label(column="price")


@pytest.fixture(scope="module")
def meanings(everything):
    roles = Features.model_validate(everything.sections["features"])
    facts = Facts.read(everything.graph, roles, Label.model_validate(everything.sections["label"]))
    rows = list(tf.data.TFRecordDataset(str(everything.raw), "GZIP").as_numpy_iterator())
    return feature_meanings.describe(everything.graph, TransformGraph(everything.graph), roles, facts.outputs, rows)


def test_every_feature_has_a_meaning(meanings, everything):
    assert set(meanings) == set(everything.outputs)
    assert [name for name, meaning in meanings.items() if meaning["kind"] == "unknown"] == []


def numbers(cells):
    return np.array([np.nan if cell is None else cell for cell in cells], np.float64)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        *((name, lambda table, name=name: numbers(table[name])) for name in ("area", "rooms", "far", "low", "share")),
        ("lot", lambda table: np.log1p(numbers(table["lot"]))),
        ("raw", lambda table: np.clip(numbers(table["raw"]), -3, 1)),
        ("age_mean", lambda table: numbers(table["age_mean"])),
        ("age_min_max", lambda table: numbers(table["age_min_max"])),
        ("age_log", lambda table: np.log1p(np.maximum(numbers(table["age_log"]), 0))),
        ("area_x_raw", lambda table: numbers(table["area"]) * np.clip(numbers(table["raw"]), -3, 1)),
        (
            "day_days",
            lambda table: np.array(
                [datetime.date.fromisoformat(day[:10]).toordinal() - 719163 for day in table["day"]], float
            ),
        ),
        ("born_year", lambda table: numbers([day and float(day[:4]) for day in table["born"]])),
    ],
)
def test_a_number_is_its_shift_and_its_scale_times_the_feature(meanings, everything, name, of):
    values = of(everything.table)
    finite = np.isfinite(values)
    feature = meanings[name]["shift"] + meanings[name]["scale"] * everything.batch[name][:, 0].astype(np.float64)
    np.testing.assert_allclose(feature[finite], values[finite], rtol=1e-5, atol=1e-5 * np.nanmax(np.abs(values)))


def test_a_constant_column_has_no_scale(meanings):
    assert meanings["same"]["scale"] is None


@pytest.mark.parametrize("name", ["area_bucket", "share_bucket", "age_own_bucket", "count_edges_bucket"])
def test_bounds_divide_the_rows_as_the_graph_does(meanings, everything, name):
    values = numbers(everything.table[name.removesuffix("_bucket")])
    finite = np.isfinite(values)
    edges = np.array(meanings[name]["edges"], np.float32 if name != "count_edges_bucket" else np.float64)
    places = np.searchsorted(edges, values[finite].astype(edges.dtype), side="right")
    np.testing.assert_array_equal(places, everything.batch[name][finite, 0])


def test_a_bound_is_the_smallest_value_of_its_bucket(meanings, everything):
    edges = np.array(meanings["area_bucket"]["edges"], np.float32)
    function = TransformGraph(everything.graph)
    rows = next(iter(tf.data.TFRecordDataset(str(everything.raw), "GZIP").batch(1)))
    raw = tf.io.parse_example(rows, everything.graph.raw_feature_spec())
    for place, edge in enumerate(edges):
        for value, bucket in ((np.nextafter(edge, np.float32(-np.inf)), place), (edge, place + 1)):
            assert function({**raw, "area": tf.constant([[value]])})["area_bucket"].numpy() == bucket


def test_the_bounds_of_a_column_that_is_only_crossed_show_in_the_cross(meanings):
    # raw is cut at 0 for the cross alone; age_own by quantiles.
    assert [part["edges"] for part in meanings["age_own_x_raw"]["parts"]][1] == [0.0]
    assert meanings["age_own_x_raw"]["parts"][0]["edges"] == meanings["age_own_bucket"]["edges"]


def test_tokens_stand_in_the_order_of_their_indices(meanings, everything):
    tokens = meanings["name_index"]["tokens"]
    for name, index in zip(everything.table["name"], everything.batch["name_index"][:, 0], strict=True):
        assert name not in tokens or tokens[index] == name
    assert meanings["colour_index"]["tokens"] == ["red", "yellow", "green"]


def test_rarities_are_those_of_tfidf(meanings, everything):
    meaning = meanings["note_tfidf_bag"]
    texts = [re.findall(r"\w+", text.lower()) for text in everything.table["note_tfidf"] if text]
    for term in ("bright", "kitchen", "new"):
        having = sum(term in words for words in texts)
        rarity = meaning["rarity"][meaning["terms"].index(term)]
        assert rarity == pytest.approx(1 + np.log((len(texts) + 1) / (having + 1)), rel=1e-5)


def test_without_rows_what_has_to_be_measured_is_unknown(everything):
    roles = Features.model_validate(everything.sections["features"])
    facts = Facts.read(everything.graph, roles, Label.model_validate(everything.sections["label"]))
    described = feature_meanings.describe(everything.graph, TransformGraph(everything.graph), roles, facts.outputs, [])
    kinds = {name: meaning["kind"] for name, meaning in described.items()}

    assert (kinds["area"], kinds["area_bucket"], kinds["note_tfidf_bag"]) == ("unknown",) * 3
    assert (kinds["share"], kinds["share_bucket"], kinds["name_index"]) == ("number", "buckets", "tokens")


def test_features_of_user_preprocessing_have_the_digest_of_the_whole_graph(everything):
    facts = Facts.read(
        everything.graph, Features.model_validate(everything.sections["features"]), Label(column="price")
    )
    graph = TransformGraph(everything.graph)
    first_meanings = feature_meanings.describe(everything.graph, graph, Features(), facts.outputs[:2], [])
    second_meanings = feature_meanings.describe(everything.graph, graph, Features(), facts.outputs[:2], [])

    assert first_meanings == second_meanings
    assert {meaning["kind"] for meaning in first_meanings.values()} == {"own"}
    assert len({meaning["graph"] for meaning in first_meanings.values()}) == 1


@pytest.mark.parametrize(
    ("label", "classes"),
    [
        ({"task": "binary", "positive": "yes", "classes": ["a", "b"]}, ["sold is not yes", "sold is yes"]),
        ({"task": "binary", "threshold": 3.5}, ["sold below 3.5", "sold from 3.5"]),
        ({"task": "classes", "tiers": 2, "classes": ["low", "high"]}, ["sold in tier 1 of 2", "sold in tier 2 of 2"]),
        ({"task": "classes", "classes": ["x", "y"]}, ["sold is x", "sold is y"]),
    ],
)
def test_classes_stand_for_cells_and_not_for_their_names(label, classes):
    role = Label.model_validate({"column": "sold", **label})
    target = targets.target(role, np.array([[0], [1]]))
    assert feature_meanings.of_label(role, target) == {"task": role.task, "classes": classes}
