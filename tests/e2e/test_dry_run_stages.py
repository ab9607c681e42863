"""Dry runs of a tuner and of texts, compared with the same runs on this machine."""

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


def equal(project: Project, name: str) -> dict[str, Result]:
    """Run a pipeline everywhere; the metrics must be equal to the last digit."""
    results = {target: project.run(name, target) for target in ("local", *ROOTS)}
    expected = outcome(results["local"], name, "local")
    for target in ROOTS:
        there = outcome(results[target], name, target)
        assert there["metrics"] == expected["metrics"], target
        assert there["intervals"] == expected["intervals"], target
    return results


@pytest.mark.slow
def test_a_tuner_finds_the_values_of_a_local_run_and_the_trainer_takes_them(project: Project) -> None:
    results = equal(project, "tuned")
    lines = {target: summary(result, "tuner") for target, result in results.items()}
    assert set(lines.values()) == {lines["local"]}
    assert "of 3 " in lines["local"]


@pytest.mark.slow
def test_texts_have_the_metrics_of_a_local_run(project: Project) -> None:
    equal(project, "notes")
