"""A store as TFX writes it, made with ml_metadata alone."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

Outputs = dict[str, list[pb.Artifact]]


class TfxWriter:
    """Writes contexts, executions, artifacts and events in the order in which TFX 1.16's launcher does."""

    def __init__(self, path: Path) -> None:
        config = pb.ConnectionConfig()
        config.sqlite.filename_uri = str(path)
        config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self.store = MetadataStore(config)
        self._types: dict[tuple[str, str], int] = {}
        self._known: dict[tuple[str, str], pb.Context] = {}
        for kind in ("pipeline", "pipeline_run", "node"):
            self.type_id("context", kind)

    def type_id(self, kind: str, name: str) -> int:
        if (kind, name) not in self._types:
            put = getattr(self.store, f"put_{kind}_type")
            self._types[kind, name] = put(getattr(pb, f"{kind.title()}Type")(name=name))
        return self._types[kind, name]

    def context(self, kind: str, name: str, **custom: str) -> pb.Context:
        known = self._known.setdefault((kind, name), pb.Context(type_id=self.type_id("context", kind), name=name))
        for key, value in custom.items():
            known.custom_properties[key].string_value = value
        if custom or not known.id:
            [known.id] = self.store.put_contexts([known])
        return known

    def run(self, run_id: str, *, pipeline: str = "houses", parent: bool = True, **custom: str) -> "TfxRun":
        above = self.context("pipeline", pipeline)
        run = self.context("pipeline_run", run_id, **custom)
        if parent:
            self.store.put_parent_contexts([pb.ParentContext(parent_id=above.id, child_id=run.id)])
        return TfxRun(self, above, run)


class TfxRun:
    def __init__(self, writer: TfxWriter, pipeline: pb.Context, run: pb.Context) -> None:
        self.writer, self.pipeline, self.context = writer, pipeline, run

    def node(
        self,
        node: str,
        *,
        state: str = "COMPLETE",
        inputs: Iterable[tuple[str, int]] = (),
        outputs: Iterable[tuple[str, str]] = (),
        reused: Iterable[tuple[str, int]] = (),
        uri: str | None = None,
        event: str = "OUTPUT",
        **custom: Any,
    ) -> list[int]:
        """Runs a node and returns its artifacts; `outputs` are (key, artifact type), the others (key, artifact id)."""
        store = self.writer.store
        kind = self.writer.type_id("execution", f"components.{node}.Component")
        execution = pb.Execution(type_id=kind, last_known_state=pb.Execution.RUNNING)
        for key, value in custom.items():
            execution.custom_properties[key].CopyFrom(
                value if isinstance(value, pb.Value) else pb.Value(string_value=value)
            )
        contexts = [self.pipeline, self.context, self.writer.context("node", f"{self.pipeline.name}.{node}")]
        taken = [(pb.Artifact(), self._event("INPUT", key, 0, id_)) for key, id_ in inputs]
        taken = [(store.get_artifacts_by_id([event.artifact_id])[0], event) for _, event in taken]
        execution.id, _, _ = store.put_execution(execution, taken, contexts)
        if state == "RUNNING":
            return []
        execution.last_known_state = pb.Execution.State.Value(state)
        made = []
        indexes: dict[str, int] = {}
        for key, type_name in outputs:
            index = indexes[key] = indexes.get(key, -1) + 1
            type_id = self.writer.type_id("artifact", type_name)
            artifact = pb.Artifact(
                type_id=type_id, uri=uri or f"/data/{node}/{key}/{execution.id}", state=pb.Artifact.LIVE
            )
            artifact.custom_properties["tfx_version"].string_value = "1.16.0"
            made.append((artifact, self._event(event, key, index)))
        for key, id_ in reused:
            made.append((store.get_artifacts_by_id([id_])[0], self._event(event, key, 0, id_)))
        _, ids, _ = store.put_execution(execution, made, contexts)
        return list(ids)

    def end(self, state: str, **custom: str) -> None:
        self.writer.context("pipeline_run", self.context.name, state=state, **custom)

    @staticmethod
    def _event(kind: str, key: str, index: int, artifact_id: int | None = None) -> pb.Event:
        event = pb.Event(type=pb.Event.Type.Value(kind), artifact_id=artifact_id)
        event.path.steps.add().key = key
        event.path.steps.add().index = index
        return event


@pytest.fixture
def writer(tmp_path: Path) -> TfxWriter:
    """An empty TFX store at tmp_path/metadata.sqlite."""
    return TfxWriter(tmp_path / "metadata.sqlite")


@pytest.fixture
def make_writer() -> Callable[[Path], TfxWriter]:
    return TfxWriter
