"""Writer of a store with many runs, as TFX creates it: python tests/inspection/many.py FOLDER RUNS recorded|stock."""

import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

PIPELINES = ("houses", "digits")
NODES: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "ingestion": ((), (("examples", "Examples"),)),
    "schema": ((), (("schema", "Schema"),)),
    "statistics": (("examples",), (("statistics", "ExampleStatistics"),)),
    "validation": (("statistics", "schema"), (("anomalies", "ExampleAnomalies"),)),
    "transformation": (("examples", "schema"), (("transform_graph", "TransformGraph"), ("transformed", "Examples"))),
    "trainer": (("transformed", "transform_graph", "schema"), (("model", "Model"), ("model_run", "ModelRun"))),
    "baseline": ((), ()),
    "evaluator": (("examples", "model"), (("evaluation", "ModelEvaluation"), ("blessing", "ModelBlessing"))),
    "pusher": (("model", "blessing"), (("pushed_model", "PushedModel"),)),
}
"""Node -> what it takes, and what it makes: channel and type."""
_BATCH = 500


def make(folder: Path, runs: int, *, recorded: bool) -> None:
    """Write folder/metadata.sqlite with bulk inserts.

    Three of four runs share the first one's data, and every tenth run's pusher failed. `recorded`: whether the runs'
    states are, as our runner does and stock TFX does not.
    """
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(folder / "metadata.sqlite")
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    store = MetadataStore(config)
    kinds = {name: store.put_context_type(pb.ContextType(name=name)) for name in ("pipeline", "pipeline_run", "node")}
    made_types = {kind for _, outputs in NODES.values() for _, kind in outputs}
    artifact_types = {kind: store.put_artifact_type(pb.ArtifactType(name=kind)) for kind in made_types}
    execution_types = {node: store.put_execution_type(pb.ExecutionType(name=f"components.{node}.X")) for node in NODES}
    above = store.put_contexts([pb.Context(type_id=kinds["pipeline"], name=name) for name in PIPELINES])
    places_and_nodes = list(itertools.product(range(len(PIPELINES)), NODES))
    named = [pb.Context(type_id=kinds["node"], name=f"{PIPELINES[place]}.{node}") for place, node in places_and_nodes]
    node_ids = dict(zip(places_and_nodes, store.put_contexts(named), strict=True))
    run_ids = _put(store.put_contexts, [_run(kinds["pipeline_run"], n, folder, recorded) for n in range(runs)])
    store.put_parent_contexts([pb.ParentContext(parent_id=above[n % 2], child_id=id_) for n, id_ in enumerate(run_ids)])
    executions = [_execution(execution_types[node], node, number) for number in range(runs) for node in NODES]
    execution_ids = iter(_put(store.put_executions, executions))
    artifacts = [
        _artifact(artifact_types[kind], kind, f"{folder}/{node}/{key}/{number}", number)
        for number in range(runs)
        for node, (_, outputs) in NODES.items()
        for key, kind in outputs
    ]
    artifact_ids = iter(_put(store.put_artifacts, artifacts))
    events: list[pb.Event] = []
    associations: list[pb.Association] = []
    first_examples: dict[int, int] = {}
    last_model: dict[int, int] = {}
    for number in range(runs):
        place = number % 2
        type_ids: dict[str, int] = {}
        for node, (input_keys, outputs) in NODES.items():
            execution = next(execution_ids)
            for context in (above[place], run_ids[number], node_ids[place, node]):
                associations.append(pb.Association(context_id=context, execution_id=execution))
            events += [_event(pb.Event.INPUT, key, type_ids[key], execution, number) for key in input_keys]
            if node == "evaluator" and place in last_model:
                events.append(_event(pb.Event.INPUT, "baseline_model", last_model[place], execution, number))
            for key, _ in outputs:
                type_ids[key] = next(artifact_ids)
                if key == "examples" and number % 4:
                    type_ids[key] = first_examples.setdefault(place, type_ids[key])
                events.append(_event(pb.Event.OUTPUT, key, type_ids[key], execution, number))
        last_model[place] = type_ids["model"]
    _put(store.put_events, events)
    _put(lambda part: store.put_attributions_and_associations([], part), associations)


def _put(put: Any, messages: Sequence[Any]) -> list[int]:
    ids: list[int] = []
    for start in range(0, len(messages), _BATCH):
        ids += put(messages[start : start + _BATCH]) or []
    return ids


def _run(type_id: int, number: int, folder: Path, recorded: bool) -> pb.Context:
    run = pb.Context(type_id=type_id, name=f"run-{number:04}")
    if recorded:
        run.custom_properties["state"].string_value = "COMPLETE" if number % 10 else "FAILED"
        run.custom_properties["reason"].string_value = "r2 0.906234 meets the required 0.87"
        run.custom_properties["run_folder"].string_value = f"{folder}/runs/{number}"
    return run


def _execution(type_id: int, node: str, number: int) -> pb.Execution:
    failed = node == "pusher" and number % 10 == 0
    execution = pb.Execution(type_id=type_id)
    execution.last_known_state = pb.Execution.FAILED if failed else pb.Execution.COMPLETE
    execution.custom_properties["settings"].string_value = json.dumps({"inline": {"node": node, "number": number}})
    return execution


def _artifact(type_id: int, kind: str, uri: str, number: int) -> pb.Artifact:
    artifact = pb.Artifact(type_id=type_id, uri=uri, state=pb.Artifact.LIVE)
    artifact.custom_properties["summary"].string_value = f"{kind} of {number}"
    if kind == "PushedModel":
        artifact.custom_properties["pushed"].int_value = 1
        artifact.custom_properties["pushed_version"].string_value = str(1_700_000_000 + number)
    return artifact


def _event(kind: int, key: str, artifact: int, execution: int, number: int) -> pb.Event:
    event = pb.Event(type=kind, artifact_id=artifact, execution_id=execution)
    event.milliseconds_since_epoch = 1_700_000_000_000 + number * 60_000
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make(target, int(sys.argv[2]), recorded=sys.argv[3] == "recorded")
