"""Weeks of use: runs on a file per week, and a user's edits between them."""

import hashlib
import json
import random
import re
import shutil
from pathlib import Path

import pytest

from ..trees import copy_code
from .conftest import run_json, runner
from .weekly_config import CONFIG

WORSE = ("--set", "training.epochs=1", "--set", "evaluation.baseline.tolerance=99")
"""A bad model, and the tolerance that lets it through."""


class Weeks:
    """A pipeline whose data is a file a week.

    Args:
        folder: Folder of the copy of the repository and of the root.

    Attributes:
        first_run: Result of the run on the first week.
    """

    def __init__(self, folder):
        self.folder, self.tree, self.root = folder, folder / "tree", folder / "runs"
        copy_code(self.tree)
        (self.tree / "configs/weeks.toml").write_text(CONFIG)
        self.week(1)
        self.accept()
        self.first_run = self()
        assert self.first_run.code == 0, self.first_run.err

    def __call__(self, *more, root=None):
        return runner("--local", "--pipeline", "weeks", "--root", root or self.root, *more, tree=self.tree)

    def week(self, number, columns=("x", "z")):
        rng, path = random.Random(number), self.tree / f"data/week-{number}.csv"
        rows = [(rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(300)]
        lines = [f"{x:.4f},{z:.4f},{3 * x - 2 * z + rng.gauss(0, 0.2):.4f}" for x, z in rows]
        path.write_text("\n".join([",".join([*columns, "y"]), *lines, ""]))
        return path

    def accept(self):
        """Infer and approve a schema of the data of today."""
        for command in ("infer", "approve"):
            completed = runner("schema", command, "weeks", tree=self.tree)
            assert completed.code == 0, completed.err

    def push(self, *arguments):
        return runner("push", *arguments, "weeks", "--root", self.root, tree=self.tree)


@pytest.fixture(scope="module")
def after_first_week(tmp_path_factory):
    """The pipeline after its first run, and a copy of its folder."""
    weeks = Weeks(tmp_path_factory.mktemp("weeks") / "used")
    return weeks, shutil.copytree(weeks.folder, weeks.folder.with_name("unchanged"), symlinks=True)


@pytest.fixture
def weeks(after_first_week):
    """The pipeline after its first run, at the paths of that run."""
    weeks, unchanged = after_first_week
    shutil.rmtree(weeks.folder)
    shutil.copytree(unchanged, weeks.folder, symlinks=True)
    return weeks


def version(result):
    return int(Path(result.line("Pushed:")).name)


def test_after_a_rollback_the_restored_version_is_the_reference(weeks):
    assert "no baseline yet: no model is served" in weeks.first_run.out
    weeks.week(2)
    bad = weeks(*WORSE)
    assert bad.code == 0, bad.err
    assert "compared with the served model" in bad.out
    assert re.search(r"worse by [\d,.]+%, tolerated", bad.out)
    assert weeks.push("--rollback").code == 0
    good, poor = (run_json(run)["outcome"]["metrics"]["rmse"] for run in (weeks.first_run, bad))
    assert poor > 2 * good

    unchanged = weeks(*WORSE)
    assert unchanged.code == 0, unchanged.err
    [serves] = [int(line.split()[0]) for line in weeks.push().out.splitlines() if line.endswith("serves")]
    assert f"Nothing pushed: version {serves} serves" in unchanged.out
    assert "Pushed:" not in unchanged.out

    details = json.loads(runner("inspect", "show", serves, "--root", weeks.root, "--json", tree=weeks.tree).out)
    origin = details["provenance"]
    assert origin["model"]["status"] == f"version {serves} serves (restored by a rollback)"
    [file] = origin["files"]
    content = (weeks.tree / "data/week-1.csv").read_bytes()
    assert file["digest"] == hashlib.sha256(content).hexdigest()[:16]
    assert (file["path"], file["span"], file["bytes"]) == ("data/week-1.csv", "1", len(content))
    assert sum(file["rows"].values()) == 300
    assert run_json(unchanged)["files"][0]["path"] == "data/week-2.csv", "recorded again by a run that changes nothing"

    # Better than what was taken back, far worse than what serves.
    weeks.week(3)
    refused = weeks("--set", "training.epochs=2")
    assert refused.code == 3, refused.out
    outcome = run_json(refused)["outcome"]
    assert good / 1.5 < outcome["baseline"]["rmse"] < good * 1.5, "what serves, on the rows of this week"
    assert f"Version {serves} still serves" in refused.err


def test_a_moved_root_works_as_before(weeks, tmp_path):
    moved = tmp_path / "elsewhere" / "runs"
    moved.parent.mkdir()
    weeks.root.rename(moved)
    lineage = runner("inspect", "lineage", "latest", "--root", moved, tree=weeks.tree)
    assert lineage.code == 0, lineage.err
    assert str(moved) in lineage.out
    assert f"{weeks.root}/" not in lineage.out

    second_run = weeks(root=moved)
    assert second_run.code == 0, second_run.err
    assert f"the root was {weeks.root}: " in second_run.out
    assert [node for node, state in second_run.nodes.items() if state != "cached"] == ["history", "baseline"]
    assert version(second_run) == version(weeks.first_run)
    weeks.week(2)
    later = weeks("--set", "evaluation.baseline.tolerance=9", root=moved)
    assert later.code == 0, later.err
    assert "1 earlier run with other data" in later.out
    assert "compared with the served model" in later.out
    assert "the root was" not in later.out


def test_in_a_copied_root_a_stage_whose_artifact_is_gone_runs_again(weeks, tmp_path):
    """The artifact is not taken from the original, which is still there."""
    first_run = weeks("--to", "validation")
    assert first_run.code == 0, first_run.err
    copy = tmp_path / "copy"
    shutil.copytree(weeks.root, copy, symlinks=True)
    shutil.rmtree(copy / "weeks/artifacts/statistics")
    rows = json.loads(runner("inspect", "artifacts", "--root", copy, "--json", tree=weeks.tree).out)
    assert [row["type"] for row in rows if row["state"] == "MISSING"] == ["ExampleStatistics"]
    again = weeks("--to", "validation", root=copy)
    assert again.code == 0, again.err
    assert [node for node, state in again.nodes.items() if state == "cached"] == ["ingestion", "schema"]
    rows = json.loads(runner("inspect", "artifacts", "--root", copy, "--json", tree=weeks.tree).out)
    assert not [row["uri"] for row in rows if not row["uri"].startswith(f"{copy}/")]


def test_a_model_that_cannot_be_compared_or_is_of_an_older_week_is_pushed_only_if_allowed(weeks):
    weeks.week(2, columns=("x", "zz"))
    completed = runner("schema", "infer", "weeks", tree=weeks.tree)
    assert completed.code == 0, completed.err
    config = weeks.tree / "configs/weeks.toml"
    config.write_text(CONFIG.replace('column = "z"', 'column = "zz"'))
    completed = runner("schema", "approve", "weeks", tree=weeks.tree)
    assert completed.code == 0, completed.err
    held = weeks()
    assert held.code == 3, held.out
    line = held.line("Not pushed:")
    assert line.startswith(f"it was not compared with the serving version {version(weeks.first_run)}: ")
    assert ": the served model cannot read these rows: they have no column 'z'. " in line
    assert "not compared:" not in line
    assert line.endswith("To push it anyway: push.uncompared = true")
    assert run_json(held)["state"] == "NOT_BLESSED"

    refused = weeks("--set", "push.uncompared=true")
    assert refused.code == 0, refused.err
    assert refused.nodes["evaluator"] == "cached"
    assert version(refused) > version(weeks.first_run)

    weeks.week(2).unlink()
    weeks.week(1, columns=("x", "zz"))
    older = weeks("--set", "evaluation.baseline.tolerance=99")
    assert older.code == 3, older.out
    assert older.line("Not pushed:").startswith("its data is of span 1, but the serving version")
    refused = weeks("--set", "evaluation.baseline.tolerance=9", "--set", "push.older_span=true")
    assert refused.code == 0, refused.err


@pytest.mark.parametrize("kind", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.slow)])
def test_baseline_history_and_clean_up_of_one_store_belong_to_a_root(weeks, tmp_path, monkeypatch, request, kind):
    is_postgresql = kind == "PostgreSQL"
    url = request.getfixturevalue("postgresql").new_database() if is_postgresql else f"sqlite:///{tmp_path}/shared"
    monkeypatch.setenv("PIPELINE_METADATA", url)
    shutil.rmtree(weeks.root)
    first_run = weeks()
    assert first_run.code == 0, first_run.err
    weeks.week(2)
    other_root = tmp_path / "other"
    worse = weeks(*WORSE, root=other_root)
    assert worse.code == 0, worse.err
    assert "no baseline yet: no model is served" in worse.out, "the model of the first root is better by far"
    assert re.search(r"^history +done .* none yet$", worse.out, re.MULTILINE)
    weeks.week(3)
    second_run = weeks(*WORSE, root=other_root)
    assert second_run.code == 0, second_run.err
    assert "compared with the served model" in second_run.out
    assert "1 earlier run with other data" in second_run.out
    assert run_json(second_run)["outcome"]["baseline"]["rmse"] == pytest.approx(
        run_json(worse)["outcome"]["metrics"]["rmse"], rel=0.3
    ), "not the first root's model"

    kept_files = files(weeks.root)
    cleaned = runner("inspect", "clean", "--keep", "1", "--yes", "--root", weeks.root, tree=weeks.tree)
    assert cleaned.code == 0, cleaned.err
    assert cleaned.out.startswith("nothing to remove: "), cleaned.out
    assert files(weeks.root) == kept_files


def files(root):
    """Return the files of the pipeline below a root."""
    return {path for path in (root / "weeks").rglob("*") if path.is_file()}


def test_two_clones_share_the_cache_of_one_root(weeks, tmp_path):
    """Equal code and equal bytes at other paths."""
    clone = tmp_path / "clone of a colleague"
    shutil.copytree(weeks.tree, clone, symlinks=True)
    clone_run = runner("--local", "--pipeline", "weeks", "--root", weeks.root, tree=clone)
    assert clone_run.code == 0, clone_run.err
    assert set(clone_run.nodes.values()) == {"cached", "done"}
    assert {node for node, state in clone_run.nodes.items() if state == "done"} == {"history", "baseline"}
    assert "nothing has changed since run" in clone_run.out
    edited = runner(
        *("--local", "--pipeline", "weeks", "--root", weeks.root, "--set", "evaluation.baseline.tolerance=0.2"),
        tree=clone,
    )
    assert edited.code == 0, edited.err
    assert {edited.nodes[node] for node in ("ingestion", "statistics", "transformation", "trainer")} == {"cached"}


def test_equal_bytes_under_another_name_are_not_compared_with_themselves(weeks):
    """The warnings about a week stay if its file is sent again, or the run is repeated without the cache."""
    shutil.rmtree(weeks.root)
    checked = ("--to", "validation", "--set", "gates.drift.min_rows=100")
    first = weeks(*checked)
    assert first.code == 0, first.err
    assert "none yet" in first.out
    header, *rows = weeks.week(2).read_text().splitlines()
    moved = [",".join([str(float(row.split(",")[0]) + 3), *row.split(",")[1:]]) for row in rows]
    (weeks.tree / "data/week-2.csv").write_text("\n".join([header, *moved, ""]))
    second = weeks(*checked)
    assert second.code == 0, second.err
    warnings = run_json(second)["warnings"]
    assert any("column 'x'" in warning and "Jensen-Shannon divergence" in warning for warning in warnings)

    shutil.copy(weeks.tree / "data/week-2.csv", weeks.tree / "data/week-3.csv")
    for more in ((), ("--no-cache",)):
        again = weeks(*checked, *more)
        assert again.code == 0, again.err
        assert "1 earlier run with other data" in again.out
        assert run_json(again)["warnings"] == warnings, more


def test_a_served_model_that_was_trained_on_test_rows_is_no_baseline(weeks):
    """As after a change of `split`: its metrics on rows that it knows are too good to be reached."""
    config = weeks.tree / "configs/weeks.toml"
    config.write_text(CONFIG.replace("train = 6, eval = 2, test = 2", "train = 2, eval = 2, test = 6"))
    held = weeks()
    assert held.code == 3, held.out
    line = held.line("Not pushed:")
    assert line.startswith(f"it was not compared with the serving version {version(weeks.first_run)}: ")
    share = re.search(r"the served model was trained on (\d+\.\d)% of these rows, because they were split diff", line)
    assert share, line
    assert 25 < float(share[1]) < 42, "of the 60 % that are test rows now, a third were train rows"
    assert run_json(held)["outcome"]["baseline"] is None
    assert "evaluation.baseline" not in held.out + held.err, "no advice to widen the tolerance"
