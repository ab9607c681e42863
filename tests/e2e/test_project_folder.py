"""A project outside the repository, as a user makes it: runs, cached runs, edits, several projects, other users."""

import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

from benchmarks.workloads import copy_code

from .. import warm
from ..flats import Flats
from ..warm import REPOSITORY, Result
from .conftest import QUICK, run_folder, runner

CONFIG = """\
network = "my_network.build"
preprocessing = "my_features.preprocessing_fn"
[data]
path = "data/flats.csv"
[label]
column = "rent"
[training]
batch_size = 64
[[schedule]]
name = "daily"
cron = "0 3 * * *"
"""
NETWORK = """\
import keras

import my_units


def build(features, settings):
    return keras.layers.Dense(my_units.UNITS, activation="relu")(features.vector)
"""
SPACE = 'tuner.space={"training.optimizer.learning_rate" = {low = 1e-4, high = 1e-1, scale = "log"}}'
TRAINED = {"trainer", "evaluator", "pusher"}


def make(folder, rows=400):
    """A project that `init` makes, with a pipeline `flats` and modules of its own."""
    result = runner("init", folder)
    assert result.code == 0, result.err
    (folder / "configs" / "flats.toml").write_text(CONFIG)
    (folder / "schemas" / "flats.pbtxt").write_text(Flats.SCHEMA)
    cells = (f"{40 + row % 90}.5,{('Bern', 'Chur')[row % 2]},{900 + row * 7 % 400}\n" for row in range(rows))
    (folder / "data" / "flats.csv").write_text(Flats.HEADER + "".join(cells))
    (folder / "my_network.py").write_text(NETWORK)
    (folder / "my_units.py").write_text("UNITS = 4\n")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make(tmp_path_factory.mktemp("projects") / "one")


def run(folder, *arguments, start=runner, tree=REPOSITORY):
    """Stages that a run of `flats` did not take from the cache."""
    result = start("--project", folder, "--local", "--pipeline", "flats", *QUICK, *arguments, tree=tree)
    assert result.code == 0, result.err + result.out
    assert run_folder(result).parent == folder / "runs" / "flats" / "runs"
    return {node for node, word in result.nodes.items() if word == "done"} - {"baseline", "history"}


def test_a_project_runs_with_its_own_modules_and_an_edit_runs_their_stages_again(folder):
    assert {"ingestion", "transformation", *TRAINED} < run(folder)
    assert run(folder) == set()

    (folder / "my_units.py").write_text("UNITS = 5\n")
    edited = run(folder)
    assert edited > TRAINED
    assert "ingestion" not in edited
    path = folder / "my_features.py"
    path.write_text(path.read_text().replace("num_oov_buckets=1", "num_oov_buckets=2"))
    assert run(folder) >= {"transformation", *TRAINED}
    assert run(folder) == set()


def test_the_example_role_of_a_new_project_makes_a_feature(folder):
    text = CONFIG.replace('preprocessing = "my_features.preprocessing_fn"\n', "").partition("[[schedule]]")[0]
    (folder / "configs" / "roles.toml").write_text(
        f'{text}[features]\nmy_features = [{{column = "area", offset = 2}}]\n'
    )
    shutil.copyfile(folder / "schemas" / "flats.pbtxt", folder / "schemas" / "roles.pbtxt")
    result = runner("--project", folder, "--local", "--pipeline", "roles", *QUICK, "--to", "transformation")
    assert result.code == 0, result.err + result.out
    [features] = (folder / "runs" / "roles" / "artifacts" / "transformation").glob(
        "transform_graph/*/transformed_metadata/*.pbtxt"
    )
    assert 'name: "area_log"' in features.read_text()


def test_two_simultaneous_projects_share_nothing(folder, tmp_path):
    second_project = make(tmp_path / "two", rows=300)
    (second_project / "my_units.py").write_text("UNITS = 3\n")
    commands = [
        warm.shared().start("--project", project, "--local", "--pipeline", "flats", *QUICK)
        for project in (folder, second_project)
    ]
    results = [project.wait().result() for project in commands]
    assert [result.code for result in results] == [0, 0], [result.err for result in results]
    for project, result in zip((folder, second_project), results, strict=True):
        assert str(project / "runs") in result.out
        assert json.loads((run_folder(result) / "run.json").read_text())["data"] == str(project / "data" / "flats.csv")
    listed = runner("inspect", "runs", "--project", second_project)
    assert len([line for line in listed.out.splitlines() if "flats" in line]) == 1, listed.out


def test_trials_and_beam_s_own_workers_import_the_project_s_modules(folder):
    tuned = runner("tune", "flats", "--trials", 2, "--project", folder, *QUICK, "--set", SPACE)
    assert tuned.code == 0, tuned.err + tuned.out
    assert tuned.nodes["tuner"] == "done"
    assert "FAILED" not in next((folder / "runs").glob("flats/runs/*/trials.jsonl")).read_text()
    two_workers = "--runner=FnApiRunner --direct_running_mode=multi_processing --direct_num_workers=2"
    assert "transformation" in run(folder, "--to", "transformation", "--beam", two_workers, "--no-cache")


def test_new_schema_doctor_inspect_and_schedule_use_the_working_folder_s_project(folder, tmp_path, monkeypatch):
    project = make(tmp_path / "here")
    monkeypatch.chdir(project)
    completed = runner("new", "homes", "data/flats.csv", "--label", "rent")
    assert completed.code == 0, completed.err
    assert 'path = "data/flats.csv"' in (project / "configs" / "homes.toml").read_text()
    assert runner("schema", "diff", "homes").code == 0
    assert f"project            {project}" in runner("doctor", "homes").out
    assert f"no runs yet under {project}/runs" in runner("inspect", "runs").err
    assert "flats:daily" in runner("schedule", "list").out
    unit = runner("schedule", "systemd", "daily").out
    assert f"--project {project} --root {project}/runs" in unit
    assert f"WorkingDirectory={project}" in unit
    assert not (REPOSITORY / "configs" / "homes.toml").exists()


def test_a_schedule_of_a_project_runs_there(folder):
    result = runner("schedule", "run-now", "daily", "--project", folder)
    assert result.code in (0, 3), result.err + result.out
    log = max((folder / "runs" / ".schedule" / "logs").glob("flats-daily-*.log"), key=lambda path: path.stat().st_mtime)
    assert str(folder / "runs" / "flats" / "runs") in log.read_text()


def test_a_read_only_clone_runs_a_project_and_is_not_modified(folder, tmp_path, reduced):
    """As for a user who may only read the clone: root keeps no right that ownership and mode do not give."""
    tree, project_folder = tmp_path / "clone", make(tmp_path / "here", rows=120)
    copy_code(tree)
    _own(tree, 65534 if reduced else os.geteuid())

    def command(*arguments):
        completed = subprocess.run(
            [*reduced, sys.executable, str(tree / "runner.py"), *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=project_folder,
            env={**os.environ, "NO_COLOR": "1", "TMPDIR": str(tmp_path)},
        )
        return Result(completed.returncode, completed.stdout, completed.stderr)

    assert command("doctor", "--set", "x=1").code == 0
    files = _listed(tree)
    write_attempt = subprocess.run([*reduced, "touch", str(tree / "models" / "x")], capture_output=True)
    assert write_attempt.returncode != 0, "this user can write into the clone"
    result = command("--local", "--pipeline", "flats", *QUICK)
    assert result.code == 0, result.err + result.out
    assert run_folder(result).parent == project_folder / "runs" / "flats" / "runs"
    assert _listed(tree) == files


def _own(tree, user):
    for path in [tree, *tree.rglob("*")]:
        if path.is_symlink():
            continue
        os.chown(path, user, -1)
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def _listed(tree):
    return {str(path): path.lstat().st_mtime_ns for path in tree.rglob("*") if ".venv" not in path.parts}
