"""Store with runs of a pipeline and their files, for tests of `inspect clean`."""

import os
from pathlib import Path
from typing import Any

from inspection.clean.clean_up import Survey, survey
from inspection.clean.trash import Batch
from inspection.store.metadata_store import Store, open_store
from serving import versions

KEYS = {"ingestion": "examples", "trainer": "model", "evaluator": "blessing", "pusher": "pushed_model"}


class Runs:
    """Writer of runs: data, model, blessing and push, each with a file of 1,000 bytes."""

    def __init__(self, writer: Any, root: Path) -> None:
        self.writer, self.root, self.count = writer, root, 0

    @property
    def home(self) -> Path:
        return self.root / "houses"

    def __call__(
        self,
        *,
        blessed: bool = True,
        served: bool = False,
        named: bool = True,
        known: bool = True,
        state: str = "COMPLETE",
        examples: int | None = None,
        base: int | None = None,
    ) -> dict[str, int]:
        """Write a run; return node -> artifact id.

        Without `named` the record of its version does not name the model, without `known` ML Metadata does not know
        the push.
        """
        self.count += 1
        number, name = self.count, f"run-{self.count}"
        folder = self.home / "runs" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")
        run = self.writer.run(name, run_folder=str(folder), **({"state": state} if state else {}))
        ids: dict[str, int] = {}

        def node(node_id: str, kind: str, *inputs: tuple[str, int], **facts: Any) -> None:
            uri = self.place(node_id, number)
            file = uri / "Format-Serving" / "saved_model.pb" if node_id == "trainer" else uri / "content"
            file.parent.mkdir(parents=True)
            file.write_text(f"{number:4d}" * 250)
            key = KEYS[node_id]
            [ids[node_id]] = run.node(
                node_id, inputs=inputs, outputs=[(key, kind)], uri=str(uri), facts={key: facts}, folder_token="0a1b2c3d"
            )

        if examples is None:
            node("ingestion", "Examples")
        else:
            ids["ingestion"] = examples
            run.node("ingestion", state="CACHED", reused=[("examples", examples)])
        node("trainer", "Model", ("examples", ids["ingestion"]), *([("base_model", base)] if base else []))
        about = ids["trainer"]
        node("evaluator", "ModelBlessing", ("model", about), blessed=int(blessed), current_model_id=about)
        if served:
            source = self.place("trainer", number)
            model = os.path.relpath(source, self.home) if named else None
            version = versions.place(
                str(source / "Format-Serving"), str(self.home / "serving"), check=lambda _: None, model=model
            )
            if known:
                to = str(self.home / "serving" / str(version))
                node("pusher", "PushedModel", ("model", about), pushed=1, pushed_destination=to)
        return ids

    def place(self, node_id: str, number: int) -> Path:
        return self.home / "artifacts" / node_id / KEYS[node_id] / f"{number}-0a1b2c3d"

    def store(self) -> Store:
        return open_store(str(self.root), None, readonly=False)

    def survey(self, keep: int = 1) -> Survey:
        return survey(self.store(), str(self.root), "houses", keep)

    def clean(self, keep: int = 1) -> Survey:
        """Move what can be removed to the trash."""
        actual = self.survey(keep)
        assert actual.refused is None
        moved, kept_paths = Batch(str(self.root)).move(self.store(), actual.removable)
        assert (tuple(moved), kept_paths) == (actual.removable, [])
        return actual

    def left(self, node_id: str) -> list[int]:
        """Return the numbers of the runs whose output of a node exists."""
        folder = self.home / "artifacts" / node_id / KEYS[node_id]
        return sorted(int(name.partition("-")[0]) for name in os.listdir(folder))


def tree(folder: Path) -> dict[str, bytes]:
    """Return path -> content of all files below a folder, with links followed."""
    actual = {}
    for inner, _, names in os.walk(folder, followlinks=True):
        for path in (Path(inner, name) for name in names):
            actual[str(path.relative_to(folder))] = path.read_bytes()
    return actual
