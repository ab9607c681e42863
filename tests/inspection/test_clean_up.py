"""`inspect clean` moves what a pipeline no longer needs to the trash."""

import fcntl
import json
import os

import pytest

from errors import UserError

from .cleaned import Runs


@pytest.fixture
def runs(writer, tmp_path):
    return Runs(writer, tmp_path)


def test_what_kept_runs_baselines_and_served_models_need_stays(runs, ask):
    first_run = runs(served=True)
    for _ in range(2):
        runs()
    runs(blessed=False)
    runs(blessed=False, examples=first_run["ingestion"])
    answer = ask("clean", "--keep", "1")
    assert "houses    artifact  3      3.0 kB" in answer
    for node in ("ingestion", "trainer", "evaluator"):
        assert f"houses    artifact  1.0 kB  {runs.place(node, 4)}\n" in answer
    assert f"houses    run       2 B     {runs.home}/runs/run-4\n" in answer
    assert f"3.0 kB can be removed: --yes moves it to {runs.root}/.trash" in answer
    assert runs.left("trainer") == [1, 2, 3, 4, 5], "a dry run moves nothing"

    answer = ask("clean", "--keep", "1", "--yes")
    assert f"moved to {runs.root}/.trash/2" in answer
    assert "inspect clean --undo --root" in answer
    assert "The trash uses 3.0 kB" in answer
    # 1 serves, 2 and 3 were blessed last, 5 is of the last run; 4 was refused.
    assert runs.left("trainer") == [1, 2, 3, 5]
    assert runs.left("ingestion") == [1, 2, 3]
    assert sorted(os.listdir(runs.home / "runs")) == ["run-1", "run-2", "run-3", "run-5"]
    states = {artifact.id: artifact.state for artifact in runs.store().newest_artifacts(None)}
    assert sum(state == 4 for state in states.values()) == 3, "DELETED"
    assert len(states) == 4 * 3 + 1 + 2, "no row is gone"
    assert ask("clean", "--keep", "1").startswith("nothing to remove")


def test_the_statistics_of_the_data_of_served_models_stay_for_the_gates_of_later_runs(runs, writer):
    """Else a blocked week would pass after a clean-up, because there is nothing to compare it with."""
    statistics_of = {}
    for number in (1, 2, 3, 4):
        ids = runs(served=number == 1, blessed=number == 1)
        run, more = writer.run(f"validation-{number}", state="COMPLETE"), {"folder_token": "0a1b2c3d"}
        uri = runs.home / f"artifacts/statistics/statistics/{number}-0a1b2c3d"
        made = [("statistics", "ExampleStatistics")]
        inputs = [("examples", ids["ingestion"])]
        [statistics_of[number]] = run.node("statistics", inputs=inputs, outputs=made, uri=str(uri), **more)
        passed = runs.home / f"artifacts/validation/anomalies/{number}-0a1b2c3d"
        inputs = [("statistics", statistics_of[number])]
        run.node("validation", inputs=inputs, outputs=[("anomalies", "ExampleAnomalies")], uri=str(passed), **more)
        for folder in (uri, passed):
            folder.mkdir(parents=True)
            (folder / "content").write_text("1")
    runs.clean(keep=1)

    for key in ("statistics/statistics", "validation/anomalies"):
        folders = sorted(path.name for path in (runs.home / "artifacts" / key).iterdir())
        assert folders == ["1-0a1b2c3d", "4-0a1b2c3d"], "of what serves, and of the last run"


def test_a_model_does_not_need_the_one_that_it_began_with(runs):
    base = None
    for _ in range(4):
        base = runs(base=base)["trainer"]
    runs.clean()

    assert runs.left("trainer") == [3, 4]


def test_runs_under_another_root_do_not_count(runs, writer, tmp_path):
    """In one store, a pipeline may have runs under two roots, and one may use outputs of the other from the cache."""
    first_run = runs(blessed=False)
    runs(blessed=False)
    runs_of_other_root = Runs(writer, tmp_path / "other")
    runs_of_other_root.count = 2
    runs_of_other_root(blessed=False, examples=first_run["ingestion"])
    runs_of_other_root(blessed=False)

    assert [os.path.basename(removal.path) for removal in runs.survey(keep=1).removable if removal.kind == "run"] == [
        "run-1"
    ]
    runs.clean(keep=2)
    assert runs.left("trainer") == [1, 2]
    runs.clean(keep=1)
    assert runs.left("trainer") == [2]
    assert runs_of_other_root.left("trainer") == [3, 4]


@pytest.mark.parametrize("state", ["", None])
def test_a_run_that_did_not_end_is_kept_whole(runs, writer, state):
    """Its state is empty, or was never written."""
    runs(blessed=False, state="")
    if state is not None:
        writer.context("pipeline_run", "run-1", state=state)
    for _ in range(3):
        runs()
    runs.clean()

    assert runs.left("trainer") == [1, 3, 4]


def test_a_folder_stays_while_a_later_run_needs_a_part_of_it(runs, writer):
    runs(blessed=False)
    runs(blessed=False)
    for _ in range(2):
        runs()
    part = runs.place("trainer", 1) / "Format-Serving"
    writer.run("importing", state="COMPLETE").node("importer", outputs=[("model", "Model")], uri=str(part))
    runs.clean()

    assert runs.left("trainer") == [1, 3, 4]


def test_a_pipeline_that_runs_now_is_left_alone(runs, ask):
    for _ in range(4):
        runs()
    with open(runs.home / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "houses: a run is in progress, so nothing of it is removed" in ask("clean", "--keep", "1", "--yes")

    assert runs.left("trainer") == [1, 2, 3, 4]


def test_left_overs_and_old_trials_go_and_nothing_outside_does(runs, writer):
    outside = runs.root / "elsewhere"
    outside.mkdir()
    writer.run("stray", state="COMPLETE").node("trainer", outputs=[("model", "Model")], uri=str(outside))
    writer.run("killed", state="FAILED").node("trainer", state="FAILED", folder_token="feedbeef")
    killed = max(execution.id for execution in runs.store().all_executions())
    over = runs.home / "artifacts" / "trainer" / "model" / f"{killed}-feedbeef"
    over.mkdir(parents=True)
    trials = runs.home / "trials"
    trials.mkdir()
    old_trial, new_trial = f"{'0' * 32}.json", f"{'1' * 32}.json"
    for name, modified in ((old_trial, 1.0), (new_trial, 2e10), ("notes.json", 1.0)):
        (trials / name).write_text("{}")
        os.utime(trials / name, (modified, modified))
    for _ in range(3):
        runs()
    removals = runs.clean().removable

    assert {removal.kind for removal in removals} == {"artifact", "left over", "run", "trial"}
    assert [removal.path for removal in removals if removal.kind == "left over"] == [str(over)]
    assert not over.exists()
    assert sorted(os.listdir(trials)) == [new_trial, "notes.json"]
    assert outside.exists()


def test_rows_of_a_query_stay_while_a_kept_run_was_made_from_them(runs):
    queries = runs.home / "queries"
    queries.mkdir(parents=True)
    gone, needed, recent = (f"{digit * 16}.parquet" for digit in "012")
    for name, modified in ((gone, 1.0), (needed, 1.0), (recent, 2e10), ("notes.parquet", 1.0), (".draft-x1", 1.0)):
        (queries / name).write_text("rows")
        os.utime(queries / name, (modified, modified))
    for _ in range(3):
        runs()
    for run, name in (("run-2", gone), ("run-3", needed)):
        (runs.home / "runs" / run / "run.json").write_text(json.dumps({"query": {"path": str(queries / name)}}))
    removals = runs.clean().removable

    assert sorted(os.path.basename(removal.path) for removal in removals if removal.kind == "query") == [
        ".draft-x1",
        gone,
    ]
    assert sorted(os.listdir(queries)) == [needed, recent, "notes.parquet"]


def test_a_wrong_name_and_a_root_that_is_not_there(runs, ask):
    runs()
    with pytest.raises(UserError, match=r"no pipeline 'house' in .*Did you mean 'houses'"):
        ask("clean", "--pipeline", "house")
