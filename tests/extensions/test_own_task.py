"""The example task, as a file of a project outside the tree, from config to served predictions and metrics."""

import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

import project
from components.evaluator import metric_catalog
from components.fingerprints import code_digest
from components.trainer import trainer
from pipeline.config import Config
from spec.columns import task as tasks
from spec.columns.label import Label

EXAMPLE = pathlib.Path(__file__).parent / "my_task.py"
HOURS = np.tile(np.arange(24.0), 20)
RATE = np.exp(1 + np.cos(HOURS / 24 * 2 * np.pi))
TABLE = {"hour": HOURS.tolist(), "calls": np.random.default_rng(1).poisson(RATE).astype(float).tolist()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project with my_task.py."""
    shutil.copy(EXAMPLE, tmp_path)
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("my_task", None)


def config(label=None, **sections):
    return Config.model_validate(
        {
            "data": {"path": "data/x.csv"},
            "features": {"bucketized": [{"column": "hour", "quantiles": 8}]},
            "label": {"column": "calls", "task": "my_task", **(label or {})},
            "training": {"epochs": 60, "batch_size": 32, "optimizer": {"learning_rate": 0.02}},
            "evaluation": {"metrics": ["my_task.poisson_deviance"], "floor": {"poisson_deviance": 1.3}},
            **sections,
        }
    )


def test_own_task_is_trained_exported_and_served_without_its_module(folder, train, tmp_path):
    base = tmp_path / "run"
    train(config(), TABLE, base)
    measure = metric_catalog.measure("my_task", None, own=["my_task.poisson_deviance"])
    del sys.modules["my_task"]
    (folder / "my_task.py").unlink()
    served = tf.saved_model.load(str(base / "model")).signatures["serving_default"]
    prediction = served(hour=tf.constant(HOURS, tf.float32))["prediction"].numpy()

    assert (prediction > 0).all()
    # The output is the logarithm of the rate, so that predictions near the true rate show loss, unit and answer.
    assert np.abs(prediction - RATE).mean() < 0.7
    numbers, _ = measure.rows(np.array(TABLE["calls"]), {"prediction": prediction})
    assert 0.5 < numbers[:, -1].mean() < 1.5
    assert "my_task" not in sys.modules


def test_own_task_has_the_metrics_of_its_kind_and_those_that_name_it(folder):
    config()
    names = metric_catalog.names("my_task", ["my_task.poisson_deviance"])

    assert {"mae", "rmse", "r2", "poisson_deviance"} <= set(names)
    with pytest.raises(ValidationError, match=r"accuracy.* is unknown for task my_task"):
        config(evaluation={"floor": {"accuracy": 0.5}})


def test_own_task_is_part_of_the_code_of_the_trainer(folder):
    from tfx.types import standard_artifacts
    from tfx.types.channel import Channel

    def digest():
        node = trainer(
            examples=Channel(type=standard_artifacts.Examples),
            transform_graph=Channel(type=standard_artifacts.TransformGraph),
            schema=Channel(type=standard_artifacts.Schema),
            config=config().plain("features", "label", "columns", "network", "training"),
        )
        return code_digest.of_parameters({"custom_config": node.exec_properties["custom_config"]})

    parameters = digest()
    (folder / "my_task.py").write_text(EXAMPLE.read_text() + "\n\nSALT = 1\n")

    assert "my_task" in parameters["modules"]
    assert digest()["sources"] != parameters["sources"]
    assert "my_task" in config().user_modules()


@pytest.mark.parametrize(
    ("change", "label", "message"),
    [
        (
            ("def target", "def goal"),
            {},
            r"my_task\.py defines no 'target': a task defines TASK, target, as",
        ),
        (
            ("import numpy as np", "import numpy as np\nimport keras"),
            {},
            r"my_task\.py, line 17: imports keras at the top, but configs are read without it: import it inside target",
        ),
        (("TASK = Task(", "TASK = dict("), {}, "my_task: TASK is not a Task of spec.columns.task"),
        (("", ""), {"task": "my_taks"}, "task 'my_taks' is not one of regression, binary, classes, anomaly, clusters"),
        (("", ""), {"task": "regression_"}, "Did you mean 'regression'"),
        (("", ""), {"task": "other.my_task"}, "names the module other.my_task, but there is no file other/my_task.py"),
        (("", ""), {"transform": "log"}, "transform has no effect with task 'my_task': remove it"),
        (("", ""), {"column": None}, "task 'my_task' needs column"),
    ],
)
def test_wrong_task_is_an_error_that_names_what_is_expected(folder, change, label, message):
    old_text, new_text = change
    (folder / "my_task.py").write_text(EXAMPLE.read_text().replace(old_text, new_text, 1))
    with pytest.raises(ValidationError, match=message):
        config(label)


def test_loss_of_another_task_is_refused(folder):
    with pytest.raises(ValidationError, match=r"training\.loss 'mse' does not fit task 'my_task': poisson"):
        config(training={"loss": "mse"})


def test_labels_that_do_not_fit_are_an_error_before_training(folder):
    label = config().label
    with pytest.raises(ValueError, match="label 'calls': a number of events is 0 or more"):
        tasks.load("my_task").target(label, np.array([[1.0], [-1.0]]), None, "poisson")


def test_every_file_of_models_tasks_is_a_task_that_needs_no_tensorflow():
    code = (
        "import sys; from spec.columns import task; "
        "assert all(callable(task.load(name).target) for name in task.shipped()); print(*task.shipped()); "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], cwd=project.REPOSITORY, capture_output=True, text=True, check=False
    )

    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.split() == ["regression", "binary", "classes", "anomaly", "clusters"]


@pytest.mark.parametrize("name", tasks.shipped())
def test_keys_of_tasks_are_keys_of_label(name):
    assert set(tasks.find(name).label_keys) <= set(Label.model_fields)
