import json
import math
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from errors import ResourceError, UserError
from orchestration import serving_folders
from orchestration.cli import parser
from orchestration.export import model_export, onnx_export
from serving import onnx_model
from serving.onnx_model import OnnxModel
from spec.file_names import WARM_UP


@pytest.fixture(scope="module")
def root(pushed):
    return str(pushed / "runs")


@pytest.fixture(scope="module")
def exported(root, tmp_path_factory):
    """The pushed model as ONNX files."""
    folder = str(tmp_path_factory.mktemp("onnx") / "rows")
    return model_export.export(root, "rows", "onnx", None, folder)


def test_both_signatures_predict_what_the_saved_model_does(exported, root):
    model = OnnxModel(exported.folder)
    saved = tf.saved_model.load(serving_folders.version(root, "rows", None)[1])
    typed = {
        "size": [3.5, math.nan, -999.0],
        "rooms": [2, -(2**63), 3],
        "area": [1.0, 2.5, 3.0],
        "country": [" ZA ", "", "Zürich"],
    }
    texts = {
        "size": ["+12", "?", "-999"],
        "rooms": [" 2 ", "", "NA"],
        "area": ["1", "7e0", "3"],
        "country": typed["country"],
    }

    for name, rows in (("serving_default", typed), ("serving_rows", texts)):
        signature = model.signatures[name]
        kinds = signature.inputs
        expected = saved.signatures[name](
            **{column: tf.constant(cells, kinds[column]) for column, cells in rows.items()}
        )
        outputs = model.run(name, {column: onnx_model.array(cells, kinds[column]) for column, cells in rows.items()})
        assert outputs.keys() == expected.keys() == {"prediction"}
        assert onnx_model.same(expected["prediction"].numpy(), outputs["prediction"])
    assert exported.version == 7
    assert model.check() == 8


@pytest.mark.parametrize(
    ("name", "column", "cell", "message"),
    [
        ("serving_default", "area", math.inf, "column 'area' must hold finite numbers; it holds inf"),
        ("serving_rows", "rooms", "1.5", "column 'rooms' must hold integers; it holds 1.5"),
        ("serving_rows", "area", "?", "column 'area' must have a value in every row; it holds ?"),
    ],
)
def test_a_row_that_the_saved_model_refuses_is_refused_with_its_cell(exported, name, column, cell, message):
    model = OnnxModel(exported.folder)
    kinds = model.signatures[name].inputs
    sample = {feature: list(cells)[:1] * 2 for feature, cells in model.signatures[name].sample.items()}
    sample[column][1] = cell

    with pytest.raises(onnx_model.RowError, match=f"^{message.replace('?', '[?]')}$") as raised:
        model.run(name, {feature: onnx_model.array(cells, kinds[feature]) for feature, cells in sample.items()})
    assert raised.value.row == 1


@pytest.mark.parametrize("file", [*onnx_model.FILES.values(), onnx_model.MANIFEST])
def test_a_changed_or_missing_file_is_refused(exported, tmp_path, file):
    for name in os.listdir(exported.folder):
        with open(os.path.join(exported.folder, name), "rb") as source:
            (tmp_path / name).write_bytes(source.read())
    OnnxModel(str(tmp_path))
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:-1])
    with pytest.raises(ValueError, match="export the model again"):
        OnnxModel(str(tmp_path))
    (tmp_path / file).unlink()
    with pytest.raises(ValueError, match="export the model again"):
        OnnxModel(str(tmp_path))


def test_the_files_are_read_and_run_without_tensorflow(exported):
    code = (
        "import sys; from serving.onnx_model import OnnxModel; print(OnnxModel(sys.argv[1]).check(), "
        "[name for name in ('tensorflow', 'keras', 'onnx', 'google.protobuf') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code, exported.folder], capture_output=True, text=True, check=True)

    assert run.stdout == "8 []\n"


def test_other_predictions_than_at_the_export_are_noticed(exported, tmp_path):
    for name in os.listdir(exported.folder):
        with open(os.path.join(exported.folder, name), "rb") as source:
            (tmp_path / name).write_bytes(source.read())
    manifest = json.loads((tmp_path / onnx_model.MANIFEST).read_text())
    manifest["signatures"]["serving_default"]["answers"]["prediction"][0] *= 1.001
    (tmp_path / onnx_model.MANIFEST).write_text(json.dumps(manifest))

    with pytest.raises(ValueError, match="prediction of the sample rows is not what it was"):
        OnnxModel(str(tmp_path)).check()


def test_files_that_predict_something_else_are_not_kept(root, tmp_path, monkeypatch):
    run = onnx_model.run

    def shifted(*arguments):
        outputs = run(*arguments)
        outputs["prediction"] = outputs["prediction"] * 1.001
        return outputs

    monkeypatch.setattr(onnx_export.onnx_model, "run", shifted)
    with pytest.raises(ResourceError, match=r"prediction is .*, not .*, for the row .*area="):
        model_export.export(root, "rows", "onnx", None, str(tmp_path / "new"))
    assert not list(tmp_path.iterdir())


def test_a_saved_model_is_exported_with_the_files_that_run_it(root, tmp_path):
    import yaml

    exported = model_export.export(root, "rows", "saved_model", 7, str(tmp_path / "out"))

    folder = tmp_path / "out"
    assert (folder / "models/rows/7" / WARM_UP).is_file()
    assert not exported.notes
    assert tf.saved_model.load(str(folder / "models/rows/7")).signatures
    compose = yaml.safe_load((folder / "compose.yaml").read_text())["services"]["rows"]
    deployment, service = yaml.safe_load_all((folder / "kubernetes.yaml").read_text())
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert compose["image"].startswith("tensorflow/serving:")
    assert "GET /v1/models/rows/metadata HTTP/1.0\\r\\n\\r\\n" in compose["healthcheck"]["test"][-1]
    assert container["readinessProbe"]["httpGet"] == {"path": "/v1/models/rows/metadata", "port": "rest"}
    assert container["image"] == "rows:7"
    assert [port["targetPort"] for port in service["spec"]["ports"]] == [port["name"] for port in container["ports"]]


def test_an_export_replaces_an_export_and_nothing_else(root, tmp_path):
    target = tmp_path / "out"
    for _ in range(2):
        model_export.export(root, "rows", "saved_model", None, str(target))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(UserError, match="mine holds other files than an export"):
        model_export.export(root, "rows", "saved_model", None, str(tmp_path / "mine"))
    assert (tmp_path / "mine/notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rows", "--format", "tflite"], "operators of TensorFlow Lite have no float64"),
        (["rows", "--format", "onnx", "--version", "8"], "rows has no version 8"),
        (["none", "--format", "onnx"], "none has no pushed version"),
    ],
)
def test_what_cannot_be_exported_is_an_error_of_the_user(arguments, message, root, pushed, monkeypatch, capsys):
    code = parser.main(["export", *arguments, "--root", root, "--project", str(pushed)])

    assert code == 2
    assert message in capsys.readouterr().err
