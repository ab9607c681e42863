"""Flags of a compilation that are rejected."""

from pathlib import Path
from typing import Any

import pytest

from errors import ResourceError, RunError, UserError
from orchestration.cloud import compiler

from ..test_cloud import compiled


@pytest.mark.parametrize(
    ("target", "flags", "message"),
    [
        ("kubeflow", {"root": "/folder"}, r"--cloud-root /folder: .* write gs://BUCKET/FOLDER or s3://.* or minio://"),
        ("kubeflow", {"root": "gs://"}, r"--cloud-root gs://: "),
        ("kubeflow", {"root": ""}, r"--cloud-root '': "),
        ("kubeflow", {"root": "https://host/folder"}, r"--cloud-root https://host/folder: "),
        ("vertex", {"root": "s3://bucket/folder"}, r"Vertex AI keeps files in a bucket: write gs://BUCKET/FOLDER, "),
        ("vertex", {"data_root": "data"}, r"--data-root data: "),
        (
            "vertex",
            {"data_root": "gs://bucket/x"},
            r"there is no file gs://bucket/x/data/houses.csv.gz. Put",
        ),
        ("vertex", {"image": "an image"}, r"--image an image: write a container image as REGISTRY/NAME:TAG"),
        ("vertex", {"output": "job.yaml"}, r"--output job.yaml: Vertex AI needs a .json file"),
        ("kubeflow", {"output": "job.json"}, r"--output job.json: Kubeflow Pipelines needs a .yaml or .yml file"),
        ("kubeflow", {"output": "nowhere/job.yaml"}, r"--output nowhere/job.yaml: the folder nowhere does not exist"),
        ("vertex", {"overrides": ["data.path=../x.csv"]}, r"data.path is '../x.csv': a cloud job needs a path under"),
        ("vertex", {"overrides": ["data.path=data/x.csv"]}, r"data.path: there is no file .*data/x.csv"),
    ],
)
def test_the_error_of_an_invalid_flag_names_it(target: str, flags: Any, message: str, tmp_path: Path, gcs: Any) -> None:
    with pytest.raises(UserError, match=message):
        compiled(target, "houses", tmp_path, **flags)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "flags",
    [{"root": "s3://key:canary@bucket/x"}, {"root": "gs://b/x?token=canary"}, {"image": "me:canary@host/image"}],
)
def test_credentials_are_rejected_and_not_repeated(flags: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        compiled("kubeflow", "houses", tmp_path, **flags)
    assert "canary" not in str(caught.value)


def test_a_job_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "houses.yaml").mkdir()
    with pytest.raises(ResourceError, match=r"houses.yaml cannot be written \(Is a directory\)"):
        compiled("kubeflow", "houses", tmp_path)


def test_user_code_is_imported_before_a_job_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "USER_CODE", ("models.nowhere",))
    with pytest.raises(UserError, match=r"models.nowhere does not import: ModuleNotFoundError"):
        compiled("kubeflow", "houses", tmp_path)


def test_the_job_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration.cloud import job

    monkeypatch.setattr(job, "SCHEMA_VERSION", "2.2.0")
    with pytest.raises(RunError, match=r"schemaVersion is 2.1.0, not 2.2.0"):
        compiled("kubeflow", "houses", tmp_path)
    assert not list(tmp_path.iterdir())
