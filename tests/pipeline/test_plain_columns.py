"""What a column is to a plain model, by its roles."""

import pytest

from pipeline import plain_columns
from pipeline.config import Config

COLUMNS = {"i": "INT", "f": "FLOAT", "b": "BYTES", "t": "BYTES", "d": "BYTES", "y": "FLOAT", "w": "FLOAT"}


def kinds(**sections):
    config = Config.model_validate({"data": {"path": "x.csv"}, "label": {"column": "y"}, **sections})
    return plain_columns.kinds(config, COLUMNS)


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"numeric": [{"column": "i"}, {"column": "f"}]}, {"i": "number", "f": "number"}),
        ({"categorical": [{"column": "i"}, {"column": "b"}]}, {"i": "category", "b": "category"}),
        ({"numeric": [{"column": "i"}], "categorical": [{"column": "i"}]}, {"i": "number"}),
        ({"bucketized": [{"column": "i", "quantiles": 3}]}, {"i": "number"}),
        ({"hashed": [{"column": "b", "buckets": 8}], "text": [{"column": "b"}]}, {"b": "category"}),
        ({"date": [{"column": "d"}]}, {"d": "date"}),
        ({"passthrough": [{"column": "f"}]}, {"f": "number"}),
    ],
)
def test_the_kind_follows_roles_and_type(features, expected):
    assert kinds(features=features) == (expected, [])


def test_texts_are_left_out():
    assert kinds(features={"text": [{"column": "t"}], "numeric": [{"column": "f"}]}) == ({"f": "number"}, ["t"])
    assert kinds(features={"text": [{"column": "t"}]}) == ({}, ["t"])


def test_images_are_left_out():
    image = {"image": [{"column": "b", "height": 8, "width": 8}]}
    assert kinds(features={**image, "numeric": [{"column": "f"}]}) == ({"f": "number"}, ["b"])
    assert kinds(features=image) == ({}, ["b"])


def test_columns_of_a_preprocessing_function_go_by_their_type(tmp_path, monkeypatch):
    import project

    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    (tmp_path / "my_own.py").write_text("def preprocessing_fn(inputs):\n    return inputs\n")
    by_column, left_out = kinds(preprocessing="my_own.preprocessing_fn", columns={"weight": "w"})
    assert by_column == {"i": "number", "f": "number", "b": "category", "t": "category", "d": "category"}
    assert left_out == []
