"""A stage of the user's own, in a project outside the repository: my_stage.py as it is in the documents."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from .. import warm

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
CONFIG = """\
[data]
path = "data/points.csv"
split = {by = "hash", train = 6, eval = 2, test = 2}
[features]
numeric = [{column = "x1"}, {column = "x2"}]
[label]
column = "y"
task = "binary"
positive = "1"
[network]
name = "linear"
[training]
epochs = 2
batch_size = 64
[evaluation]
floor = {}
[limits]
seconds = {my-stage = 300}
[stages]
after_trainer = "my_stage.component"
"""


def run(folder, *arguments):
    return warm.shared().run("--project", folder, *arguments, tree=REPOSITORY).result()


def make(folder):
    """A project with a small pipeline and the custom stage."""
    result = warm.shared().run("init", folder, tree=REPOSITORY).result()
    assert result.code == 0, result.err
    (folder / "configs" / "points.toml").write_text(CONFIG)
    shutil.copy(REPOSITORY / "schemas" / "points.pbtxt", folder / "schemas")
    shutil.copy(REPOSITORY / "data" / "points_xor.csv", folder / "data" / "points.csv")
    shutil.copy(HERE / "my_stage.py", folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project that has run once."""
    project_folder = make(tmp_path_factory.mktemp("projects") / "one")
    first_run = run(project_folder, "--local", "--pipeline", "points")
    assert first_run.code == 0, first_run.err + first_run.out
    assert first_run.nodes["my-stage"] == "done"
    return project_folder


def newest(folder):
    path = max((folder / "runs" / "points" / "runs").iterdir())
    return path, json.loads((path / "run.json").read_text())


def test_the_stage_runs_after_its_place_and_is_in_the_run_s_record_report_and_log(folder):
    path, facts = newest(folder)

    order = facts["nodes"]
    assert order.index("trainer") < order.index("my-stage") < order.index("evaluator")
    assert facts["upstream"]["my-stage"] == ["trainer"]
    assert "my-stage" in facts["upstream"]["baseline"]
    events = [json.loads(line) for line in (path / "events.jsonl").read_text().splitlines()]
    [ended] = [event for event in events if event.get("node") == "my-stage" and event["state"] != "RUNNING"]
    assert (ended["state"], ended["summary"]) == ("COMPLETE", "3 weights")
    assert (path / "logs" / "my-stage.log").exists()
    assert "my-stage" in (path / "report.html").read_text()
    weights = (folder / "runs/points/artifacts/my-stage/weights").glob("*/value")
    assert [file.read_text() for file in weights] == ["3"]
    result = run(folder, "inspect", "show", facts["run_id"])
    assert "my-stage" in result.out, result.err


def test_it_comes_from_the_cache_until_its_code_changes_and_is_part_of_from_and_to(folder):
    second_run = run(folder, "--local", "--pipeline", "points", "--to", "my-stage")
    assert second_run.nodes["my-stage"] == "cached", second_run.out + second_run.err
    assert "evaluator" not in second_run.nodes

    path = folder / "my_stage.py"
    path.write_text(path.read_text().replace('trainable:,} weights"', 'trainable:,} trained weights"'))
    edited = run(folder, "--local", "--pipeline", "points")
    assert (edited.nodes["trainer"], edited.nodes["my-stage"], edited.nodes["pusher"]) == ("cached", "done", "cached")
    assert "3 trained weights" in edited.out
    part = run(folder, "--local", "--pipeline", "points", "--from", "my-stage", "--to", "evaluator")
    assert part.nodes["trainer"] == "taken", part.out + part.err


def test_the_stage_stops_a_run_as_a_gate_does(folder):
    path = folder / "my_stage.py"
    text = path.read_text()
    path.write_text(text.replace("max_weights=50_000", "max_weights=2"))
    blocked = run(folder, "--local", "--pipeline", "points", "--new-run")
    path.write_text(text)

    assert blocked.code == 3, blocked.out + blocked.err
    assert re.search(r"my-stage: \S+ has 3 weights, more than 2: use fewer units", blocked.err)
    assert blocked.nodes["my-stage"] == "failed"
    assert newest(folder)[1]["state"] == "BLOCKED"


@pytest.mark.parametrize("target", ["--kubeflow", "--vertex"])
def test_the_stage_is_a_task_of_the_compiled_job(folder, tmp_path, target):
    output = tmp_path / ("job.yaml" if target == "--kubeflow" else "job.json")
    completed = run(folder, target, "--pipeline", "points", "--output", output)
    assert completed.code == 0, completed.out + completed.err

    job = yaml.safe_load(output.read_text())
    tasks = job.get("pipelineSpec", job)["root"]["dag"]["tasks"]
    assert tasks["my-stage"]["dependentTasks"] == ["trainer"]
    assert "my-stage" in tasks["baseline"]["dependentTasks"]
    assert "my_stage.count_weights_Executor" in output.read_text()
    assert "sources" in str(tasks["my-stage"]["inputs"]["parameters"]["code"])


@pytest.mark.parametrize(
    ("old_text", "new_text", "message"),
    [
        ("def component(", "def other(", r"after_trainer: my_stage\.py defines no 'component'"),
        ("import json", "import jsonn", r"my_stage\.py, line 11: there is no module 'jsonn'"),
        ("import json", "import json)", r"my_stage\.py, line 11: this is not Python"),
    ],
)
def test_doctor_finds_a_fault_of_the_stage(tmp_path, old_text, new_text, message):
    folder = make(tmp_path / "project")
    path = folder / "my_stage.py"
    path.write_text(path.read_text().replace(old_text, new_text, 1))
    completed = run(folder, "doctor", "points")

    assert completed.code == 2, completed.out + completed.err
    assert re.search(message, completed.out), completed.out
