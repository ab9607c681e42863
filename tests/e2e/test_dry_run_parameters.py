"""Dry runs with parameters of the run, compared with runs on this machine whose config has the same values."""

import json
from typing import Any

import pytest

from ..warm import Result
from .cloud_projects import ROOTS, Project, outcome
from .conftest import run_folder, runner

NAME = "notes"


VALUES = ("epochs=3", "data_path=data/other.csv")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("parameters") / "project")
    made.rows(NAME, 90)
    (made.folder / "data" / f"{NAME}.csv").rename(made.folder / "data" / "other.csv")
    made.rows(NAME, 120)
    return made


@pytest.fixture(scope="module")
def expected(project: Project) -> Any:
    """What a run on this machine, whose config has the values, tells of the verdict."""
    values = ("--set", "training.epochs=3", "--set", "data.path=data/other.csv")
    here = runner("--project", project.folder, "--local", "--pipeline", NAME, *values)
    assert here.code == 0, here.err
    return outcome(here, NAME, "local")


def dry_run(project: Project, target: str, *parameters: str) -> Result:
    where = ("--dry-run", "fork", "--cloud-root", ROOTS[target], "--image", "registry/image:1")
    words = [word for parameter in parameters for word in ("--parameter", parameter)]
    return runner("--project", project.folder, f"--{target}", "--pipeline", NAME, *where, *words)


def facts(result: Result, target: str) -> Any:
    folder = run_folder(result)
    run = folder.parents[1] / "buckets" / f"{ROOTS[target]}/{NAME}/runs/{folder.name}".replace("://", "/")
    return json.loads((run / "run.json").read_text())


@pytest.mark.parametrize("target", list(ROOTS))
def test_a_run_with_parameters_has_the_metrics_and_cache_of_its_values(
    project: Project, expected: Any, target: str
) -> None:
    there = dry_run(project, target, *VALUES)
    assert there.code == 0, there.err + there.out
    assert outcome(there, NAME, target)["metrics"] == expected["metrics"]
    recorded = facts(there, target)
    assert recorded["config"]["training"]["epochs"] == 3
    assert recorded["config"]["data"]["path"] == recorded["data"] == "data/other.csv"

    again = dry_run(project, target, *VALUES)
    assert again.nodes["ingestion"] == again.nodes["trainer"] == "cached", again.out
    fewer = dry_run(project, target, "epochs=1", VALUES[1])
    assert (fewer.nodes["transformation"], fewer.nodes["trainer"]) == ("cached", "done"), fewer.out
    assert facts(fewer, target)["config"]["training"]["epochs"] == 1
