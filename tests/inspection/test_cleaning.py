import fcntl
import os

import pytest

from inspection import cleaning
from inspection.store import open_store

KEYS = {"ingestion": "examples", "trainer": "model", "evaluator": "blessing", "pusher": "pushed_model"}


@pytest.fixture
def runs(writer, tmp_path):
    """Makes runs of houses: data, model, blessing, push, each with a file; returns artifact ids by node."""
    count = [0]

    def run(*, blessed=True, served=False, state="COMPLETE", examples=None, base=None):
        count[0] += 1
        number = count[0]
        made = writer.run(f"run-{number}", state=state) if state else writer.run(f"run-{number}")
        (tmp_path / "houses" / "runs" / f"run-{number}").mkdir(parents=True)
        (tmp_path / "houses" / "runs" / f"run-{number}" / "run.json").write_text("{}")
        ids = {}

        def node(name, kind, *inputs, **facts):
            uri = tmp_path / "houses" / "artifacts" / name / KEYS[name] / str(number)
            uri.mkdir(parents=True)
            (uri / "content").write_text("x" * 1000)
            outputs = [(KEYS[name], kind)]
            [ids[name]] = made.node(name, inputs=inputs, outputs=outputs, uri=str(uri), facts={KEYS[name]: facts})

        if examples is None:
            node("ingestion", "Examples")
        else:
            ids["ingestion"] = examples
            made.node("ingestion", state="CACHED", reused=[("examples", examples)])
        above = [("base_model", base)] if base else []
        node("trainer", "Model", ("examples", ids["ingestion"]), *above)
        node(
            "evaluator",
            "ModelBlessing",
            ("model", ids["trainer"]),
            blessed=int(blessed),
            current_model_id=ids["trainer"],
        )
        if served:
            version = tmp_path / "houses" / "serving" / str(number)
            version.mkdir(parents=True)
            node("pusher", "PushedModel", ("model", ids["trainer"]), pushed=1, pushed_destination=str(version))
        return ids

    return run


@pytest.fixture
def store(tmp_path, writer):
    return open_store(str(tmp_path), None, readonly=False)


def left(tmp_path, node):
    return sorted(int(name) for name in os.listdir(tmp_path / "houses" / "artifacts" / node / KEYS[node]))


def test_what_kept_runs_baselines_and_served_models_need_stays(runs, store, tmp_path, ask):
    first = runs(served=True)
    for _ in range(2):
        runs()
    runs(blessed=False)
    runs(blessed=False, examples=first["ingestion"])
    told = ask("clean", "--keep", "1")
    assert "houses    artifact  3      3.0 kB" in told
    assert "may go: --yes removes it" in told
    assert left(tmp_path, "trainer") == [1, 2, 3, 4, 5], "a dry run removes nothing"

    told = ask("clean", "--keep", "1", "--yes")
    assert "removed; the store keeps their rows" in told
    # 1 serves, 2 and 3 were blessed last, 5 is of the last run; 4 was refused.
    assert left(tmp_path, "trainer") == [1, 2, 3, 5]
    assert left(tmp_path, "ingestion") == [1, 2, 3]
    assert sorted(os.listdir(tmp_path / "houses" / "runs")) == ["run-1", "run-2", "run-3", "run-5"]
    states = {artifact.id: artifact.state for artifact in store.newest_artifacts(None)}
    assert sum(state == 4 for state in states.values()) == 3, "DELETED"
    assert len(states) == 4 * 3 + 1 + 2, "no row is gone"
    assert ask("clean", "--keep", "1").startswith("nothing to remove")


def test_a_model_does_not_need_the_one_that_it_began_with(runs, store, tmp_path):
    base = None
    for _ in range(4):
        base = runs(base=base)["trainer"]
    cleaning.remove(store, str(tmp_path), "houses", keep=1)

    assert left(tmp_path, "trainer") == [3, 4]


def test_a_run_that_did_not_end_is_kept_whole(runs, store, tmp_path):
    runs(blessed=False, state="")
    for _ in range(3):
        runs()
    cleaning.remove(store, str(tmp_path), "houses", keep=1)

    assert left(tmp_path, "trainer") == [1, 3, 4]


def test_a_pipeline_that_runs_now_is_left_alone(runs, tmp_path, ask):
    for _ in range(4):
        runs()
    with open(tmp_path / "houses" / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "houses: a run goes on, so all of it stays" in ask("clean", "--keep", "1", "--yes")

    assert left(tmp_path, "trainer") == [1, 2, 3, 4]


def test_left_overs_and_old_trials_go_and_nothing_outside_does(runs, store, tmp_path, writer):
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    writer.run("stray", state="COMPLETE").node("trainer", outputs=[("model", "Model")], uri=str(outside))
    over = tmp_path / "houses" / "artifacts" / "trainer" / "model" / "77"
    over.mkdir(parents=True)
    trials = tmp_path / "houses" / "trials"
    trials.mkdir()
    for name, when in (("old.json", 1.0), ("new.json", None)):
        (trials / name).write_text("{}")
        os.utime(trials / name, (when, when)) if when else os.utime(trials / name, (2e10, 2e10))
    for _ in range(3):
        runs()
    found = cleaning.remove(store, str(tmp_path), "houses", keep=1)

    assert {removal.kind for removal in found} == {"artifact", "left over", "run", "trial"}
    assert not over.exists()
    assert os.listdir(trials) == ["new.json"]
    assert outside.exists()
