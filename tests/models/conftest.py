"""A table that plays every role at once, with and without missing cells: one analysis by Beam for many tests."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from .months import month  # noqa: F401  a fixture

NONE = None
FLOATS = [3.5, NONE, -1.0, 8.25, NONE, 0.0, 12.5, 7.0, 3.5, NONE, 41.0, 2.0]
COUNTS = [3, NONE, 1, 8, NONE, 0, 12, 7, 3, NONE, 2**40, 2]
WORDS = ["red", "green", NONE, "red", "Zürich\n8001", "red", NONE, "green", "blue", "red", NONE, "yellow"]
CODES = [98_103, NONE, 98_101, 98_103, NONE, -7, 98_103, 98_101, 1, 98_103, NONE, 98_101]
DATES = ["2014-05-02", NONE, "2015-12-31", "2016-02-29", NONE, "1969-07-20", *["2014-05-02T10:30"] * 5, "2000-01-01"]
WHOLE = [float(7 * number % 12) for number in range(12)]
NAMES = ["b", "b", "b", "b", "a", "a", "a", "d", "c", "d", "c", "Zürich"]
NOTES = [
    "Bright, BRIGHT kitchen",
    "",
    "two-car garage; bright",
    None,
    "ÉTAGÈRE été 2014",
    "e\u0301tage\u0300re",
    "!!! ...",
    "kitchen\nnew kitchen",
    "日本 家",
    "new",
    None,
    "bright kitchen",
]


def picture(number):
    """Return one of twelve images as PNG or JPEG: of mixed sizes; grey, colour, palette, alpha and 16 bit."""
    random = np.random.default_rng(number)
    mode = ["L", "RGB", "RGBA", "P", "LA", "I;16", "1", "RGB", "L", "RGB", "L", "RGB"][number]
    sizes = [(6, 5), (9, 7), (5, 6), (3, 3), (6, 5), (6, 5), (12, 11), (40, 30), (1, 1), (6, 5), (7, 2), (2, 9)]
    height, width = sizes[number]
    if mode == "I;16":
        image = Image.fromarray(random.integers(0, 65_536, (height, width)).astype(np.uint16))
    else:
        image = Image.fromarray(random.integers(0, 256, (height, width, 3)).astype(np.uint8)).convert(mode)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG" if number == 7 else "PNG")
    return encoded.getvalue()


PICTURES = [picture(number) for number in range(12)]

TABLE = {
    "area": WHOLE,
    "lot": [2.0**number - 1 for number in range(12)],
    "rooms": list(range(1, 13)),
    "far": [20_000_000 + number for number in range(12)],
    "same": [0.1] * 12,
    "low": [-5.0, 2.0, *[1.0] * 10],
    "raw": [1.5 - number for number in range(12)],
    "share": [0.7, 0.1, 0.2, 0.7, 0.9, 0.6999, 0.1, 0.3, 0.4, 0.5, 0.6, 1.0],
    "name": NAMES,
    "zip": [98_103] * 5 + [98_101] * 4 + [98_102] * 3,
    "a.b": NAMES,
    "a_b": list(reversed(NAMES)),
    "colour": ["red", "yellow", "green", "blue"] * 3,
    "size": ["S", "XL", "M", "L"] * 3,
    "day": [f"2014-{number:02d}-15T000000" for number in range(1, 13)],
    **{f"age_{rule}": FLOATS for rule in ("mean", "median", "constant", "log", "min_max", "unit", "clip", "as_is")},
    "age_bucket_mean": FLOATS,
    "age_own": FLOATS,
    "age_edges": FLOATS,
    "count_mean": COUNTS,
    "count_edges": COUNTS,
    **{f"word_{rule}": WORDS for rule in ("own", "red", "given", "order", "hash", "hash_red", "embedded", "no_oov")},
    **{f"code_{rule}": CODES for rule in ("own", "stand_in", "hash", "embedded")},
    "born": DATES,
    **{f"note_{rule}": NOTES for rule in ("count", "binary", "tfidf")},
    "photo": PICTURES,
    "image": PICTURES,
    "price": [100.0 * (number + 1) for number in range(12)],
    "times": [number % 3 for number in range(12)],
}
FEATURES = {
    "numeric": [
        {"column": "area"},
        {"column": "lot", "scale": "log1p"},
        {"column": "rooms", "scale": "min_max"},
        {"column": "far"},
        {"column": "same"},
        {"column": "low", "scale": "unit"},
        {"column": "raw", "scale": "none", "clip": [-3.0, 1.0]},
        {"column": "age_mean", "missing": "mean"},
        {"column": "age_median", "missing": "median"},
        {"column": "age_constant", "missing": -1.0, "scale": "none"},
        {"column": "age_log", "missing": "mean", "scale": "log1p"},
        {"column": "age_min_max", "missing": 0.0, "scale": "min_max"},
        {"column": "age_unit", "missing": "median", "scale": "unit"},
        {"column": "age_clip", "missing": "mean", "scale": "none", "clip": [0.0, 10.0]},
        {"column": "count_mean", "missing": "mean", "scale": "log1p"},
    ],
    "passthrough": [{"column": "share"}, {"column": "age_as_is", "missing": "median"}],
    "bucketized": [
        {"column": "area", "quantiles": 4},
        {"column": "share", "edges": [0.1, 0.7]},
        {"column": "age_bucket_mean", "quantiles": 3, "missing": "mean"},
        {"column": "age_own", "quantiles": 3, "missing": "category"},
        {"column": "age_edges", "edges": [0.0, 10.0], "missing": 99.0},
        {"column": "count_edges", "edges": [2, 2**40], "missing": "category"},
        {"column": "raw", "edges": [0], "input": False},
    ],
    "categorical": [
        {"column": "name", "min_frequency": 2, "oov": 3},
        {"column": "zip"},
        {"column": "a.b"},
        {"column": "a_b", "vocabulary_size": 2},
        {"column": "colour", "categories": ["red", "yellow", "green"]},
        {"column": "size", "categories": ["S", "M", "L"], "encode": "ordinal"},
        {"column": "word_own", "missing": "category"},
        {"column": "word_red", "missing": "red"},
        {"column": "word_given", "missing": "category", "categories": ["red", "green"], "oov": 2},
        {"column": "word_order", "missing": "green", "categories": ["red", "green"], "encode": "ordinal"},
        {"column": "word_no_oov", "missing": "category", "oov": 0, "vocabulary_size": 2},
        {"column": "code_own", "missing": "category"},
        {"column": "code_stand_in", "missing": 98_101},
    ],
    "hashed": [
        {"column": "name", "buckets": 7},
        {"column": "zip", "buckets": 5, "dimension": 2},
        {"column": "word_hash", "buckets": 4, "missing": "category"},
        {"column": "word_hash_red", "buckets": 4, "missing": "red"},
        {"column": "code_hash", "buckets": 4, "missing": "category"},
    ],
    "embedded": [
        {"column": "name", "dimension": 3, "vocabulary_size": 2},
        {"column": "word_embedded", "dimension": 2, "missing": "category", "oov": 2},
        {"column": "code_embedded", "dimension": 2, "missing": "98103"},
    ],
    "crossed": [
        {"columns": ["area", "share"], "buckets": 12},
        {"columns": ["age_own", "raw"], "buckets": 8},
        {"columns": ["word_own", "area"], "buckets": 1000},
        {"columns": ["area", "raw"], "product": True},
        {"columns": ["age_mean", "age_clip", "share"], "product": True},
    ],
    "text": [
        {"column": "note_count", "ngrams": 2, "vocabulary_size": 6, "missing": "bright new"},
        {"column": "note_binary", "vocabulary_size": 40, "weight": "binary", "missing": ""},
        {"column": "note_tfidf", "ngrams": 2, "vocabulary_size": 40, "weight": "tfidf", "missing": "kitchen"},
        {"column": "name", "vocabulary_size": 3},
    ],
    "image": [{"height": 6, "width": 5}, {"column": "photo", "height": 4, "width": 8, "channels": 3}],
    "date": [
        {"column": "day", "parts": ["year", "month", "day", "day_of_week", "days"]},
        {"column": "born", "parts": ["year", "month", "days"], "missing": "2000-06-15"},
    ],
}
SECTIONS = {
    "features": FEATURES,
    "label": {"column": "price", "transform": "log"},
    "columns": {"weight": "times"},
}


@pytest.fixture(scope="session")
def table():
    """The table as columns."""
    return TABLE


@pytest.fixture(scope="session")
def everything(tmp_path_factory, analyze, pack):
    """The table's transformation: `graph`, `batch` (transformed rows), `table`, `sections`, `outputs` by name."""
    import tensorflow as tf
    import tensorflow_transform as tft

    from models.roles import Features

    folder = tmp_path_factory.mktemp("everything")
    graph_folder = analyze(folder, TABLE, pack(**SECTIONS), examples=folder / "transformed")
    graph = tft.TFTransformOutput(graph_folder)
    records = list(tf.data.TFRecordDataset(str(folder / "transformed"), "GZIP"))
    parsed = tf.io.parse_example(tf.stack(records), graph.transformed_feature_spec())
    return SimpleNamespace(
        graph=graph,
        batch={name: value.numpy() for name, value in parsed.items()},
        table=TABLE,
        raw=folder / "raw.gz",
        sections=SECTIONS,
        outputs={output.name: output for output in Features.model_validate(FEATURES).outputs()},
    )
