"""Which data a compiled job reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from orchestration.cloud import compiler
from pipeline.variants import Name


def parameters(folder: Path, overrides: list[str], **flags: Any) -> tuple[Any, str]:
    """Paths and the content's digest, as the compiled ingestion has them."""
    output = folder / "job.json"
    request = compiler.Request(
        target="vertex", name=Name("houses"), output=str(output), root="gs://bucket/x", overrides=overrides, **flags
    )
    assert compiler.run(request) == 0
    task = json.loads(output.read_text())["pipelineSpec"]["root"]["dag"]["tasks"]["ingestion"]
    values = {key: value["runtimeValue"]["constant"] for key, value in task["inputs"]["parameters"].items()}
    return json.loads(values["settings"])["inline"]["paths"], values["content"]


def test_files_of_predefined_splits_stay_patterns(tmp_path: Path) -> None:
    path = '{train = ["data/sales-{SPAN}.csv", "data/more/*.parquet"], test = "data/test.csv"}'
    paths, content = parameters(tmp_path, [f"data.path={path}", "data.split=files"], data_root="gs://data/here/")
    assert paths == {
        "train": ["gs://data/here/data/sales-{SPAN}.csv", "gs://data/here/data/more/*.parquet"],
        "test": "gs://data/here/data/test.csv",
    }
    assert content == ""


def test_several_files_in_the_image_are_relative_and_digested(tmp_path: Path) -> None:
    one = parameters(tmp_path, ['data.path=["data/houses*"]'])
    other = parameters(tmp_path, ['data.path=["data/house?.csv.gz"]'])
    assert (one[0], other[0]) == (["data/houses*"], ["data/house?.csv.gz"])
    assert one[1] == other[1] != ""
    with pytest.raises(
        UserError, match=r"configs/houses\.toml: data\.path is '\.\./x\*': a cloud job needs a path under"
    ):
        parameters(tmp_path, ['data.path=["data/houses.csv.gz", "../x*"]'])
