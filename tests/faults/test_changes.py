"""Changes during a run or between runs: nothing stale is used, and the run reports it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.fingerprints import code_digest
from components.ingestion.discovery import data_files
from components.ingestion.readers import images
from errors import ResourceError, UserError
from project import REPOSITORY
from spec.data import Data

from ..trees import cold_runner, copy_tree


def test_an_edit_of_a_module_changes_only_the_cache_keys_of_stages_that_import_it(
    copied_packages, tmp_path, figure, stage_keys
):
    """Fault 60: an edit of each module of the repository."""
    nodes = stage_keys.nodes()
    reached = {
        name: stage_keys.imported(
            copied_packages, node.executor_spec.executor_class.__module__, *stage_keys.named.get(name, [])
        )
        for name, node in nodes.items()
    }
    assert {"statistics", "tuner", "warm-start", "baseline", "schema"} < set(reached)
    for name, node in nodes.items():
        modules = code_digest.of_parameters(node.exec_properties)["modules"]
        imported = {str(Path(path).relative_to(copied_packages)) for path, _ in code_digest.sources(*modules).values()}
        assert imported == reached[name], name

    # An edit for each set of stages that share a module.
    shared = {}
    for path in sorted(copied_packages.rglob("*.py")):
        name = str(path.relative_to(copied_packages))
        shared[frozenset(stage for stage, files in reached.items() if name in files)] = path
    assert len(shared) > 10
    original_keys = stage_keys.keys()
    for stages, path in shared.items():
        text = path.read_text()
        path.write_text(f"{text}# edited\n")
        edited_keys = stage_keys.keys()
        path.write_text(text)
        assert {stage for stage in original_keys if edited_keys[stage] != original_keys[stage]} == stages, path
    assert stage_keys.keys() == original_keys
    modules = set().union(*reached.values())
    figure(60, f"{len(nodes)} stages, {len(modules)} modules, {len(shared)} edits, stale keys = 0, needless ones = 0")


def test_every_executor_rejects_parameters_of_other_code(copied_packages, tmp_path, figure, stage_keys):
    """Fault 64: an image that was built from another revision than the job."""
    nodes = stage_keys.nodes()
    for path in ("spec/settings.py", "components/summary.py", "components/fingerprints/code_digest.py"):
        (copied_packages / path).write_text(f"{(copied_packages / path).read_text()}# edited\n")
    for node in nodes.values():
        executor = node.executor_spec.executor_class
        with pytest.raises(UserError, match=rf"the code of {executor.__module__}.* differs"):
            executor().Do({}, {}, node.exec_properties)
    figure(64, f"{len(nodes)} steps refused, results under the key of other code = 0")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def points(tmp_path):
    """Copy of the data and the schema of a shipped pipeline, and the digests that a run would be given."""
    data = shutil.copy(Path(REPOSITORY, "data/points_xor.csv"), tmp_path / "points.csv")
    schema = shutil.copy(Path(REPOSITORY, "schemas/points.pbtxt"), tmp_path / "points.pbtxt")
    return {
        "data": str(data),
        "data_content": data_files.content(data_files.resolve(str(data), Data(path="x"))),
        "schema": str(schema),
        "schema_content": code_digest.file(str(schema)),
    }


def test_data_and_schema_that_change_after_the_fingerprint_are_rejected(points_run, points, tmp_path, figure):
    """Fault 45: an edit between the supervisor's look and the stage, at equal size and time."""
    for node, key, old_text, new_text in (
        ("ingestion", "data", "-0.", "-1."),
        ("schema", "schema", "min: 0", "min: 1"),
    ):
        path = Path(points[key])
        stat, text = path.stat(), path.read_text()
        assert old_text in text
        path.write_text(text.replace(old_text, new_text, 1))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        with pytest.raises(ResourceError, match=f"{path.name}.* changed"):
            points_run(tmp_path / "runs", "late", node, **points).launch(node, print)
        path.write_text(text)
        # The key of the first text gives nothing that was made of the second.
        state, _ = points_run(tmp_path / "runs", "late", f"{node} again", **points).launch(node, print)
        assert state == "COMPLETE"
    figure(45, "data and schema edited after their digest: 2 refused with exit code 5, results under a wrong key = 0")


@pytest.mark.slow
def test_data_that_changes_while_tensorflow_starts_is_rejected(tmp_path, figure):
    """Fault 45: the same in a whole run."""
    tree = copy_tree(tmp_path / "tree", rows=600)
    path, root = tree / "data/houses.csv.gz", tree / "runs"
    command = [sys.executable, str(tree / "runner.py"), "--local", "--root", str(root), "--to", "ingestion"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in running.stdout:
        if line.startswith("starting TensorFlow"):
            path.write_bytes((copy_tree(tmp_path / "other", rows=500) / "data/houses.csv.gz").read_bytes())
            break
    _, output = running.communicate()
    assert running.returncode == 5, output
    assert "houses.csv.gz: the data changed while the run was reading it" in output
    second_run = cold_runner("--local", "--root", root, "--to", "ingestion", tree=tree)
    assert second_run.code == 0, second_run.err
    assert second_run.nodes["ingestion"] == "done"
    figure(45, "data replaced while TensorFlow starts: exit code 5; the same command then reads the new rows")


def test_an_edit_in_a_linked_folder_is_detected(tmp_path, figure):
    """Fault 63: a class of images behind a link."""
    for name in ("cat", "dog"):
        (tmp_path / "elsewhere" / name).mkdir(parents=True)
        for number in range(3):
            shutil.copy(
                Path(__file__).parents[2] / "docs/images/run.png", tmp_path / "elsewhere" / name / f"{number}.png"
            )
    (tmp_path / "pets").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).symlink_to(tmp_path / "elsewhere" / name)
    settings = Data(path="x")

    def rows_and_digest():
        rows = [row for batch in images.batches(str(tmp_path / "pets"), settings, {}) for row in batch.to_pylist()]
        return rows, data_files.content(data_files.resolve(str(tmp_path / "pets"), Data(path="x", format="images")))

    rows, digest = rows_and_digest()
    assert {row["label"] for row in rows} == {"cat", "dog"}
    shutil.copy(Path(REPOSITORY, "docs/images/report.png"), tmp_path / "elsewhere/dog/0.png")
    assert rows_and_digest()[1] != digest
    figure(63, f"{len(rows)} of 6 images read, stale digests = 0")


OWN = """
import json
import os

import keras
import tensorflow as tf

LISTS = os.path.join(os.path.dirname(__file__), "lists")
with open(os.path.join(LISTS, "-".join(["scale", "of", "area"]))) as file:
    SCALE = json.load(file)


def preprocessing_fn(inputs, custom_config):
    area, price = (tf.cast(inputs[column], tf.float32) for column in ("sqft_living", "price"))
    return {"area": area * SCALE, "label": tf.math.log(price)}


def build(features, settings):
    with open(os.path.join(LISTS, str(settings["units"]) + "-units")) as file:
        return keras.layers.Dense(json.load(file))(features.vector)
"""


@pytest.mark.slow
def test_a_change_of_a_file_that_user_code_opens_is_detected(tmp_path, figure):
    """Fault 62: files whose names no source holds, opened while a module is imported and within a stage."""
    tree = copy_tree(tmp_path / "tree", rows=600)
    write(tree / "own.py", OWN)
    scale, units = write(tree / "lists/scale-of-area", "0.001"), write(tree / "lists/few-units", "3")
    arguments = ["preprocessing=own.preprocessing_fn", "features={}", "label.transform=none", "training.epochs=1"]
    arguments += ["evaluation={floor={r2=-100.0}}", 'network={name="own.build", units="few"}']
    command = [
        "--local",
        "--root",
        tree / "runs",
        "--to",
        "trainer",
        *(part for setting in arguments for part in ("--set", setting)),
    ]

    def ran():
        result = cold_runner(*command, tree=tree)
        assert result.code == 0, result.err
        return {node for node, word in result.nodes.items() if word == "done"} - {"history"}

    assert {"transformation", "trainer"} < ran()
    assert ran() == set()
    scale.write_text("0.002")
    assert ran() == {"transformation", "trainer"}
    units.write_text("4")
    assert ran() == {"trainer"}
    assert ran() == set()
    figure(62, "2 files edited, stale hits = 0")


def test_another_version_of_a_library_is_a_cache_miss(tmp_path, monkeypatch, figure, stage_keys):
    """Fault 61: another TensorFlow, Keras, TFX, Beam, Arrow or numpy."""
    import importlib.metadata

    from components.fingerprints import libraries

    real, replaced_versions, stale = importlib.metadata.version, {}, 0
    monkeypatch.setattr(importlib.metadata, "version", lambda name: replaced_versions.get(name) or real(name))
    libraries._installed.cache_clear()
    keys = stage_keys.keys()
    for library in ("tensorflow", "keras", "tfx", "apache-beam", "pyarrow", "numpy", "tensorflow-transform"):
        replaced_versions[library] = "99"
        libraries._installed.cache_clear()
        stale += stage_keys.keys()["trainer"] == keys["trainer"]
        del replaced_versions[library]
    libraries._installed.cache_clear()
    figure(61, f"7 libraries, the trainer's stale hits = {stale}")
    assert stale == 0
