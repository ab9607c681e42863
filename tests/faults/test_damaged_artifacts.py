"""Damaged artifacts, edits that invalidate the cache, and missing inputs."""

import gzip
import os

import pytest

from components.fingerprints import artifact_digest
from errors import RunError
from inspection.store.execution_folders import parse

from ..trees import cold_runner, copy_tree, packed


def launch(execution, *node_ids):
    messages = []
    return [execution.launch(node_id, messages.append)[0] for node_id in node_ids], messages


def execution(folder):
    """The execution that wrote an output folder."""
    return parse(folder.name).execution


def flip(path):
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)


HARMS = {"one bit": flip, "cut": lambda path: os.truncate(path, 100), "deleted": lambda path: path.unlink()}


def test_no_damaged_artifact_is_served_from_the_cache(points_run, tmp_path, figure, new_store):
    """Fault 16: a bit, a cut and a deleted file in what the cache would serve."""
    place = {"metadata": new_store()}
    launch(points_run(tmp_path, "cache", "one", **place), "ingestion")
    wrong = 0
    for name, harm in HARMS.items():
        assert launch(points_run(tmp_path, "cache", f"before {name}", **place), "ingestion") == (["CACHED"], [])
        folders = (tmp_path / "cache/artifacts/ingestion/examples").iterdir()
        newest = max(folders, key=execution)
        harm(next((newest / "Split-train").iterdir()))
        states, output = launch(points_run(tmp_path, "cache", f"after {name}", **place), "ingestion")
        wrong += states != ["COMPLETE"]
        assert output == [f"its earlier output examples ({newest}) is damaged: the stage runs again"]
    figure(16, f"{len(HARMS)} harms on {'PostgreSQL' if place['metadata'] else 'SQLite'}, wrong reuse = {wrong}")
    assert wrong == 0


def test_the_digest_of_a_large_artifact_is_fast(tmp_path, figure):
    """Fault 16: what the check of a large artifact takes."""
    import time

    (tmp_path / "examples").mkdir()
    for number in range(4):
        (tmp_path / "examples" / f"{number}").write_bytes(os.urandom(1 << 20) * 25)
    start = time.perf_counter()
    expected = artifact_digest.of(str(tmp_path / "examples"))
    rate = 4 * 25 * (1 << 20) / (time.perf_counter() - start) / 1e6
    assert artifact_digest.damage(str(tmp_path / "examples"), expected) is None
    figure(16, f"checked at {rate:.0f} MB/s")
    assert rate > 50


def test_a_stage_without_its_inputs_fails_the_run(points_run, tmp_path, figure, new_store):
    """Fault 27: TFX records the stage as FAILED and returns; the run must not end well."""
    place = {"metadata": new_store()}
    with pytest.raises(RunError, match="stage statistics ended FAILED: its inputs could not be resolved") as error:
        points_run(tmp_path, "alone", "one", **place).launch("statistics", print)
    figure(27, f"exit code {error.value.exit_code}, false successes = 0")
    assert error.value.exit_code == 4
    states, _ = launch(points_run(tmp_path, "alone", "one", **place), "ingestion", "statistics")
    assert states == ["COMPLETE", "COMPLETE"], "another attempt"


@pytest.mark.slow
def test_a_damaged_baseline_is_imported_from_the_serving_version(warm, tmp_path, figure):
    """Fault 16: outputs of several stages damaged between whole runs, the blessed model among them."""
    root = tmp_path / "runs"
    artifacts = root / "points-xor_linear" / "artifacts"
    command = ("--local", "--pipeline", "points", "--variant", "xor_linear", "--root", root)
    quick = ("--set", "training.epochs=1", "--set", "evaluation.floor={}")
    for epochs in (1, 2):
        result = warm.run(*command, *quick, "--set", f"training.epochs={epochs}")
        assert result.code == 0, result.err
    models = sorted((artifacts / "trainer/model").iterdir(), key=execution)
    flip(next(models[-1].rglob("variables.data*")))
    repeated_run = warm.run(*command, *quick, "--set", "training.epochs=2")
    assert repeated_run.code == 0, repeated_run.err
    assert repeated_run.nodes["trainer"] == "done"
    assert f"its earlier output model ({models[-1]}) is damaged: the stage runs again" in repeated_run.out
    # The new model is now the newest blessed one.
    models = sorted((artifacts / "trainer/model").iterdir(), key=execution)
    flip(next(models[-1].rglob("variables.data*")))
    third_run = warm.run(*command, *quick, "--set", "training.epochs=3")
    assert third_run.code == 0, third_run.err
    assert f"its earlier output model ({models[-1]}) is damaged: looked up again" in third_run.out
    assert "the stage runs again" not in third_run.out
    assert "compared with the served model" in third_run.out
    copies = sorted(int(path.name.partition("-")[0]) for path in (artifacts / "baseline/model").iterdir())
    serving = sorted(int(path.name) for path in (root / "points-xor_linear/serving").glob("[0-9]*"))
    assert copies == serving[1:3], "of the versions that served when a model was damaged"
    figure(16, "a damaged served model: the version's own files are the baseline")


@pytest.mark.slow
def test_an_edit_is_not_served_from_the_cache(tmp_path, figure):
    """Fault 17: the data at equal size and time, the code of the preprocessing, the schema's text."""
    tree = copy_tree(tmp_path / "tree", rows=600)
    path = tree / "data/houses.csv.gz"

    def ran():
        result = cold_runner("--local", "--root", tree / "runs", "--to", "transformation", tree=tree)
        assert result.code == 0, result.err
        return {node for node, word in result.nodes.items() if word == "done"} - {"history"}

    def edit_data():
        stat = path.stat()
        table = gzip.decompress(path.read_bytes())
        path.write_bytes(packed(table.replace(b",221900,", b",221901,")))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)

    def edit(name, old_text, new_text):
        text = (tree / name).read_text()
        assert old_text in text
        (tree / name).write_text(text.replace(old_text, new_text, 1))

    path.write_bytes(packed(gzip.decompress(path.read_bytes())))
    ran()
    assert ran() == set()
    stale = 0
    edit_data()
    stale += ran() != {"ingestion", "statistics", "validation", "transformation"}
    edit("models/transform_graph/numbers.py", "log1p(tf.maximum(value, 0.0))", "log1p(tf.abs(value))")
    stale += ran() != {"transformation"}
    edit("schemas/houses.pbtxt", "int_domain { min: 0 max: 40 }", "int_domain { min: 0 max: 41 }")
    stale += ran() != {"schema", "validation", "transformation"}
    figure(17, f"3 edits, stale hits = {stale}")
    assert stale == 0
