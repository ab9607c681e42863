"""A project with small pipelines, for runs on this machine and dry runs of both platforms."""

import json
from pathlib import Path
from typing import Any

from ..flats import COMPLETE, Flats
from ..warm import Result
from .conftest import run_folder, runner

ROOTS = {"kubeflow": "s3://bucket/root", "vertex": "gs://bucket/root"}
FAST = """\
[evaluation]
importance = 0
plain = false
floor = {mae = 1e6}
[training]
epochs = 2
"""
PIPELINES = {
    "tuned": """\
[tuner]
trials = 3
[tuner.space]
"training.optimizer.learning_rate" = {low = 0.001, high = 0.1, scale = "log"}
""",
    "warm": "warm_start = true\n",
    "notes": "",
    "divided": "",
}
NOTES = Flats.CONFIG.replace('categorical = [{column = "city"}]', 'text = [{column = "city", ngrams = 2}]')
WORDS = ("sunny flat", "dark flat, no lift", "near the lake ☀", "Größe 4½")


class Project:
    """A project with small pipelines.

    Args:
        folder: Folder of the project.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._on_this_machine: dict[Any, Result] = {}
        for name in ("configs", "schemas", "data"):
            (folder / name).mkdir(parents=True)
        (folder / "pipeline-project.toml").write_text("format = 1\n")
        types = {"area": "FLOAT", "city": "BYTES", "rent": "INT"}
        schema = "".join(f'feature {{ name: "{name}" type: {kind} {COMPLETE} }}\n' for name, kind in types.items())
        for name, more in PIPELINES.items():
            config = (NOTES if name == "notes" else Flats.CONFIG).replace("flats.csv", f"{name}.csv")
            (folder / "configs" / f"{name}.toml").write_text(config + FAST + more)
            (folder / "schemas" / f"{name}.pbtxt").write_text(schema)
            self.rows(name, 120)

    def rows(self, name: str, count: int) -> None:
        """Write the table of a pipeline."""
        texts = [f'"{text}"' for text in WORDS] if name == "notes" else ["Bern", "Chur", "Brig", "Thun"]
        cells = [f"{40 + row % 50}.5,{texts[row % 4]},{900 + 7 * (row % 50) + row // 50}" for row in range(count)]
        (self.folder / "data" / f"{name}.csv").write_text("\n".join(["area,city,rent", *cells, ""]))

    def local(self, name: str, *more: str, code: int = 0) -> Result:
        """Run a pipeline on this machine; once for each table, in the order of the first calls."""
        key = (name, (self.folder / "data" / f"{name}.csv").read_bytes(), more)
        if key not in self._on_this_machine:
            self._on_this_machine[key] = self.run(name, "local", *more, code=code)
        return self._on_this_machine[key]

    def run(self, name: str, target: str, *more: str, code: int = 0) -> Result:
        """Run a pipeline on this machine or dry on a platform, with an exit code."""
        where = ["--local"]
        if target != "local":
            where = [f"--{target}", "--dry-run", "fork", "--cloud-root", ROOTS[target], "--image", "registry/image:1"]
        result = runner("--project", self.folder, *where, "--pipeline", name, *more)
        assert result.code == code, result.err + result.out
        assert set(result.nodes.values()) <= {"done", "cached"}
        return result


def outcome(result: Result, name: str, target: str) -> Any:
    """Return what run.json tells of the verdict."""
    folder = run_folder(result)
    if target != "local":
        folder = folder.parents[1] / "buckets" / f"{ROOTS[target]}/{name}/runs/{folder.name}".replace("://", "/")
    recorded = json.loads((folder / "run.json").read_text())
    assert recorded["state"] == "COMPLETE"
    return recorded["outcome"]
