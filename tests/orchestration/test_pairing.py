"""Cached outputs are matched with their keys by id, in any order of the store's results."""

import types

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.proto.orchestration import execution_result_pb2, pipeline_pb2
from tfx.types import standard_artifacts

from components.summary import quotable
from orchestration.local import launcher
from orchestration.local.stage_records import finished_stages, stage_outputs

KINDS = {
    "schema": standard_artifacts.Schema,
    "statistics": standard_artifacts.ExampleStatistics,
    "examples": standard_artifacts.Examples,
}


class Backwards:
    """A store that returns artifacts by id in an arbitrary order, as PostgreSQL does."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def get_artifacts_by_id(self, ids):
        return list(reversed(self._store.get_artifacts_by_id(ids)))


def written(store, folder, run="one"):
    """One finished stage with three outputs, known to the cache; returns the cache's context and the execution."""
    kinds = ("pipeline", "pipeline_run", "node", "execution_cache")
    contexts = [
        pb.Context(type_id=store.put_context_type(pb.ContextType(name=kind)), name=name)
        for kind, name in zip(kinds, ("houses", run, "houses.stage", "key"), strict=True)
    ]
    artifacts_and_events = []
    for key, kind in KINDS.items():
        (folder / key).mkdir()
        artifact = pb.Artifact(type_id=store.put_artifact_type(kind().artifact_type), uri=str(folder / key))
        artifact.state = pb.Artifact.LIVE
        artifacts_and_events.append((artifact, event(key)))
    stage = store.put_execution_type(pb.ExecutionType(name="stage"))
    execution = pb.Execution(type_id=stage, last_known_state=pb.Execution.COMPLETE)
    execution_id, _, ids = store.put_execution(execution, artifacts_and_events, contexts)
    for context, id_ in zip(contexts, ids, strict=True):
        context.id = id_
    return contexts, execution_id


def event(key, index=0):
    event = pb.Event(type=pb.Event.OUTPUT)
    event.path.steps.add(key=key)
    event.path.steps.add(index=index)
    return event


def recorded_again(store, contexts, execution_id, keys):
    """A record as the cache writes it, with these keys for the artifacts of the first one; returns its id."""
    outputs = [output for group in stage_outputs.of(store, execution_id).values() for output in group]
    artifacts_and_events = [(artifact, event(key)) for artifact, key in zip(outputs, keys, strict=True)]
    [execution] = store.get_executions_by_id([execution_id])
    record = pb.Execution(type_id=execution.type_id, last_known_state=pb.Execution.CACHED)
    return store.put_execution(record, artifacts_and_events, contexts)[0]


def cached(store, contexts):
    """Return the names of the cached folders by key."""
    handle = types.SimpleNamespace(store=store)
    outputs = launcher._Cache([]).get_cached_outputs(handle, contexts[-1])
    return outputs and {key: artifact.uri.rpartition("/")[2] for key, [artifact] in outputs.items()}


@pytest.fixture
def store(mlmd):
    return Backwards(mlmd)


def test_outputs_are_paired_by_id_and_have_their_own_type(store, tmp_path):
    contexts, execution_id = written(store, tmp_path)

    assert cached(store, contexts) == {key: key for key in KINDS}
    handle = types.SimpleNamespace(store=store)
    outputs = launcher._Cache([]).get_cached_outputs(handle, contexts[-1])
    assert {key: type(artifact) for key, [artifact] in outputs.items()} == KINDS
    recorded_outputs = stage_outputs.of(store, execution_id)
    assert {key: artifact.uri.rpartition("/")[2] for key, [artifact] in recorded_outputs.items()} == {
        key: key for key in KINDS
    }


def test_a_record_with_swapped_outputs_is_skipped_and_an_older_one_is_used(store, tmp_path):
    contexts, execution_id = written(store, tmp_path)
    good = recorded_again(store, contexts, execution_id, KINDS)
    bad = recorded_again(store, contexts, execution_id, ["statistics", "schema", "examples"])

    assert stage_outputs.swapped(store, [execution_id, good, bad]) == {bad}
    assert cached(store, contexts) == {key: key for key in KINDS}
    assert finished_stages.finished(store, "houses", "one", ["stage"])["stage"].id == good


def test_deleted_or_unused_outputs_are_not_served_from_the_cache(store, tmp_path):
    contexts, _ = written(store, tmp_path)
    (tmp_path / "schema").rmdir()
    assert cached(store, contexts) is None
    (tmp_path / "schema").mkdir()
    [artifact] = [stored for stored in store.get_artifacts() if stored.uri.endswith("/schema")]
    artifact.state = pb.Artifact.MARKED_FOR_DELETION
    store.put_artifacts([artifact])
    assert cached(store, contexts) is None


def test_moving_the_root_does_not_change_cache_keys(store, tmp_path):
    def key(root, content="a", words=True):
        artifact = standard_artifacts.Schema()
        artifact.uri, artifact.id = f"{root}/houses/artifacts/schema/3", 3
        artifact.set_string_custom_property("content_digest", content)
        artifact.mlmd_artifact.last_update_time_since_epoch = len(str(root))
        places = {str(root): "ROOT", str(root.parent): "REPOSITORY"} if words else {}
        context = launcher._Cache([], places).get_cache_context(
            metadata_handle=types.SimpleNamespace(store=store),
            pipeline_node=pipeline_pb2.PipelineNode(),
            pipeline_info=pipeline_pb2.PipelineInfo(id="houses"),
            input_artifacts={"schema": [artifact]},
            output_artifacts={},
            parameters={"serving": f"{root}/houses/serving", "keep": 5},
        )
        return context.name

    assert key(tmp_path / "one") == key(tmp_path / "another place")
    assert key(tmp_path / "one") != key(tmp_path / "one", content="b")
    assert key(tmp_path / "one", words=False) != key(tmp_path / "another place", words=False)


def test_a_withheld_push_is_not_cached(store, tmp_path):
    contexts, _ = written(store, tmp_path)
    [artifact] = [stored for stored in store.get_artifacts() if stored.uri.endswith("/schema")]
    artifact.custom_properties["withheld"].string_value = "it was not compared"
    store.put_artifacts([artifact])

    assert cached(store, contexts) is None


def test_several_artifacts_of_a_key_keep_their_order(store, tmp_path):
    contexts, execution_id = written(store, tmp_path)
    outputs = [artifact for [artifact] in stage_outputs.of(store, execution_id).values()]
    [first_execution] = store.get_executions_by_id([execution_id])
    second_execution = pb.Execution(type_id=first_execution.type_id, last_known_state=pb.Execution.COMPLETE)
    artifacts_and_events = [(artifact, event("all", index)) for index, artifact in zip((2, 0, 1), outputs, strict=True)]
    execution, _, _ = store.put_execution(second_execution, artifacts_and_events, contexts)

    ids = [artifact.id for artifact in stage_outputs.of(store, execution)["all"]]
    assert ids == [outputs[1].id, outputs[2].id, outputs[0].id]


def test_the_reason_of_a_failed_stage_is_stored_without_characters_that_break_postgresql(monkeypatch):
    calls = []
    monkeypatch.setattr(
        launcher.launcher.Launcher, "_publish_failed_execution", lambda *arguments: calls.append(arguments[-1])
    )
    node = object.__new__(launcher.Launcher)
    output = execution_result_pb2.ExecutorOutput()
    output.execution_result.result_message = 'Traceback:\n  "a.py"\nValueError: "C:\\data" is Zürich\'s'
    node._publish_failed_execution(1, [], output)

    assert node.reason == 'ValueError: "C:\\data" is Zürich\'s'
    assert calls[0].execution_result.result_message == "ValueError: 'C:/data' is Z?rich's"


def test_a_quotable_string_needs_no_backslash_in_json():
    import json

    text = quotable('tab\tline\nquote" backslash\\ letter ü\x00 end')
    assert "\\" not in json.dumps(text)
    assert text == "tab line quote' backslash/ letter ?? end"
