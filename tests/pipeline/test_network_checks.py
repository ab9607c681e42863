import pytest
from pydantic import ValidationError

import project
from pipeline import config

LEAST = {
    "data": {"path": "data/x.csv"},
    "features": {"numeric": [{"column": "a"}]},
    "label": {"column": "y"},
}
SOLD = {"column": "y", "task": "binary", "positive": "yes"}
ODD = {"column": "y", "task": "anomaly", "positive": "yes"}
GROUPS = {"task": "clusters"}
PHOTO = {"image": [{"height": 4, "width": 6}]}


def make(**sections):
    return config.Config.model_validate({**LEAST, **sections})


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"network": {"name": "autoencoder"}},
            "autoencoder does not fit task 'regression': use cnn or linear or mlp",
        ),
        ({"network": {"name": "kmeans"}}, "kmeans does not fit task 'regression'"),
        ({"network": {"name": "perceptron"}}, "perceptron does not fit task 'regression'"),
        ({"label": ODD}, "mlp does not fit task 'anomaly': use autoencoder"),
        ({"label": GROUPS}, "mlp does not fit task 'clusters': use kmeans"),
        ({"network": {"name": "cnn"}}, r"cnn needs one column under features\.image, found 0"),
        (
            {"network": {"name": "cnn", "blocks": [{"filters": 1, "pool": 3}]}, "features": PHOTO},
            r"cnn blocks\.0 leaves nothing of an image of \(4, 6\) pixels",
        ),
        ({"network": {"name": "wide_deep"}}, "wide_deep has no wide part: name columns under categorical"),
        (
            {"network": {"name": "wide_deep"}, "features": {"bucketized": [{"column": "a", "quantiles": 3}]}},
            "wide_deep has no deep part: name columns under numeric",
        ),
        (
            {"network": {"name": "kmeans"}, "label": GROUPS, "training": {"optimizer": {"learning_rate": 0.1}}},
            r"training\.optimizer has no effect with network 'kmeans'.*no gradients.*epochs, seed, warm_start",
        ),
        (
            {"network": {"name": "perceptron"}, "label": SOLD, "training": {"batch_size": 4}},
            r"training\.batch_size",
        ),
        ({"training": {"loss": "focal"}}, r"training\.loss 'focal' does not fit task 'regression'"),
        ({"network": {"name": "mpl"}}, "name 'mpl' is not one of .*Did you mean 'mlp'?"),
        ({"network": {"name": "errors.nothing"}}, r"errors\.py defines no 'nothing'"),
        ({"network": {"name": "no_such.build"}}, r"there is no file no_such\.py in /"),
        ({"network": 3}, "valid dictionary"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_by_name(sections, message):
    with pytest.raises(ValidationError, match=message):
        make(**sections)


@pytest.mark.parametrize(
    "sections",
    [
        {"network": {"name": "autoencoder"}, "label": ODD},
        {"network": {"name": "kmeans"}, "label": GROUPS, "training": {"epochs": 5}},
        {"network": {"name": "perceptron"}, "label": SOLD},
        {
            "network": {"name": "cnn"},
            "features": {"image": [{"height": 8, "width": 8}], "numeric": [{"column": "a"}]},
        },
    ],
)
def test_a_network_that_fits_is_taken(sections):
    assert make(**sections).network["name"] == sections["network"]["name"]


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Writes my_net.py into a repository of its own."""
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    return lambda text: (tmp_path / "my_net.py").write_text(text)


def test_your_own_network_is_named_alone_or_with_its_settings(write_module):
    write_module(
        "import tensorflow_that_is_not_there\n\n\ndef build(features, settings):\n    return features.vector\n"
    )

    assert make(network="my_net.build").network == {"name": "my_net.build"}
    assert make(network={"name": "my_net.build", "units": 3}).network == {"name": "my_net.build", "units": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def build(features, settings)\n    pass\n", r"my_net\.py, line 1: this is not Python: expected"),
        ("def biuld(features, settings):\n    pass\n", r"my_net\.py defines no 'build'. Did you mean 'biuld'?"),
    ],
)
def test_your_own_network_that_is_not_there_is_refused_with_its_line(write_module, text, message):
    write_module(text)
    with pytest.raises(ValidationError, match=message):
        make(network="my_net.build")


def test_your_own_network_fits_labelled_tasks(write_module):
    write_module("def build(features, settings):\n    return features.vector\n")
    with pytest.raises(ValidationError, match="a custom network does not fit task 'clusters': use kmeans"):
        make(network="my_net.build", label=GROUPS)
