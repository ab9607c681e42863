"""Which data a compiled job reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from orchestration.cli import parser
from orchestration.cloud import compiler
from pipeline.variants import Name

from .. import picture_files


def parameters(folder: Path, overrides: list[str], **flags: Any) -> tuple[Any, str]:
    """Paths and the content's digest, as the compiled ingestion has them."""
    output = folder / "job.json"
    request = compiler.Request(
        target="vertex", name=Name("houses"), output=str(output), root="gs://bucket/x", overrides=overrides, **flags
    )
    assert compiler.run(request) == 0
    task = json.loads(output.read_text())["pipelineSpec"]["root"]["dag"]["tasks"]["ingestion"]
    parameters = task["inputs"]["parameters"].items()
    values = {key: value["runtimeValue"]["constant"] for key, value in parameters if "runtimeValue" in value}
    return json.loads(values["settings"])["inline"]["paths"], values["content"]


PREDICTED = '\n[inference]\npath = "data/new.csv"\n'
SERVED = '\n[gates.skew]\npath = "data/served.csv"\n'


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
@pytest.mark.parametrize(
    ("more", "key", "missing"),
    [("", "data.path", "flats"), (PREDICTED, "inference.path", "new"), (SERVED, "gates.skew.path", "served")],
)
def test_a_compilation_without_the_data_names_the_file_and_the_option_for_a_bucket(
    target: str, more: str, key: str, missing: str, flats: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    flats.config(flats.CONFIG + more)
    if not more:
        (flats.root / "data/flats.csv").unlink()
    output = flats.root / ("job.yaml" if target == "kubeflow" else "job.json")
    command = [f"--{target}", "--pipeline", "flats", "--output", str(output), "--cloud-root", "gs://bucket/x"]
    assert parser.main(command) == 2
    error = capsys.readouterr().err
    assert error == (
        f"error: configs/flats.toml: {key}: there is no file {flats.root}/data/{missing}.csv. Put it there, or fix the "
        "path. The job reads the data of this project, which is in the image; --data-root gs://BUCKET/FOLDER reads it "
        "from a bucket instead\n"
    )
    assert not output.exists()

    # What needs no data is found without it.
    flats.config((flats.CONFIG + more).replace('column = "city"', 'column = "town"'))
    assert parser.main(command) == 2
    error = capsys.readouterr().err
    assert "features.categorical names 'town', which schemas/flats.pbtxt does not define" in error
    assert "there is no file" not in error


def test_another_fault_of_the_data_says_nothing_of_a_bucket(flats: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (flats.root / "data/flats.csv").write_text("area\n50\n")
    assert parser.main(["--kubeflow", "--pipeline", "flats", "--cloud-root", "gs://bucket/x"]) == 2
    error = capsys.readouterr().err
    assert "column 'city' of the schema is missing" in error
    assert "--data-root" not in error


def test_files_of_predefined_splits_stay_patterns(tmp_path: Path, gcs: Any) -> None:
    for name in ("sales-1.csv", "more/a.parquet", "test.csv"):
        gcs.put("bucket", f"here/data/{name}", b"x")
    path = '{train = ["data/sales-{SPAN}.csv", "data/more/*.parquet"], test = "data/test.csv"}'
    paths, content = parameters(tmp_path, [f"data.path={path}", "data.split=files"], data_root="gs://bucket/here/")
    assert paths == {
        "train": ["gs://bucket/here/data/sales-{SPAN}.csv", "gs://bucket/here/data/more/*.parquet"],
        "test": "gs://bucket/here/data/test.csv",
    }
    assert content.startswith("bucket-")


def test_several_files_in_the_image_are_relative_and_digested(tmp_path: Path) -> None:
    any_text = parameters(tmp_path, ['data.path=["data/houses*"]'])
    any_character = parameters(tmp_path, ['data.path=["data/house?.csv.gz"]'])
    assert (any_text[0], any_character[0]) == (["data/houses*"], ["data/house?.csv.gz"])
    assert any_text[1] == any_character[1] != ""
    with pytest.raises(
        UserError, match=r"configs/houses\.toml: data\.path is '\.\./x\*': a cloud job needs a path under"
    ):
        parameters(tmp_path, ['data.path=["data/houses.csv.gz", "../x*"]'])


def test_a_folder_of_images_in_a_bucket_compiles_as_the_same_folder_here(
    tmp_path: Path, gcs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a folder in a bucket does not identify it as a folder of images, whose cells no model cleans."""
    for name in ("configs", "schemas"):
        (tmp_path / name).mkdir()
    (tmp_path / "configs" / "photos.toml").write_text(picture_files.CONFIG)
    (tmp_path / "schemas" / "photos.pbtxt").write_text(picture_files.SCHEMA)
    picture_files.classes(tmp_path / "data" / "photos")
    for path in (tmp_path / "data" / "photos").rglob("*.png"):
        gcs.put("bucket", str(path.relative_to(tmp_path)), path.read_bytes())
    monkeypatch.setenv("PIPELINE_PROJECT", str(tmp_path))

    def cleaning(data_root: str | None) -> Any:
        output = tmp_path / "job.json"
        request = compiler.Request(
            target="vertex", name=Name("photos"), output=str(output), root="gs://bucket/x", data_root=data_root
        )
        assert compiler.run(request) == 0
        parameters = json.loads(output.read_text())["pipelineSpec"]["root"]["dag"]["tasks"]["trainer"]["inputs"]
        config = json.loads(parameters["parameters"]["custom_config"]["runtimeValue"]["constant"])
        return config["settings"]["inline"]["cleaning"]

    assert cleaning("gs://bucket") == cleaning(None) is None
