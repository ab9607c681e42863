"""Runs as read from a store; one file because all tests use the same writer."""

import fcntl
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import UserError
from inspection.display_names import artifact_row, producers, when
from inspection.plain_records import Node, RunDetail
from inspection.run_history import find_run, list_runs, show_run
from inspection.store.metadata_store import Store, open_store


@pytest.fixture
def read(writer: Any, tmp_path: Path) -> Store:
    return open_store(str(tmp_path), None)


@pytest.fixture
def store(writer: Any, read: Store) -> Store:
    """Two pipelines, three runs."""
    writer.run("first").node("ingestion")
    writer.run("second", pipeline="digits").node("ingestion")
    writer.run("third").node("ingestion")
    return read


def _nodes(detail: RunDetail) -> dict[str, Node]:
    return {node.node_id: node for node in detail.nodes}


def test_runs_are_listed_newest_first(store: Store) -> None:
    listed = list_runs(store)
    assert [(run.run_id, run.pipeline, run.state) for run in listed] == [
        ("third", "houses", "COMPLETE"),
        ("second", "digits", "COMPLETE"),
        ("first", "houses", "COMPLETE"),
    ]
    assert [run.run_id for run in list_runs(store, limit=2)] == ["third", "second"]


def test_runs_of_one_pipeline(store: Store) -> None:
    assert [run.run_id for run in list_runs(store, pipeline="houses", limit=1)] == ["third"]
    assert [run.run_id for run in list_runs(store, pipeline="digits")] == ["second"]
    with pytest.raises(UserError, match=r"no pipeline 'house' in .*Did you mean 'houses'\?"):
        list_runs(store, pipeline="house")


def test_runs_in_a_state_whether_it_was_recorded_or_follows_from_the_nodes(writer: Any, read: Store) -> None:
    writer.run("recorded", run_folder="/gone").end("BLOCKED")
    writer.run("left running", run_folder="/gone").node("a")
    writer.run("complete").node("a")
    for name, attempts in (("failed", ["FAILED"]), ("mended", ["FAILED", "COMPLETE"]), ("open", ["RUNNING"])):
        run = writer.run(name)
        for state in attempts:
            run.node("a", state=state)
    writer.run("bare")
    for state, expected in {
        "BLOCKED": ["recorded"],
        "COMPLETE": ["mended", "complete"],
        "FAILED": ["failed"],
        "RUNNING": ["open", "left running"],
        "UNKNOWN": ["bare"],
        "CANCELED": [],
    }.items():
        assert [run.run_id for run in list_runs(read, state=state)] == expected, state
    assert [run.run_id for run in list_runs(read, state="COMPLETE", limit=1)] == ["mended"]


def test_runs_since_a_time(store: Store) -> None:
    started = {run.run_id: run.started for run in list_runs(store)}
    assert [run.run_id for run in list_runs(store, since=started["second"])] == ["third", "second"]
    assert list_runs(store, since=datetime.now(timezone.utc) + timedelta(days=1)) == []


def test_an_empty_store_has_no_runs(read: Store) -> None:
    assert list_runs(read) == []
    with pytest.raises(UserError, match="no runs yet"):
        find_run(read, "latest")


def test_a_run_without_a_parent_takes_its_pipeline_from_its_executions(writer: Any, read: Store) -> None:
    writer.run("mine", parent=False).node("ingestion")
    writer.run("other", pipeline="digits", parent=False).node("ingestion")
    assert [(run.run_id, run.pipeline) for run in list_runs(read, pipeline="houses")] == [("mine", "houses")]
    assert show_run(read, "other").run.pipeline == "digits"


@pytest.mark.parametrize("state", ["COMPLETE", "FAILED", "NOT_BLESSED", "BLOCKED", "CANCELED"])
def test_what_the_runner_recorded_is_believed(writer: Any, read: Store, state: str, tmp_path: Path) -> None:
    run = writer.run("r", run_folder=str(tmp_path / "r"))
    run.node("ingestion", state="RUNNING")  # left behind by a killed process
    run.end(state, reason="because")
    for listed in (list_runs(read)[0], show_run(read, "r").run):
        assert (listed.state, listed.reason, listed.folder) == (state, "because", str(tmp_path / "r"))
        assert listed.ended is not None
        assert listed.started is not None
        assert listed.ended >= listed.started


@pytest.mark.parametrize(
    ("attempts", "state"),
    [
        ([], "UNKNOWN"),
        ([("a", "COMPLETE"), ("b", "CACHED")], "COMPLETE"),
        ([("a", "COMPLETE"), ("b", "FAILED")], "FAILED"),
        ([("a", "FAILED"), ("b", "RUNNING")], "RUNNING"),
        ([("a", "NEW")], "RUNNING"),
        ([("a", "COMPLETE"), ("b", "CANCELED")], "CANCELED"),
        ([("a", "CANCELED"), ("b", "FAILED")], "FAILED"),
        ([("a", "RUNNING"), ("a", "COMPLETE")], "COMPLETE"),
        ([("a", "FAILED"), ("b", "COMPLETE"), ("a", "CACHED")], "COMPLETE"),
    ],
)
def test_an_unrecorded_state_follows_from_the_last_attempts(
    writer: Any, read: Store, attempts: list[tuple[str, str]], state: str
) -> None:
    run = writer.run("r")
    for node, outcome in attempts:
        run.node(node, state=outcome)
    for listed in (list_runs(read)[0], show_run(read, "r").run):
        assert listed.state == state
        assert (listed.ended is None) is (state in ("RUNNING", "UNKNOWN"))


def test_our_run_between_two_nodes_is_running(writer: Any, read: Store) -> None:
    run = writer.run("r", run_folder="/gone")
    assert list_runs(read)[0].state == "RUNNING"
    run.node("ingestion")
    assert list_runs(read)[0].state == "RUNNING"
    assert show_run(read, "r").run.ended is None


def test_times_are_local_and_aware(writer: Any, read: Store) -> None:
    writer.run("r").node("ingestion")
    started = list_runs(read)[0].started
    assert started is not None
    assert abs(datetime.now(timezone.utc) - started) < timedelta(minutes=1)
    assert started.utcoffset() == datetime.now().astimezone().utcoffset()
    assert when(0) is None
    assert when(2**62) is None


def test_a_node_shows_its_artifacts_and_properties(writer: Any, read: Store) -> None:
    run = writer.run("r", pipeline="my.pipeline")
    [first_examples, second_examples] = run.node(
        "ingestion", outputs=[("examples", "Examples"), ("examples", "Examples")], uri="/data/x"
    )
    run.node(
        "statistics.v2",
        inputs=[("examples", first_examples)],
        outputs=[("statistics", "ExampleStatistics")],
        exclude="a",
    )
    nodes = _nodes(show_run(read, "r"))
    assert list(nodes) == ["ingestion", "statistics.v2"]
    assert [(row.key, row.id) for row in nodes["ingestion"].outputs] == [
        ("examples", first_examples),
        ("examples[1]", second_examples),
    ]
    [input_artifact] = nodes["statistics.v2"].inputs
    assert (input_artifact.id, input_artifact.type, input_artifact.uri, input_artifact.state) == (
        first_examples,
        "Examples",
        "/data/x",
        "MISSING",
    )
    assert (input_artifact.producer_run, input_artifact.producer_node) == ("r", "ingestion")
    assert input_artifact.properties == {"tfx_version": "1.16.0"}
    assert nodes["statistics.v2"].type == "components.statistics.v2.Component"
    assert nodes["statistics.v2"].properties == {"exclude": "a"}
    assert nodes["statistics.v2"].seconds is not None
    assert nodes["statistics.v2"].seconds >= 0


def test_a_cached_node_names_the_run_that_made_its_artifact(writer: Any, read: Store) -> None:
    [artifact] = writer.run("old").node("ingestion", outputs=[("examples", "Examples")])
    writer.run("new").node("ingestion", state="CACHED", reused=[("examples", artifact)])
    [node] = show_run(read, "new").nodes
    assert node.state == "CACHED"
    assert [(row.id, row.producer_run, row.producer_node) for row in node.outputs] == [(artifact, "old", "ingestion")]


@pytest.mark.parametrize("keys", [("examples", "baseline_examples"), ("baseline_examples", "examples")])
def test_an_artifact_that_a_node_uses_twice_has_both_keys(keys: tuple[str, str]) -> None:
    """As the data of a model and of its baseline, of which TFX records one event."""
    event = pb.Event()
    for key in keys:
        event.path.steps.add(key=key)
        event.path.steps.add(index=0)
    assert artifact_row(pb.Artifact(id=1), event, None).key == "baseline_examples and examples"


def test_a_resolver_is_not_the_producer_of_what_it_finds(writer: Any, read: Store) -> None:
    [model] = writer.run("old").node("trainer", outputs=[("model", "Model")])
    writer.run("new").node("baseline", reused=[("model", model)], event="INTERNAL_OUTPUT")
    [node] = show_run(read, "new").nodes
    assert [(row.key, row.producer_run) for row in node.outputs] == [("model", "old")]


def test_the_producer_is_the_earliest_output_and_not_the_first_seen(
    writer: Any, read: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    [artifact] = writer.run("old").node("ingestion", outputs=[("examples", "Examples")])
    writer.run("new").node("ingestion", state="CACHED", reused=[("examples", artifact)])
    events = read.events_of_artifacts([artifact])
    assert producers(read, [artifact]) == {artifact: 1}
    monkeypatch.setattr(read, "events_of_artifacts", lambda ids: events[::-1])
    assert producers(read, [artifact]) == {artifact: 1}


def test_an_artifact_of_no_known_producer(writer: Any, read: Store) -> None:
    store = writer.store
    kind = store.put_artifact_type(pb.ArtifactType(name="Examples"))
    [orphan] = store.put_artifacts([pb.Artifact(type_id=kind, uri="/data")])
    writer.run("r").node("statistics", inputs=[("examples", orphan)])
    [row] = show_run(read, "r").nodes[0].inputs
    assert (row.producer_run, row.producer_node, row.state) == (None, None, "UNKNOWN")


def _plan(tmp_path: Path, content: str) -> str:
    (tmp_path / "run.json").write_text(content)
    return str(tmp_path)


def test_nodes_that_the_run_never_reached_are_listed_in_their_place(writer: Any, read: Store, tmp_path: Path) -> None:
    plan = json.dumps({"nodes": ["ingestion", "schema", "validation", "trainer"]})
    run = writer.run("r", run_folder=_plan(tmp_path, plan))
    run.node("extra")
    run.node("schema")  # the launcher may start nodes in another order than the plan's
    run.node("ingestion", state="FAILED")
    run.node("ingestion")
    run.node("validation", state="FAILED")
    run.end("FAILED")
    assert [(node.node_id, node.state) for node in show_run(read, "r").nodes] == [
        ("ingestion", "FAILED"),
        ("ingestion", "COMPLETE"),
        ("schema", "COMPLETE"),
        ("validation", "FAILED"),
        ("trainer", "NOT RUN"),
        ("extra", "COMPLETE"),
    ]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"nodes": 3}', '{"nodes": null}', '{"nodes": [3]}', "\udcff"])
def test_an_unreadable_plan_is_no_fault(writer: Any, read: Store, tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_bytes(content.encode(errors="surrogateescape"))
    writer.run("r", run_folder=str(tmp_path)).node("ingestion")
    assert [node.node_id for node in show_run(read, "r").nodes] == ["ingestion"]


def test_a_run_that_ended_before_its_first_node(writer: Any, read: Store, tmp_path: Path) -> None:
    writer.run("r", run_folder=_plan(tmp_path, '{"nodes": ["ingestion"]}')).end("CANCELED")
    detail = show_run(read, "r")
    assert (detail.run.pipeline, detail.run.state) == ("houses", "CANCELED")
    assert [(node.node_id, node.state, node.seconds) for node in detail.nodes] == [("ingestion", "NOT RUN", None)]


def test_a_running_node_has_no_length_yet(writer: Any, read: Store) -> None:
    writer.run("r").node("trainer", state="RUNNING")
    [node] = show_run(read, "r").nodes
    assert (node.state, node.seconds) == ("RUNNING", None)
    assert node.started is not None


def test_show_takes_an_exact_id_only(store: Store) -> None:
    with pytest.raises(UserError, match="no run 'thir' in"):
        show_run(store, "thir")


@pytest.mark.parametrize(("name", "expected"), [("latest", "third"), ("fi", "first"), ("ond", "second")])
def test_a_run_is_found_by_less_than_its_id(store: Store, name: str, expected: str) -> None:
    assert find_run(store, name) == expected


def test_an_exact_id_goes_before_everything_that_it_begins(writer: Any, store: Store) -> None:
    writer.run("first-again")
    writer.run("latest")
    writer.run("newer")
    assert find_run(store, "first") == "first"
    assert find_run(store, "latest") == "latest"


def test_an_unclear_or_unknown_run_is_refused(store: Store) -> None:
    with pytest.raises(UserError, match="'d' matches 2 runs, such as 'third' and 'second'"):
        find_run(store, "d")
    with pytest.raises(UserError, match=r"no run 'frist' in .*Did you mean 'first'\?"):
        find_run(store, "frist")
    with pytest.raises(UserError, match="no run 'ir' in"):
        find_run(store, "ir")
    with pytest.raises(UserError, match="no run '' in"):
        find_run(store, "")


def test_runs_of_other_pipelines_are_not_asked_for(writer: Any, read: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    houses_run = writer.run("ours")
    houses_run.node("ingestion")
    writer.run("other", pipeline="digits").node("ingestion")
    context_ids: list[int] = []
    ask = read.executions
    monkeypatch.setattr(read, "executions", lambda context_id: context_ids.append(context_id) or ask(context_id))
    assert [run.run_id for run in list_runs(read, pipeline="houses")] == ["ours"]
    assert context_ids == [houses_run.context.id]


def test_the_number_of_queries_does_not_grow_with_what_need_not_be_asked(writer: Any, read: Store) -> None:
    for number in range(12):
        run = writer.run(f"r{number}", run_folder="/gone", pipeline="digits" if number % 2 else "houses")
        run.node("ingestion")
        run.end("COMPLETE")
    methods: list[str] = []
    ask = read._query

    def count(method: str, *args: object) -> Any:
        methods.append(method)
        return ask(method, *args)

    read._query = count  # type: ignore[method-assign]
    assert len(list_runs(read)) == 12
    children = ["get_children_contexts_by_context"] * 2  # one query a pipeline
    assert methods == ["get_contexts_by_type", *children, "get_contexts_by_type"]


_STOCK = """
import os, sys
from tfx import v1 as tfx
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

root = sys.argv[1]
schema = os.path.join(root, "schema.pbtxt")
with open(schema, "w") as file:
    file.write('feature { name: "x" type: FLOAT }')


def run(schema_file):
    imported = tfx.dsl.Importer(source_uri=root, artifact_type=tfx.types.standard_artifacts.Schema).with_id("imported")
    LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="stock.pipeline",
            pipeline_root=root,
            components=[imported, tfx.components.ImportSchemaGen(schema_file=schema_file).with_id("schema.gen")],
            enable_cache=True,
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                os.path.join(root, "metadata.sqlite")
            ),
        )
    )


run(schema)
run(schema)
try:
    run(schema + ".absent")
except Exception:
    print("failed as expected")
"""


def test_a_store_of_stock_tfx_is_read(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", _STOCK, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    assert "failed as expected" in process.stdout
    store = open_store(str(tmp_path), None)
    listed = list_runs(store, pipeline="stock.pipeline")
    assert [run.state for run in listed] == ["FAILED", "COMPLETE", "COMPLETE"]
    assert {run.folder for run in listed} == {None}
    failed_nodes, cached_nodes, first_nodes = (_nodes(show_run(store, run.run_id)) for run in listed)
    assert failed_nodes["schema.gen"].state == "FAILED"
    for nodes, state in ((first_nodes, "COMPLETE"), (cached_nodes, "CACHED")):
        assert {node: details.state for node, details in nodes.items()} == {"schema.gen": state, "imported": state}
        [artifact] = nodes["schema.gen"].outputs
        assert (artifact.type, artifact.key, artifact.state) == ("Schema", "schema", "LIVE")
        assert artifact.uri.startswith(str(tmp_path / "schema.gen" / "schema"))
        assert (artifact.producer_run, artifact.producer_node) == (listed[2].run_id, "schema.gen")
        assert [row.uri for row in nodes["imported"].outputs] == [str(tmp_path)]
    assert first_nodes["schema.gen"].type.endswith(".ImportSchemaGen")
    assert first_nodes["schema.gen"].properties == {"schema_file": str(tmp_path / "schema.pbtxt")}


def test_a_run_whose_process_is_gone_is_reported_immediately(writer, tmp_path):
    folder = tmp_path / "houses/runs/r"
    folder.mkdir(parents=True)
    writer.run("r", run_folder=str(folder)).node("trainer", state="RUNNING")
    store = open_store(str(tmp_path), None)

    def told():
        [run] = list_runs(store)
        return run.state, run.reason

    assert told() == ("RUNNING", None), "of another machine: there is no lock here"
    lock = tmp_path / "houses/.lock"
    lock.write_text('{"run_id": "r", "pid": 1}')
    assert told() == ("FAILED", "its process is no longer running: the same command resumes it")
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert told() == ("RUNNING", None)
        lock.write_text('{"run_id": "another", "pid": 1}')
        assert told()[0] == "FAILED", "another run holds it"
    assert [run.run_id for run in list_runs(store, state="FAILED")] == ["r"]
    assert list_runs(store, state="RUNNING") == []
