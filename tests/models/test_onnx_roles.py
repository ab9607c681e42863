import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from models.export.signatures import Served, input_names
from models.onnx_export.conversion import NotConvertibleError
from models.roles import Features
from models.transform_graph import served_cells, tokenizer
from models.transform_graph.loaded_graph import TransformGraph
from serving import onnx_model
from spec.artifacts import signature_names
from spec.cells.cleaning import Cleaning, Rules
from spec.cells.date_format import DateFormat
from spec.columns.label import Label

from .conftest import FEATURES
from .onnx_pairs import Pair

NULLS = {tf.float32: float("nan"), tf.int64: tf.int64.min, tf.string: ""}
REFUSED = {
    "hash": (lambda name: tf.strings.to_hash_bucket_fast(name, 7), "hash buckets, of the role hashed"),
    "text": (lambda name: tf.strings.ngrams(tokenizer.split(name), [1]).flat_values, "the role text"),
    "image": (lambda name: tf.map_fn(tf.io.decode_image, name, tf.uint8), "a loop, as the role image has"),
    "decimal": (lambda name: tf.strings.as_string(tf.strings.to_number(name)), "decimal numbers as text"),
}
HASHED = (("word_own", "area"), "name", "word_given", "word_embedded")
"""Columns of a cross that is hashed, and those with several buckets for unknown values."""


def expressible(features):
    """Leave out of [features] what ONNX cannot express."""
    entries_of_role = {name: entries for name, entries in features.items() if name not in ("hashed", "text", "image")}
    return {
        name: [entry for entry in entries if (tuple(entry.get("columns", ())) or entry["column"]) not in HASHED]
        for name, entries in entries_of_role.items()
    }


CLEANING = Cleaning(
    strip=True,
    null_values=("", "NA", "?"),
    of_column={"age_mean": ("-999",)},
    fold_case=("word_own", "name"),
    dates={"born": "DD.MM.YYYY"},
)


@pytest.fixture(scope="module")
def transformed(tmp_path_factory, table, analyze, pack):
    """The transform graph of all roles that ONNX can express, their features, and the columns' types."""
    features = Features.model_validate(expressible(FEATURES))
    columns = {name: table[name] for name in (*features.columns(), "price")}
    folder = tmp_path_factory.mktemp("expressible")
    sections = {"features": expressible(FEATURES), "label": {"column": "price"}}
    graph = tft.TFTransformOutput(analyze(folder, columns, pack(**sections)))
    spec = graph.raw_feature_spec()
    return TransformGraph(graph), features, {name: spec[name] for name in features.columns()}


@pytest.fixture(scope="module")
def typed(transformed):
    """Both forms of the transform graph on cleaned cells, and the names of its inputs."""
    graph, features, raw = transformed
    served = Served(
        network=None,
        transform=graph,
        answer=None,
        raw_spec=raw,
        label=Label(column="price"),
        label_spec=None,
        class_names=None,
        features=[output.name for output in features.outputs()],
        cleaning=CLEANING,
    )
    names = input_names(raw)

    def by_column(**x):
        features = served.model_features(served._all_parsed({names[name]: cells for name, cells in x.items()}))
        return {f"made_{name}": tf.ensure_shape(value, [None, 1]) for name, value in features.items()}

    return Pair(
        by_column, {name: tf.TensorSpec([None], raw[column].dtype, name) for name, column in names.items()}
    ), names


@pytest.fixture(scope="module")
def rows(transformed, table):
    """Return a function of a column to its cells, nulls as a served row has them."""
    _, _, raw = transformed

    def make(column):
        return [NULLS[raw[column].dtype] if cell is None else cell for cell in table[column]]

    return make


def test_all_roles_give_the_same_in_onnx(typed, rows):
    models, names = typed

    models.check_equal(**{name: rows(column) for name, column in names.items()})


def test_nulls_blanks_and_unseen_texts_give_the_same_in_onnx(typed, rows, transformed):
    models, names = typed
    _, _, spec = transformed
    cells = {
        tf.string: [
            "",
            " ",
            "NA",
            "?",
            " red\u00a0",
            "RED",
            "ΟΔΟΣ",
            "İ",
            "never seen",
            "東京 ☃",
            "two\nlines",
            "Zürich 8001",
        ],
        tf.int64: [-1, 0, 2**40, tf.int64.max, tf.int64.min, *range(7)],
        tf.float32: [float("nan"), float("inf"), -float("inf"), -999.0, 0.7, 3e38, *map(float, range(6))],
    }
    dates = ["", "NA", " 2024-02-29 ", "29.02.2024", "1.2.1999", *["2014-05-02T10:30"] * 7]
    inputs = {}
    for name, column in names.items():
        nullable = isinstance(spec[column], tf.io.VarLenFeature)
        inputs[name] = (dates if column == "born" else cells[spec[column].dtype]) if nullable else rows(column)

    models.check_equal(**inputs)


def test_a_row_that_tensorflow_refuses_is_refused_with_its_column_and_the_others_are_not(typed, rows):
    models, names = typed
    inputs = {name: list(rows(column)) for name, column in names.items()}
    inputs["area"][3], inputs["day"][5], inputs["born"][7] = float("inf"), "2014-13-15", "yesterday"

    with pytest.raises(tf.errors.InvalidArgumentError):
        models.tensorflow(**inputs)
    actual = models.onnx(**inputs)

    errors = actual.pop(signature_names.ERROR)
    assert np.flatnonzero(errors).tolist() == [3, 5, 7]
    texts = [models.messages[number - 1] for number in errors[[3, 5, 7]]]
    assert [text.split("'")[1] for text in texts] == ["area", "day", "born"]
    good = [row for row in range(12) if not errors[row]]
    expected = models.tensorflow(**{name: [cells[row] for row in good] for name, cells in inputs.items()})
    for name, value in expected.items():
        assert onnx_model.same(value, actual[name][good]), name


@pytest.mark.parametrize("case", REFUSED)
def test_what_onnx_cannot_express_is_named_with_its_column(case):
    function, message = REFUSED[case]

    with pytest.raises(NotConvertibleError, match=f"^column 'name': ONNX cannot express {message}"):
        Pair(lambda **columns: {"y": function(columns["name"])}, {"name": tf.TensorSpec([None], tf.string, "name")})


@pytest.mark.parametrize("form", ["epoch_ms", "excel_days", "DD MON YYYY", "YYYY\u5e74MM\u6708DD\u65e5"])
def test_dates_are_read_alike_in_onnx(form):
    rules = Rules(True, ("",), date=DateFormat(form))
    read = Pair(
        lambda **columns: {"y": served_cells.column(columns["day"], rules)},
        {"day": tf.TensorSpec([None, 1], tf.string, "day")},
    )

    texts = ["45296", "45296.5625", "+45296.", "1704461400250", "5 de enero de 2024 13h30", "2024-01-05", "", "-1"]
    texts += ["2024\u5e743\u67085\u65e5\uff08\u706b\uff09 8\u664230\u5206", "3rd March 2024"]
    read.check_equal(day=[[text] for text in texts])


def test_a_column_with_the_name_of_an_output_is_refused():
    with pytest.raises(NotConvertibleError, match="column 'error': ONNX cannot express an input and an output"):
        Pair(lambda **x: {"y": x["error"]}, {"error": tf.TensorSpec([None], tf.float32, "error")})


def test_operators_for_text_that_cannot_be_loaded_are_an_error(tmp_path, monkeypatch):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").touch()
    (tmp_path / "broken" / "_extensions_pydll.so").write_bytes(b"no library")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(onnx_model, "_OPERATORS", "broken")

    with pytest.raises(ValueError, match=r"^the package onnxruntime-extensions cannot be loaded: .*_pydll\.so"):
        Pair(
            lambda **x: {"y": tf.strings.regex_replace(x["name"], "a", "b")},
            {"name": tf.TensorSpec([None], tf.string, "name")},
        )
