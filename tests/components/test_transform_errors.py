"""A failed transformation names the column, or the line of the user's own function."""

import importlib.util
import sys
from dataclasses import replace

import PIL.Image
import pytest
import tensorflow as tf

from components.transformation import transform_errors
from components.transformation.transform_errors import Subject
from errors import UserError
from models.transform_graph import raw_columns
from models.transform_graph.images import image_decoding
from models.transform_graph.preprocessing import TransformConfig

from ..picture_files import deep, encoded

SUBJECT = Subject.of(
    TransformConfig.model_validate(
        {"features": {"image": [{"column": "photo", "height": 2, "width": 2}]}, "label": {"column": "y"}}
    )
)


def failing(function, *arguments):
    """The error of a graph, as Beam passes it on."""
    try:
        tf.function(function)(*arguments)
    except Exception as error:
        wrapped = RuntimeError(f"{error} [while running 'Transform']")
        wrapped.__cause__ = error
        return wrapped
    raise AssertionError("nothing failed")


def test_a_column_is_named_with_what_it_holds():
    value = tf.constant([[2.0], [-3.5]])
    error = failing(lambda cell: raw_columns.require(cell, cell > 0, "Größe's", "must be above 0"), value)

    explanation = transform_errors.explain(error, SUBJECT)
    assert isinstance(explanation, UserError)
    assert str(explanation).startswith("column \"Größe's\" must be above 0; it holds '-3.5'. Fix or exclude such rows")


def decode(encoded):
    return image_decoding.decode(encoded, (2, 2), 1, column="photo")


def test_a_broken_picture_is_named():
    error = failing(decode, tf.constant([[b"\x89PNG\r\n\x1a\n rest"]]))

    assert "column 'photo' holds a broken image (Invalid PNG" in str(transform_errors.explain(error, SUBJECT))


@pytest.mark.parametrize(("identifier", "row_name"), [("file", "in cat/2.png"), (None, "in row 2 of train")])
def test_a_broken_picture_is_named_by_its_file_or_row(identifier, row_name):
    def row(content, file):
        features = {"photo": content, "file": file}
        lists = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for key, value in features.items()}
        return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString()

    deep_ = encoded(PIL.Image.fromarray(deep()), "PNG")
    broken = deep_[:-40]
    error = failing(decode, tf.constant([[deep_], [broken]]))
    records = [("row 1 of train", row(deep_, b"cat/1.png")), ("row 2 of train", row(broken, b"cat/2.png"))]

    assert row_name in str(transform_errors.explain(error, replace(SUBJECT, identifier=identifier), iter(records)))


def test_a_sentence_of_models_is_for_the_user():
    sparse = tf.sparse.from_dense([[1.0]])
    with pytest.raises(ValueError, match="column 'age' may be missing") as caught:
        raw_columns.read(sparse, "age", None)

    assert str(transform_errors.explain(caught.value, SUBJECT)) == str(caught.value)


def test_the_error_names_the_line_of_the_user_s_function(tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    path.write_text("def preprocessing_fn(inputs, custom_config):\n    return {'x': inputs['z']}\n")
    spec = importlib.util.spec_from_file_location("mine", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "mine", module)
    with pytest.raises(KeyError) as caught:
        module.preprocessing_fn({}, {})

    explanation = transform_errors.explain(caught.value, replace(SUBJECT, preprocessing="mine.preprocessing_fn"))
    assert str(explanation).startswith("mine.preprocessing_fn failed: KeyError: 'z' (")
    assert str(explanation).endswith("mine.py, line 2)")


def test_any_other_error_stays_as_it_is():
    assert transform_errors.explain(ValueError("column 'age' is odd"), SUBJECT) is None
    assert transform_errors.explain(OSError("disk"), replace(SUBJECT, preprocessing="nowhere.function")) is None
