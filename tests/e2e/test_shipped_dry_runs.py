"""Dry runs of shipped pipelines on both platforms: every metric is that of a run on this machine, to the last digit."""

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import run_folder, runner

ROOTS = {"kubeflow": "s3://bucket/root", "vertex": "gs://bucket/root"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "penguins"])
def test_a_dry_run_of_a_shipped_pipeline_has_the_metrics_of_a_local_run(name: str, tmp_path: Path) -> None:
    local_run = runner("--local", "--pipeline", name, "--root", tmp_path, timeout=3600)
    assert local_run.code == 0, local_run.err + local_run.out
    expected: dict[str, Any] = json.loads((run_folder(local_run) / "run.json").read_text())["outcome"]
    for target, root in ROOTS.items():
        more = ("--dry-run", "fork", "--cloud-root", root, "--image", "registry/image:1", "--root", tmp_path)
        dry = runner(f"--{target}", "--pipeline", name, *more, timeout=3600)
        assert dry.code == 0, dry.err + dry.out
        folder = run_folder(dry)
        home = folder.parents[1] / "buckets" / f"{root}/{name}".replace("://", "/")
        recorded = json.loads((home / "runs" / folder.name / "run.json").read_text())
        assert recorded["outcome"]["metrics"] == expected["metrics"], target
        assert recorded["outcome"]["intervals"] == expected["intervals"], target
        assert recorded["state"] == "COMPLETE"
