"""Options and gates that would have no effect are rejected, and nothing is written."""

from pathlib import Path

import pytest

from errors import UserError
from orchestration.cli import parser
from orchestration.cloud import compiler
from pipeline.variants import Name


@pytest.mark.parametrize("target", ["--kubeflow", "--vertex"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--from", "trainer"),
        ("--to", "trainer"),
        ("--only", "trainer"),
        ("--metadata", "postgresql://host/db"),
        ("--root", "runs"),
        ("--new-run", None),
    ],
)
def test_an_option_of_local_runs_is_rejected_for_a_cloud(
    target: str, option: str, value: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.main([target, option, *([value] if value else [])]) == 2
    assert f"error: {option} has no effect with {target}: " in capsys.readouterr().err


@pytest.mark.parametrize(("option", "value"), [("--from", "trainer"), ("--to", "pusher")])
def test_one_stage_and_a_part_exclude_each_other(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["--local", "--only", "evaluator", option, value]) == 2
    assert f"error: --only evaluator {option} {value}: --only runs one stage" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "value"), [("--image", "i:1"), ("--output", "x.json"), ("--cloud-root", "gs://b")])
def test_an_option_of_a_cloud_is_rejected_for_a_local_run(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.main(["--local", option, value]) == 2
    assert f"error: {option} has no effect with --local" in capsys.readouterr().err


def test_a_store_in_the_environment_does_not_prevent_a_compilation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIPELINE_METADATA", "postgresql://host/db")
    assert parser.main(["--vertex", "--image", "an image"]) == 2
    assert "--image an image: write" in capsys.readouterr().err


def test_a_bucket_is_no_root_of_a_local_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parser.main(["--local", "--root", "gs://b/f"]) == 2
    assert "--root gs://b/f: a run on this machine needs a folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_a_gate_without_its_served_rows_is_rejected_before_the_job_is_written(target: str, tmp_path: Path) -> None:
    output = tmp_path / ("houses.yaml" if target == "kubeflow" else "houses.json")
    request = compiler.Request(
        target=target, name=Name("houses"), output=str(output), overrides=["gates.skew.path=data/served.csv"]
    )
    with pytest.raises(UserError, match=r"configs/houses.toml: gates.skew.path: there is no file .*data/served.csv"):
        compiler.run(request)
    assert not output.exists()
