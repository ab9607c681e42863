"""Unchanged runs: how they are detected and recorded."""

import json
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from components.fingerprints import artifact_digest
from orchestration.display.terminal import Terminal
from orchestration.local import run_start, unchanged_run
from orchestration.paths import Root
from orchestration.records import run_record

NODES = ["ingestion", "history", "trainer"]
ASKED = {"identity": {"data": "a", "code": "b"}, "beam_args": ["--runner=FnApiRunner"], "metadata": None}


@pytest.fixture
def store(mlmd):
    return mlmd


@pytest.fixture
def place(store, tmp_path):
    """Runs of houses; `one` succeeded: its trainer read the output of its ingestion."""
    kinds = {name: store.put_context_type(pb.ContextType(name=name)) for name in ("pipeline", "pipeline_run", "node")}
    pipeline, run = (pb.Context(type_id=kinds[k], name=n) for k, n in (("pipeline", "houses"), ("pipeline_run", "one")))
    [pipeline.id, run.id] = store.put_contexts([pipeline, run])
    store.put_parent_contexts([pb.ParentContext(parent_id=pipeline.id, child_id=run.id)])
    kind, examples = store.put_execution_type(pb.ExecutionType(name="x")), pb.Artifact(uri=str(tmp_path / "examples"))
    Path(examples.uri).mkdir()
    (tmp_path / "examples" / "rows").write_text("rows")
    examples.type_id = store.put_artifact_type(pb.ArtifactType(name="Examples"))
    examples.state = pb.Artifact.LIVE
    examples.custom_properties[artifact_digest.PROPERTY].string_value = artifact_digest.of(examples.uri)
    for node in NODES:
        execution = pb.Execution(type_id=kind, last_known_state=pb.Execution.COMPLETE)
        execution.custom_properties["note"].string_value = node
        artifacts_and_events = []
        if node != "history":
            event = pb.Event(type=pb.Event.OUTPUT if node == "ingestion" else pb.Event.INPUT)
            event.path.steps.add(key="examples")
            event.path.steps.add(index=0)
            artifacts_and_events.append((examples, event))
        contexts = [pipeline, run, pb.Context(type_id=kinds["node"], name=f"houses.{node}")]
        _, artifact_ids, _ = store.put_execution(execution, artifacts_and_events, contexts, True)
        [examples.id] = artifact_ids or [examples.id]
    place = run_start.Place(Root(str(tmp_path)), "houses", None)
    book = run_record.Record(place.root.run("houses", "one"), {"run_id": "one", **ASKED})
    book.event({"event": "node", "node": "ingestion", "state": "COMPLETE", "summary": "40 rows"})
    book.update(nodes=NODES, upstream={"trainer": ["ingestion"]}, warnings=["few rows"])
    book.close("COMPLETE", "well", outcome={"blessed": True})
    for name in ("report.html", "gates.json"):
        Path(book.folder, name).write_text(name)
    return place


def rewritten(place, **changes):
    path = Path(place.root.run("houses", "one"), "run.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_run_with_equal_inputs_is_unchanged(place, store):
    earlier = unchanged_run.unchanged(place, store, "one", ASKED)

    assert list(earlier.executions) == NODES
    assert earlier.facts["run_id"] == "one"
    assert earlier.folder == place.root.run("houses", "one")
    assert unchanged_run.newest(place)["run_id"] == "one"


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": {"data": "z", "code": "b"}},
        {"beam_args": []},
        {"metadata": "sqlite:///x"},
        {"state": "BLOCKED"},
        {"versions": {**run_record.versions(), "tensorflow": "2.0.0"}},
        {"nodes": [*NODES, "pusher"]},
        {"nodes": []},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_run_with_any_different_input_is_not_unchanged(place, store, changes):
    rewritten(place, **changes)

    assert unchanged_run.unchanged(place, store, "one", ASKED) is None


def test_a_run_with_damaged_or_missing_outputs_is_not_reused(place, store, tmp_path):
    (tmp_path / "examples" / "rows").write_text("rowz")

    assert unchanged_run.unchanged(place, store, "one", ASKED) is None
    assert unchanged_run.unchanged(place, store, "two", ASKED) is None
    assert unchanged_run.unchanged(place, store, None, ASKED) is None


def test_an_unchanged_run_is_recorded_as_cached(place, store, capsys):
    earlier = unchanged_run.unchanged(place, store, "one", ASKED)
    book = run_record.Record(place.root.run("houses", "two"), {"run_id": "two"})
    with Terminal(plain=True) as terminal:
        outcome = unchanged_run.repeat(earlier, place, store, "two", book, terminal)
    book.close("COMPLETE", "well")

    assert outcome == {"blessed": True}
    run = store.get_context_by_type_and_name("pipeline_run", "two")
    assert run.custom_properties["run_folder"].string_value == book.folder
    [above] = store.get_parent_contexts_by_context(run.id)
    assert above.name == "houses"
    executions = sorted(store.get_executions_by_context(run.id), key=lambda entry: entry.id)
    states = [pb.Execution.State.Name(entry.last_known_state) for entry in executions]
    assert [entry.custom_properties["note"].string_value for entry in executions] == NODES
    assert states == ["CACHED", "COMPLETE", "CACHED"], "a resolver is asked each time"
    for execution, node in zip(executions, NODES, strict=True):
        names = {context.name for context in store.get_contexts_by_execution(execution.id)}
        assert names == {"houses", "two", f"houses.{node}"}
    events = store.get_events_by_execution_ids([entry.id for entry in executions])
    assert [
        (event.type, event.path.steps[0].key)
        for event in sorted(events, key=lambda stored_event: stored_event.execution_id)
    ] == [
        (pb.Event.OUTPUT, "examples"),
        (pb.Event.INPUT, "examples"),
    ]
    facts = json.loads(Path(book.folder, "run.json").read_text())
    assert (facts["nodes"], facts["unchanged_since"], facts["warnings"]) == (NODES, "one", ["few rows"])
    assert sorted(path.name for path in Path(book.folder).iterdir()) == [
        "events.jsonl",
        "gates.json",
        "logs",
        "run.json",
    ]
    printed = [json.loads(line) for line in Path(book.folder, "events.jsonl").read_text().splitlines()]
    assert [(entry["node"], entry["state"], entry["summary"]) for entry in printed[1:]] == [
        ("ingestion", "CACHED", "40 rows"),
        ("history", "COMPLETE", ""),
        ("trainer", "CACHED", ""),
    ]
    output = capsys.readouterr().out
    assert output.startswith("nothing has changed since run one: every stage is served from the cache")
    assert "warning: few rows" in output
