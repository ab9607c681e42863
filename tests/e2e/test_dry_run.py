"""Dry runs of a small pipeline on both platforms, compared with a run on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from ..flats import COMPLETE, Flats
from ..warm import Result
from .conftest import run_folder, runner

TARGETS = {"kubeflow": "minio://store/root", "vertex": "gs://bucket/root"}
CONFIG = f"""\
{Flats.CONFIG}
[training]
epochs = 1
[evaluation]
importance = 0
floor = {{r2 = -100.0}}
baseline = [{{metric = "mae", tolerance = 0.9}}]
"""


def write_table(folder: Path, rows: int, area: int = 40) -> None:
    cells = [
        f"{area + row % 50}.5,{('Bern', 'Chur')[row % 2]},{900 + 7 * (row % 50) + row // 50}" for row in range(rows)
    ]
    (folder / "data" / "flats.csv").write_text("\n".join(["area,city,rent", *cells, ""]))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with 200 rows."""
    folder = tmp_path_factory.mktemp("dry") / "project"
    for name in ("configs", "schemas", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "pipeline-project.toml").write_text("format = 1\n")
    (folder / "configs" / "flats.toml").write_text(CONFIG)
    types = {"area": "FLOAT", "city": "BYTES", "rent": "INT"}
    schema = [f'feature {{ name: "{name}" type: {kind} {COMPLETE} }}\n' for name, kind in types.items()]
    (folder / "schemas" / "flats.pbtxt").write_text("".join(schema))
    write_table(folder, 200)
    return folder


def dry_run(project: Path, target: str, *more: object) -> Result:
    root = ("--cloud-root", TARGETS[target], "--image", "registry/image:1")
    return runner("--project", project, f"--{target}", "--pipeline", "flats", "--dry-run", "fork", *root, *more)


@pytest.fixture(scope="module")
def local(project: Path) -> dict[str, Any]:
    """The verdict of a run on this machine."""
    result = runner("--project", project, "--local", "--pipeline", "flats")
    assert result.code == 0, result.err + result.out
    outcome: dict[str, Any] = json.loads((run_folder(result) / "run.json").read_text())["outcome"]
    return outcome


@pytest.mark.parametrize("target", list(TARGETS))
def test_a_dry_run_has_the_metrics_of_a_local_run_and_an_unchanged_one_pushes_nothing(
    target: str, project: Path, local: dict[str, Any]
) -> None:
    first_run = dry_run(project, target)
    assert first_run.code == 0, first_run.err + first_run.out
    assert set(first_run.nodes.values()) == {"done"}
    pushed = first_run.line("Pushed:")
    assert pushed.startswith(f"{TARGETS[target]}/flats/serving/")
    folder = run_folder(first_run)
    buckets = folder.parents[1] / "buckets"
    assert verdict(folder, buckets)["metrics"] == local["metrics"]
    assert verdict(folder, buckets)["intervals"] == local["intervals"]
    assert verdict(folder, buckets)["plain"] == local["plain"]
    assert set(local["plain"]) == {"linear", "boosted_trees"}
    versions = buckets / f"{TARGETS[target]}/flats/serving".replace("://", "/")
    assert [path.name for path in versions.iterdir() if path.name.isdigit()] == [pushed.rpartition("/")[2]]
    recorded = recorded_run(versions.parent, folder.name)
    assert (recorded["state"], recorded["outcome"]["pushed"]) == ("COMPLETE", pushed)
    assert recorded["outcome"]["metrics"] == local["metrics"]
    assert recorded["config"]["training"]["epochs"] == 1
    for name, text in (
        ("report.html", "Worst rows"),
        ("model_card.md", f"pushed as version {pushed.rpartition('/')[2]}"),
    ):
        assert text in (versions.parent / "runs" / folder.name / name).read_text()
    assert "Unreadable" not in (versions.parent / "runs" / folder.name / "report.html").read_text()

    second_run = dry_run(project, target)
    assert second_run.code == 0, second_run.err + second_run.out
    rerun = {"validation", "baseline", "evaluator", "pusher"}
    assert second_run.nodes == {name: "done" if name in rerun else "cached" for name in first_run.nodes}
    assert second_run.line("Nothing pushed:") == f"version {pushed.rpartition('/')[2]} serves"
    assert len([path for path in versions.iterdir() if path.name.isdigit()]) == 1
    states = recorded_run(versions.parent, run_folder(second_run).name)["stages"]
    assert states == {name: "COMPLETE" if name in rerun else "CACHED" for name in first_run.nodes}
    report = (versions.parent / "runs" / run_folder(second_run).name / "report.html").read_text()
    assert "Training" in report, "also of stages from the cache"


def test_a_job_that_is_compiled_already_is_executed_as_it_is(project: Path, local: dict[str, Any]) -> None:
    job = project / "runs" / ".dry-run" / "vertex" / "flats" / "flats.json"
    if not job.exists():
        dry_run(project, "vertex")
    elsewhere = project / "elsewhere.json"
    elsewhere.write_text(job.read_text().replace("registry/image:1", "registry/image:2"))
    result = runner("--project", project, "--vertex", "--dry-run", "fork", "--job", elsewhere)
    assert result.code == 0, result.err + result.out
    assert set(result.nodes.values()) == {"done"}, "the image is part of the keys of the cache"
    folder = run_folder(result)
    assert folder.parents[2].name == "vertex"
    assert verdict(folder, folder.parents[1] / "buckets")["metrics"] == local["metrics"]


def recorded_run(home: Path, run_id: str) -> dict[str, Any]:
    """What a run leaves in the bucket, in the folder of its pipeline."""
    content: dict[str, Any] = json.loads((home / "runs" / run_id / "run.json").read_text())
    return content


def verdict(folder: Path, buckets: Path) -> dict[str, Any]:
    uri = json.loads((folder / "evaluator.output.json").read_text())["evaluation"]["uri"]
    content: dict[str, Any] = json.loads((buckets / uri.replace("://", "/") / "verdict.json").read_text())
    return content


def test_drifted_data_is_refused_with_the_sentence_of_a_local_run(project: Path, local: dict[str, Any]) -> None:
    """Also by a gate that counts rows; whichever data was accepted last, the areas moved by 100."""
    gates = ("--set", 'gates.drift={action="block", min_rows=50}', "--set", "gates.rows.min_ratio=0.9")
    dry_run(project, "vertex", *gates)
    write_table(project, 150, area=140)
    try:
        local_run = runner("--project", project, "--local", "--pipeline", "flats", "--to", "validation", *gates)
        dry = dry_run(project, "vertex", *gates)
    finally:
        write_table(project, 200)
    assert (local_run.code, dry.code) == (3, 3), dry.err + dry.out
    assert dry.nodes["validation"] == "failed"
    assert "transformation" not in dry.nodes
    sentences = [line.strip() for line in local_run.err.splitlines() if line.strip().startswith(("drift: ", "rows: "))]
    assert len(sentences) == 2, local_run.err
    assert [line for line in sentences if line not in dry.err] == []
    home = next((project / "runs" / ".dry-run" / "vertex").glob("*/buckets/gs/bucket/root/flats"))
    [blocked] = [path for path in (home / "runs").iterdir() if (path / "gates.json").exists()]
    recorded = recorded_run(home, blocked.name)
    assert recorded["state"] == "BLOCKED"
    assert [line for line in sentences if line not in recorded["reason"]] == []
    assert recorded["nodes"][-1] == "pusher", "the stages that did not run are named"
    assert "Jensen-Shannon divergence" in (blocked / "report.html").read_text()
    assert (blocked / "model_card.md").exists()


@pytest.mark.parametrize("target", ["kubeflow", pytest.param("vertex", marks=pytest.mark.slow)])
def test_a_changed_table_runs_what_depends_on_it_and_a_failing_step_ends_the_run(target: str, project: Path) -> None:
    if not (project / "runs" / ".dry-run" / target).exists():
        dry_run(project, target)
    schema = project / "schemas" / "flats.pbtxt"
    approved = schema.read_text()
    write_table(project, 201)
    try:
        changed = dry_run(project, target)
        assert changed.nodes["schema"] == "cached"
        assert changed.nodes["ingestion"] == changed.nodes["trainer"] == "done"
        assert changed.line("Pushed:").startswith(f"{TARGETS[target]}/flats/serving/"), changed.err
        schema.write_text(
            approved.replace("type: BYTES", 'domain: "cities" type: BYTES')
            + 'string_domain { name: "cities" value: "Bern" }\n'
        )
        failed = dry_run(project, target)
        assert failed.code == 3, failed.err + failed.out
        assert failed.nodes["validation"] == "failed"
        assert "trainer" not in failed.nodes
        assert "refused: step validation failed: " in failed.err
        assert "Chur" in failed.err
    finally:
        write_table(project, 200)
        schema.write_text(approved)
