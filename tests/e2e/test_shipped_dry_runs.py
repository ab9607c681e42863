"""Dry runs of shipped pipelines on both platforms: every metric is that of a run on this machine, to the last digit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import run_folder, runner

ROOTS = {"kubeflow": "s3://bucket/root", "vertex": "gs://bucket/root"}
SHORT = {
    "digits": ("training.epochs=1", "evaluation.floor={accuracy = 0.1}"),
    "houses": ("training.epochs=2", "evaluation.floor={r2 = -100.0}"),
    "penguins": (),
    "taxi": ("training.epochs=1", "evaluation.floor={auc = 0.1}"),
}
"""Pipeline -> overrides for runs that are about the platform and not about the model."""
Outcome = dict[str, Any]


def flags(name: str, root: Path) -> list[object]:
    overrides = [part for override in SHORT[name] for part in ("--set", override)]
    return ["--pipeline", name, "--root", root, *overrides]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shipped")


@pytest.fixture(scope="module")
def on_this_machine(root: Path) -> Callable[[str], Outcome]:
    """Function that runs a pipeline on this machine, once, and returns its outcome."""
    outcomes: dict[str, Outcome] = {}

    def run(name: str) -> Outcome:
        if name not in outcomes:
            result = runner("--local", *flags(name, root), timeout=3600)
            assert result.code == 0, result.err + result.out
            outcomes[name] = json.loads((run_folder(result) / "run.json").read_text())["outcome"]
        return outcomes[name]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("target", ROOTS)
@pytest.mark.parametrize("name", SHORT)
def test_a_dry_run_of_a_shipped_pipeline_has_the_metrics_of_a_local_run(
    name: str, target: str, root: Path, on_this_machine: Callable[[str], Outcome]
) -> None:
    expected = on_this_machine(name)
    more = ("--dry-run", "fork", "--cloud-root", ROOTS[target], "--image", "registry/image:1")
    dry = runner(f"--{target}", *flags(name, root), *more, timeout=3600)
    assert dry.code == 0, dry.err + dry.out
    folder = run_folder(dry)
    home = folder.parents[1] / "buckets" / f"{ROOTS[target]}/{name}".replace("://", "/")
    recorded = json.loads((home / "runs" / folder.name / "run.json").read_text())
    assert recorded["outcome"]["metrics"] == expected["metrics"]
    assert recorded["outcome"]["intervals"] == expected["intervals"]
    assert recorded["outcome"]["plain"] == expected["plain"]
    assert recorded["state"] == "COMPLETE"
