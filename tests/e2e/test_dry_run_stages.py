"""Dry runs of a tuner, of texts and of what reads earlier runs, compared with the same runs on this machine."""

import re

import pytest

from ..warm import Result
from .cloud_projects import ROOTS, Project, outcome


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("stages") / "project")


def summary(result: Result, stage: str) -> str:
    """Return the summary line of a stage, without its time."""
    [line] = [line for line in result.out.splitlines() if line.startswith(f"{stage} ") and " done " in line]
    return line.split(" s  ", 1)[1]


def equal(project: Project, name: str, target: str) -> dict[str, Result]:
    """Run a pipeline here and on a platform; the metrics must be equal to the last digit."""
    results = {"local": project.local(name), target: project.run(name, target)}
    here, there = (outcome(result, name, place) for place, result in results.items())
    assert there["metrics"] == here["metrics"]
    assert there["intervals"] == here["intervals"]
    return results


@pytest.mark.slow
@pytest.mark.parametrize("target", ROOTS)
def test_a_tuner_finds_the_values_of_a_local_run_and_the_trainer_takes_them(project: Project, target: str) -> None:
    results = equal(project, "tuned", target)
    lines = {place: summary(result, "tuner") for place, result in results.items()}
    assert set(lines.values()) == {lines["local"]}
    assert "of 3 " in lines["local"]


@pytest.mark.slow
@pytest.mark.parametrize("target", ROOTS)
def test_a_warm_start_takes_the_weights_of_the_model_that_serves(project: Project, target: str) -> None:
    project.rows("warm", 120)
    first_runs = equal(project, "warm", target)
    assert {summary(result, "warm-start") for result in first_runs.values()} == {"none yet"}
    project.rows("warm", 150)
    lines = {place: summary(result, "trainer") for place, result in equal(project, "warm", target).items()}
    assert set(lines.values()) == {lines["local"]}
    assert "of the model that serves" in lines["local"]


@pytest.mark.slow
@pytest.mark.parametrize("target", ROOTS)
def test_a_model_is_not_compared_on_rows_that_the_served_model_was_trained_on(project: Project, target: str) -> None:
    equal(project, "divided", target)
    salt = ("--set", "data.split.salt=b")
    results = [project.local("divided", *salt, code=3), project.run("divided", target, *salt, code=3)]
    pattern = r"the served model was trained on [0-9.]+% of these rows"
    here, there = (re.findall(pattern, result.err) for result in results)
    assert there == here
    assert here


@pytest.mark.slow
@pytest.mark.parametrize("target", ROOTS)
def test_texts_have_the_metrics_of_a_local_run(project: Project, target: str) -> None:
    equal(project, "notes", target)
