import pytest

import project
from errors import UserError
from pipeline import user_code
from pipeline.config import Config


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    (tmp_path / "mine.py").write_text("import tensorflow_of_mars\n\ndef preprocessing_fn(inputs, _):\n    ...\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "__init__.py").write_text("from deep.inner import build as make\nshort = make\n")
    (tmp_path / "broken.py").write_text("x = 1\ndef f(:\n")
    return tmp_path


@pytest.mark.parametrize("path", ["mine.preprocessing_fn", "deep.make", "deep.short"])
def test_a_function_is_found_without_importing_its_module(repository, path):
    user_code.check_function(path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("preprocessing_fn", "'preprocessing_fn' must name a module and a function in it"),
        ("other.preprocessing_fn", "names the module other, but there is no file other.py in /"),
        ("mine.preprocesing_fn", "mine.py defines no 'preprocesing_fn'. Did you mean 'preprocessing_fn'?"),
        ("deep.gone", "__init__.py defines no 'gone'"),
        ("broken.f", "broken.py, line 2: this is not Python"),
    ],
)
def test_what_is_not_there_is_named(repository, path, message):
    with pytest.raises(UserError) as caught:
        user_code.check_function(path)
    assert message in str(caught.value)


LEAST = {"data": {"path": "a.csv"}, "label": {"column": "y"}}


def test_features_may_be_left_out_beside_a_function(repository):
    config = Config.model_validate({**LEAST, "preprocessing": "mine.preprocessing_fn", "features": {"ignored": ["id"]}})

    assert config.plain("preprocessing") == {"preprocessing": "mine.preprocessing_fn"}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({}, "features: name a column under a role, or compute the features in a custom preprocessing function"),
        ({"features": {"ignored": ["id"]}}, "features: name a column under a role"),
        (
            {"preprocessing": "mine.preprocessing_fn", "features": {"numeric": [{"column": "a"}]}},
            "features.numeric has no effect with preprocessing: remove one of the two",
        ),
        ({"preprocessing": "mine.other"}, "mine.py defines no 'other'"),
    ],
)
def test_features_come_from_one_place(repository, sections, message):
    with pytest.raises(ValueError, match=message):
        Config.model_validate({**LEAST, **sections})
