"""Dry runs whose data is in a bucket: upload, compile, and steps that read it with the real client."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .. import picture_files
from ..flats import COMPLETE, Flats
from ..picture_files import classes
from ..warm import Result
from .conftest import run_folder, runner

FAST = """\
[training]
epochs = 1
[evaluation]
importance = 0
plain = false
floor = {%s = %s}
"""


class Stored:
    """A project whose data is in two buckets, and runs of it.

    Args:
        folder: Folder of the project.
        urls: Environment variables with the servers' addresses.
    """

    def __init__(self, folder: Path, urls: dict[str, str]) -> None:
        self.folder, self._urls = folder, urls

    def run(self, *words: object, **environment: str) -> Result:
        return runner(*words, "--project", self.folder, timeout=900, **self._urls, **environment)

    def upload(self, name: str, root: str) -> Result:
        result = self.run("upload", name, "--data-root", root)
        assert result.code == 0, result.err + result.out
        return result

    def dry_run(self, name: str, target: str, root: str, steps: str = "forks") -> Result:
        """Run a job; steps that read a bucket are new processes, as for a user, or forks."""
        cloud = {"kubeflow": "minio://store/root", "vertex": "gs://bucket/root"}[target]
        keys = ("--cloud-root", cloud, "--image", "registry/image:1", "--dry-run", "fork", "--data-root", root)
        return self.run(f"--{target}", "--pipeline", name, *keys, STEPS=steps)

    def outcome(self, name: str) -> Any:
        result = self.run("--local", "--pipeline", name)
        assert result.code == 0, result.err + result.out
        return json.loads((run_folder(result) / "run.json").read_text())["outcome"]


def recorded(result: Result, name: str) -> Any:
    """What a dry run left in its bucket."""
    assert result.code == 0, result.err + result.out
    folder = run_folder(result)
    [path] = folder.parents[1].glob(f"buckets/*/*/root/{name}/runs/{folder.name}/run.json")
    return json.loads(path.read_text())


def table(rows: int, start: int = 0) -> str:
    return Flats.HEADER + "".join(
        f"{40 + row % 50}.5,{('Bern', 'Chur')[row % 2]},{900 + 7 * (row % 50) + row // 50}\n"
        for row in range(start, start + rows)
    )


@pytest.fixture
def stored(tmp_path: Path, gcs: Any, s3: str) -> Stored:
    """Three small pipelines: a table, spans, and images; without modules or data in the image."""
    folder = tmp_path / "project"
    for name in ("configs", "schemas", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "pipeline-project.toml").write_text("format = 1\n")
    types = {"area": "FLOAT", "city": "BYTES", "rent": "INT"}
    schema = "".join(f'feature {{ name: "{name}" type: {kind} {COMPLETE} }}\n' for name, kind in types.items())
    regression = FAST % ("r2", "-100.0")
    texts = {
        "flats": Flats.CONFIG + regression,
        "weeks": Flats.CONFIG.replace('"data/flats.csv"', '"data/weeks/flats-{SPAN}.csv"\nwindow = 2') + regression,
        "photos": picture_files.CONFIG + FAST % ("accuracy", "0.0"),
    }
    for name, text in texts.items():
        (folder / "configs" / f"{name}.toml").write_text(text)
        (folder / "schemas" / f"{name}.pbtxt").write_text(picture_files.SCHEMA if name == "photos" else schema)
    (folder / "data" / "weeks").mkdir()
    (folder / "data" / "flats.csv").write_text(table(120))
    for span in range(3):
        (folder / "data" / "weeks" / f"flats-{span}.csv").write_text(table(60, 60 * span))
    classes(folder / "data" / "photos", count=12)
    urls = {"STORAGE_EMULATOR_HOST": gcs.url, "AWS_ENDPOINT_URL": s3}
    return Stored(folder, {**urls, "AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "canary-of-s3"})


@pytest.mark.parametrize(
    ("name", "target", "root", "steps"),
    [
        ("flats", "kubeflow", "s3://bucket/dry", "processes"),
        ("weeks", "vertex", "gs://bucket-of-data/dry", "forks"),
        ("photos", "kubeflow", "gs://bucket-of-data/dry", "forks"),
    ],
)
def test_metrics_of_data_in_a_bucket_are_those_of_a_local_run(
    stored: Stored, name: str, target: str, root: str, steps: str
) -> None:
    expected = stored.outcome(name)
    stored.upload(name, root)
    shutil.move(stored.folder / "data", stored.folder.parent / "elsewhere")
    dry = stored.dry_run(name, target, root, steps)
    run = recorded(dry, name)
    assert run["outcome"]["metrics"] == expected["metrics"]
    assert run["outcome"]["intervals"] == expected["intervals"]
    assert "canary-of-s3" not in "".join(
        path.read_text(errors="replace") for path in run_folder(dry).parents[1].rglob("*") if path.is_file()
    )


def test_an_unchanged_object_is_served_from_the_cache_and_a_changed_one_is_read(stored: Stored) -> None:
    root = "gs://bucket-of-data/dry"
    stored.upload("flats", root)
    first_run = stored.dry_run("flats", "vertex", root)
    assert recorded(first_run, "flats")["state"] == "COMPLETE"
    stored.upload("flats", root)
    second_run = stored.dry_run("flats", "vertex", root)
    assert second_run.nodes["ingestion"] == second_run.nodes["trainer"] == "cached", second_run.out
    (stored.folder / "data" / "flats.csv").write_text(table(121))
    stored.upload("flats", root)
    changed = stored.dry_run("flats", "vertex", root)
    assert changed.nodes["ingestion"] == changed.nodes["trainer"] == "done", changed.err
    assert changed.nodes["schema"] == "cached"

    # A row that the schema refuses is named by its object and line.
    (stored.folder / "data" / "flats.csv").write_text(table(120) + ",Bern,900\n")
    stored.upload("flats", root)
    refused = stored.dry_run("flats", "vertex", root)
    assert refused.code == 3, refused.err + refused.out
    assert f"{root}/data/flats.csv line 122" in refused.err, refused.err
