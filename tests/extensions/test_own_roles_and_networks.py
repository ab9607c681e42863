"""The example role and network, as files of a project outside the tree, from config to served predictions."""

import pathlib
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from pydantic import ValidationError

import project
from components.fingerprints import code_digest
from components.transformation.component import transformation
from models import roles
from orchestration.preflight import user_imports
from pipeline.config import Config

EXAMPLES = pathlib.Path(__file__).parent
HOURS = [float(hour) for hour in range(24)] * 2
TABLE = {"hour": HOURS, "area": [1.0, 2.0, 3.0] * 16, "price": [float(10 + np.cos(hour / 24 * 6.28)) for hour in HOURS]}
ROLE = "my_folder.my_role"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project with my_folder/my_role.py and my_network.py."""
    (tmp_path / "my_folder").mkdir()
    shutil.copy(EXAMPLES / "my_role.py", tmp_path / "my_folder")
    shutil.copy(EXAMPLES / "my_network.py", tmp_path)
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    forget()


def forget():
    """Unload the modules of the project."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("my_folder", "my_network", "my_role")]:
        del sys.modules[name]


def config(role=ROLE, entry=None, **sections):
    entries = [{"column": "hour", "period": 24}] if entry is None else [entry]
    return Config.model_validate(
        {
            "data": {"path": "data/x.csv"},
            "features": {role: entries, "numeric": [{"column": "area"}]},
            "label": {"column": "price"},
            "network": {"name": "my_network.build", "units": 8},
            "training": {"epochs": 3, "batch_size": 8},
            **sections,
        }
    )


def test_own_role_and_network_are_trained_exported_and_served_without_their_modules(folder, train, tmp_path):
    base = tmp_path / "run"
    graph = train(config(), TABLE, base)
    records = list(tf.data.TFRecordDataset(str(base / "transformed.gz"), "GZIP"))
    rows = tf.io.parse_example(tf.stack(records), tft.TFTransformOutput(graph).transformed_feature_spec())
    np.testing.assert_allclose(rows["hour_cos"].numpy()[:, 0], np.cos(2 * np.pi * np.array(HOURS) / 24), atol=1e-6)

    forget()
    shutil.rmtree(folder / "my_folder")
    (folder / "my_network.py").unlink()
    served = tf.saved_model.load(str(base / "model")).signatures["serving_default"]
    prediction = served(hour=tf.constant(HOURS), area=tf.constant(TABLE["area"]))["prediction"].numpy()

    assert np.ptp(prediction) > 0
    assert not [name for name in sys.modules if name.startswith("my_")]


def test_features_of_own_roles_follow_those_of_models_features(folder):
    assert [output.name for output in config().features.outputs()] == ["area", "hour_sin", "hour_cos"]
    assert config().features.modules() == ["models.features.numeric", ROLE]


def test_role_at_the_top_of_the_project_needs_no_dot(folder):
    shutil.move(folder / "my_folder/my_role.py", folder)

    assert len(config(role="my_role").features.of("my_role")) == 1


def test_own_role_is_part_of_the_code_of_transformation_and_training(folder, pack):
    def digest():
        node = transformation(
            examples=_channel("Examples"),
            schema=_channel("Schema"),
            config=config().plain("features", "label", "columns", "preprocessing"),
        )
        return code_digest.of_parameters(node.exec_properties)

    parameters = digest()
    file = folder / "my_folder/my_role.py"
    file.write_text(file.read_text() + "\n\nSALT = 1\n")

    assert ROLE in parameters["modules"]
    assert digest()["sources"] != parameters["sources"]
    assert ROLE in config().user_modules()


def _channel(name):
    from tfx.types import standard_artifacts
    from tfx.types.channel import Channel

    return Channel(type=getattr(standard_artifacts, name))


def test_preflight_reads_own_roles(folder):
    file = folder / "my_folder/my_role.py"
    file.write_text(file.read_text().replace("import math", "import maths"))

    assert user_imports.check([ROLE]) == ["my_folder/my_role.py, line 9: there is no module 'maths'"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("def outputs", "def output"),
            r"my_folder/my_role\.py defines no 'outputs': a role defines Settings, outputs",
        ),
        (
            ("import math\n", "import math\nimport tensorflow as tf\n"),
            r"my_role\.py, line 10: imports tensorflow at the top, but configs are read without it: import it inside",
        ),
        (("def transform(", "def transform)"), r"my_role\.py, line 35: this is not Python"),
        (("import math\n", "1 / 0\n"), r"my_folder\.my_role does not import: ZeroDivisionError.*my_role\.py, line 9"),
    ],
)
def test_incomplete_role_is_refused_with_its_line(folder, change, message):
    file = folder / "my_folder/my_role.py"
    file.write_text(file.read_text().replace(*change))
    with pytest.raises(ValidationError, match=message):
        config()


@pytest.mark.parametrize(
    ("role", "entry", "message"),
    [
        ("my_folder.other", {}, "names the module my_folder.other, but there is no file my_folder/other.py"),
        (ROLE, {"column": "hour", "period": 0}, r"(?m)^features\.`my_folder\.my_role`\.0\.period\n.*greater than 0"),
        (ROLE, {"column": "hour", "perod": 24}, r"(?m)^features\.`my_folder\.my_role`\.0\.perod\n  Extra inputs"),
        ("my_roel", {}, r"(?m)^features\.my_roel\n  Extra inputs are not permitted"),
    ],
)
def test_wrong_entry_is_an_error_at_its_place(folder, role, entry, message):
    with pytest.raises(ValidationError, match=message):
        config(role=role, entry=entry)


def test_transform_must_return_the_features_that_outputs_names(folder, analyze, pack, tmp_path):
    file = folder / "my_folder/my_role.py"
    file.write_text(file.read_text().replace('_sin": tf.sin(angle)', '_sine": tf.sin(angle)'))
    sections = config().plain("features", "label")
    with pytest.raises(ValueError, match=r"features\.my_folder\.my_role: transform returned .*hour_sine"):
        analyze(tmp_path / "run", TABLE, pack(**sections))


def test_every_file_of_models_features_is_a_role():
    for name in roles.shipped():
        role = roles.role(name)
        assert issubclass(role.Settings, roles.Role), name
        assert callable(role.outputs), name
        assert callable(role.transform), name
