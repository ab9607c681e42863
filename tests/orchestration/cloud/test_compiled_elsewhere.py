"""Dry runs of a job that is compiled already: `--job FILE`, and the files and options that it refuses."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from orchestration.cli import parser
from orchestration.cloud import job_file
from orchestration.cloud.emulation import dry_run
from orchestration.cloud.parameters import long_parameters


def job(facts: Any, **inputs: Any) -> dict[str, Any]:
    """A job of one step with facts, in the form for Vertex AI."""
    constant = {"runtimeValue": {"constant": facts if isinstance(facts, str) else json.dumps(facts)}}
    tasks = {"schema": {}, "validation": {"inputs": {"parameters": {"facts": constant}}}}
    return {"pipelineSpec": {"root": {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": inputs}}}}


@pytest.fixture
def compiled(tmp_path: Path) -> str:
    path = tmp_path / "compiled.json"
    path.write_text(json.dumps(job({"pipeline": "cars-log", "target": "vertex"}, epochs={"defaultValue": 3})))
    return str(path)


def test_a_compiled_job_is_executed_as_it_is_in_the_folder_of_its_pipeline(
    compiled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[dry_run.Order] = []
    monkeypatch.setattr(dry_run, "run", orders.append)
    command = ["--vertex", "--dry-run", "fork", "--job", compiled, "--parameter", "epochs=2", "--root", str(tmp_path)]
    assert parser.main(command) == 0
    folder = str(tmp_path / ".dry-run" / "vertex" / "cars-log")
    expected = dry_run.Order(target="vertex", job=compiled, folder=folder, mode="fork", parameters={"epochs": 2})
    assert orders == [expected]
    assert Path(folder).is_dir()


@pytest.mark.parametrize(("mode", "is_imported"), [("fork", True), ("subprocess", False)])
def test_what_all_steps_import_is_imported_before_the_first_fork(
    mode: str, is_imported: bool, compiled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
    found: list[bool] = []
    monkeypatch.setattr(dry_run, "run", lambda _: found.append(name in sys.modules))
    monkeypatch.delitem(sys.modules, name, raising=False)
    assert parser.main(["--vertex", "--dry-run", mode, "--job", compiled, "--root", str(tmp_path)]) == 0
    assert found == [is_imported]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pipeline", "houses"], "--pipeline has no effect with --job"),
        (["--variant", "log"], "--variant has no effect with --job"),
        (["--sample", "100"], "--sample has no effect with --job"),
        (["--set", "seed=1"], "--set has no effect with --job"),
        (["--data-root", "gs://b"], "--data-root has no effect with --job"),
        (["--beam", "--runner=X"], "--beam has no effect with --job"),
        (["--no-cache"], "--no-cache has no effect with --job"),
        (["--output", "x.json"], "--output has no effect with --job"),
        (["--image", "i:1"], "--image has no effect with --job"),
        (["--cloud-root", "gs://b"], "--cloud-root has no effect with --job"),
        (["--spot"], "--spot has no effect with --job"),
        (["--submit"], "--job is of --dry-run: leave out the options that send a job"),
        (["--parameter", "data_version=x"], "--parameter data_version: this job has no such parameter"),
    ],
)
def test_an_option_that_a_compiled_job_would_ignore_is_refused(
    options: list[str], message: str, compiled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.main(["--vertex", "--dry-run", "--job", compiled, "--root", str(tmp_path / "runs"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["--vertex"], "a compiled job is executed by --dry-run: add it"),
        (["--local"], "--job has no effect with --local"),
    ],
)
def test_a_compiled_job_without_a_dry_run_is_refused(
    command: list[str], message: str, compiled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.main([*command, "--job", compiled]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "missing.json",
            None,
            r"cannot be read \(No such file or directory\): compile one with .* --kubeflow --output",
        ),
        ("empty.yaml", "", "is not a compiled job of a pipeline"),
        ("broken.json", "{", "is not a compiled job of a pipeline"),
        ("broken.yaml", "a: [", "is not a compiled job of a pipeline"),
        ("other.yaml", "root: {dag: {tasks: {a: {}}}}", "is not a compiled job of a pipeline"),
        ("list.json", "[1]", "is not a compiled job of a pipeline"),
        ("vertex.json", json.dumps(job({"pipeline": "cars", "target": "vertex"})), "is a job for --vertex: use that"),
    ],
)
def test_another_file_is_refused(name: str, text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=rf"--job .*{name} {message}"):
        job_file.run_name(str(tmp_path / name), "kubeflow")


def test_facts_that_are_too_long_for_an_argument_are_read_from_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_parameters.project, "absolute", lambda path: str(tmp_path / path))
    compiled = job({"pipeline": "wide", "target": "vertex", "columns": ["x" * 1000] * 100})
    files = long_parameters.shorten(compiled)
    (tmp_path / "wide.json").write_text(json.dumps(compiled))
    with pytest.raises(UserError, match="with settings of this step is not in the image"):
        job_file.run_name(str(tmp_path / "wide.json"), "vertex")
    long_parameters.write(files)
    assert job_file.run_name(str(tmp_path / "wide.json"), "vertex") == "wide"
