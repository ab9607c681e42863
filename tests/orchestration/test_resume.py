"""Which run is resumed, and which is not."""

import json

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from components.fingerprints import code_digest
from inspection.store import execution_folders
from orchestration.local import resume, run_start
from orchestration.local.stage_records import finished_stages
from orchestration.paths import Root
from orchestration.records import run_record
from pipeline.config import Config

LEAST = {"data": {"path": "x.csv"}, "features": {"numeric": [{"column": "a"}]}, "label": {"column": "y"}}
STATES = pb.Execution


@pytest.fixture
def identity(tmp_path):
    (tmp_path / "x.csv").write_text("a,y\n1,2\n")
    (tmp_path / "x.pbtxt").write_text("feature {}")

    def make(first=None, to=None, advisory=False, skew=None, **sections):
        config = Config.model_validate({**LEAST, **sections})
        data, schema = str(tmp_path / "x.csv"), code_digest.file(str(tmp_path / "x.pbtxt"))
        return resume.identity(config, data, schema, first=first, to=to, advisory=advisory, skew=skew)

    return make


def test_only_options_that_change_a_result_start_another_run(identity, tmp_path):
    recorded = identity()

    def changed(**options):
        current = identity(**options)
        return [word for word in current if current[word] != recorded[word]]

    assert changed() == []
    assert changed(limits={"stage_seconds": 5}) == []
    assert changed(training={"epochs": 3}) == ["config"]
    assert changed(gates={"missing": {"max_share": 0.4}}) == ["config"]
    assert changed(advisory=True) == ["config"]
    assert changed(to="trainer") == ["stages"]
    assert changed(first="trainer") == ["stages"]
    assert changed(network={"name": "linear"}) == ["config", "code"]
    (tmp_path / "served.csv").write_text("a\n1\n")
    recorded = identity(skew=str(tmp_path / "served.csv"))
    (tmp_path / "served.csv").write_text("a\n2\n")
    assert changed(skew=str(tmp_path / "served.csv")) == ["served rows"]
    (tmp_path / "x.csv").write_text("a,y\n1,3\n")
    assert changed() == ["data"]
    (tmp_path / "x.pbtxt").write_text("feature { }")
    assert changed() == ["data", "schema"]


class Store:
    """ML Metadata, with runs and nodes as TFX writes them."""

    def __init__(self, mlmd):
        self.mlmd = mlmd
        self._types = {
            name: self.mlmd.put_context_type(pb.ContextType(name=name)) for name in ("pipeline", "pipeline_run", "node")
        }
        self._execution = self.mlmd.put_execution_type(pb.ExecutionType(name="a"))
        self._above = self._context("pipeline", "houses")

    def _context(self, kind, name):
        context = self.mlmd.get_context_by_type_and_name(kind, name)
        return context.id if context else self.mlmd.put_contexts([pb.Context(type_id=self._types[kind], name=name)])[0]

    def run(self, run_id):
        context = self._context("pipeline_run", run_id)
        self.mlmd.put_parent_contexts([pb.ParentContext(parent_id=self._above, child_id=context)])

    def execution(self, run_id, node_id, state, token=None):
        execution = pb.Execution(type_id=self._execution, last_known_state=state)
        if token is not None:
            execution.custom_properties[execution_folders.TOKEN].string_value = token
        [execution_id] = self.mlmd.put_executions([execution])
        contexts = self._context("pipeline_run", run_id), self._context("node", f"houses.{node_id}")
        self.mlmd.put_attributions_and_associations(
            [], [pb.Association(execution_id=execution_id, context_id=context) for context in contexts]
        )
        return execution_id

    def state(self, execution_id):
        return STATES.State.Name(self.mlmd.get_executions_by_id([execution_id])[0].last_known_state)


@pytest.fixture
def store(mlmd):
    return Store(mlmd)


def test_finished_stages_of_a_run_are_read_from_the_store(store):
    store.run("one")
    failed = store.execution("one", "ingestion", STATES.FAILED)
    second_attempt = store.execution("one", "ingestion", STATES.COMPLETE)
    store.execution("one", "schema", STATES.CACHED)
    store.execution("one", "trainer", STATES.RUNNING)
    store.run("two")
    store.execution("two", "ingestion", STATES.COMPLETE)
    executions = finished_stages.finished(store.mlmd, "houses", "one", ["ingestion", "schema", "trainer"])
    assert list(executions) == ["ingestion", "schema"]
    assert executions["ingestion"].id == second_attempt != failed
    assert finished_stages.finished(store.mlmd, "houses", "none", ["ingestion"]) == {}
    assert finished_stages.newest_with(store.mlmd, "houses", ["ingestion"], "/nowhere") == "two"
    assert finished_stages.newest_with(store.mlmd, "houses", ["ingestion", "schema"], "/nowhere") == "one"
    assert finished_stages.newest_with(store.mlmd, "houses", ["trainer"], "/nowhere") is None
    assert finished_stages.newest_with(store.mlmd, "other", ["ingestion"], "/nowhere") is None
    newest = store.mlmd.get_context_by_type_and_name("pipeline_run", "two")
    newest.custom_properties["run_folder"].string_value = "/b/houses/runs/two"
    store.mlmd.put_contexts([newest])
    assert finished_stages.newest_with(store.mlmd, "houses", ["ingestion"], "/a/houses") == "one", "under this root"
    assert finished_stages.newest_with(store.mlmd, "houses", ["ingestion"], "/b/houses") == "two"


@pytest.mark.parametrize(("state", "marked"), [("CANCELED", "CANCELED"), ("FAILED", "FAILED")])
def test_executions_and_files_of_a_killed_run_are_cleaned_up(store, tmp_path, state, marked):
    store.run("one")
    finished = store.execution("one", "ingestion", STATES.COMPLETE)
    killed = store.execution("one", "trainer", STATES.RUNNING, token="0a1b2c3d")
    store.run("two")
    running = store.execution("two", "trainer", STATES.RUNNING)
    kept_folders = [tmp_path / "ingestion/examples" / str(finished), tmp_path / "trainer/model" / str(running)]
    # Another store over the same root gave out the same id.
    kept_folders += [tmp_path / f"trainer/model/{killed}", tmp_path / f"trainer/model/{killed}-ffffffff"]
    kept_folders.append(tmp_path / "trainer/.system/stateful_working_dir/0a")
    keys = ("model", "model_run", ".system/executor_execution", ".system/stateful_working_dir")
    orphans = [tmp_path / f"trainer/{key}/{killed}-0a1b2c3d" for key in keys]
    failed = store.execution("one", "evaluator", STATES.FAILED, token="0b1c2d3e")
    orphans.append(tmp_path / f"evaluator/.system/stateful_working_dir/{failed}-0b1c2d3e")
    for folder in (*kept_folders, *orphans):
        (folder / "files").mkdir(parents=True)

    finished_stages.close_in_store(store.mlmd, "one", state, "it fell\\over", artifacts=str(tmp_path))

    assert [store.state(execution_id) for execution_id in (finished, killed, running)] == [
        "COMPLETE",
        marked,
        "RUNNING",
    ]
    assert all(folder.exists() for folder in kept_folders)
    assert not any(folder.exists() for folder in orphans)
    context = store.mlmd.get_context_by_type_and_name("pipeline_run", "one")
    properties = {key: context.custom_properties[key].string_value for key in ("state", "reason")}
    assert properties == {"state": state, "reason": "it fell/over"}
    [execution] = store.mlmd.get_executions_by_id([killed])
    assert execution.custom_properties["__error__"].string_value == "it fell/over"


def test_files_of_a_killed_run_behind_a_link_are_not_removed(store, tmp_path):
    """The root may be a link; a link in it may lead out of it."""
    real, away = tmp_path / "real", tmp_path / "away"
    real.mkdir()
    root = tmp_path / "root"
    root.symlink_to(real)
    artifacts = root / "houses" / "artifacts"
    store.run("one")
    dead = store.execution("one", "trainer", STATES.RUNNING, token="0a1b2c3d")
    name = f"{dead}-0a1b2c3d"
    for folder in (artifacts / "trainer/model" / name, away / "metrics" / name, away / name):
        folder.mkdir(parents=True)
        (folder / "file").write_text("")
    (artifacts / "evaluator").symlink_to(away)
    (artifacts / "trainer/model_run").symlink_to(away)
    finished_stages.close_in_store(store.mlmd, "one", "FAILED", "killed", artifacts=str(artifacts))

    assert not (artifacts / "trainer/model" / name).exists()
    assert (away / "metrics" / name / "file").exists()
    assert (away / name / "file").exists()


def test_folders_of_an_execution_without_a_token_are_not_removed(store, tmp_path):
    store.run("one")
    dead = store.execution("one", "trainer", STATES.RUNNING)
    (tmp_path / f"trainer/model/{dead}").mkdir(parents=True)
    finished_stages.close_in_store(store.mlmd, "one", "FAILED", "killed", artifacts=str(tmp_path))
    assert store.state(dead) == "FAILED"
    assert (tmp_path / f"trainer/model/{dead}").is_dir()


def test_the_scratch_folder_of_another_run_or_root_is_not_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(resume.tempfile, "tempdir", str(tmp_path))
    root, copy = tmp_path / "root", tmp_path / "copy"
    for run_id, stored, names in (
        ("one", root, ["pipeline-two-abc", "pipeline-abc", "elsewhere/pipeline-one-abc"]),
        ("one", copy, ["pipeline-one-abc"]),
    ):
        for name in names:
            (tmp_path / name).mkdir(parents=True)
            resume.remove_scratch({"run_id": run_id, "root": str(stored), "scratch": str(tmp_path / name)}, str(root))
            assert (tmp_path / name).is_dir()
    scratch = tmp_path / "pipeline-one-abc"
    resume.remove_scratch({"run_id": "one", "root": str(root), "scratch": str(scratch)}, str(root))
    assert not scratch.exists()


@pytest.fixture
def began(store, tmp_path):
    """A function that leaves a run in a state and returns what the next one does, with its messages."""
    place = run_start.Place(Root(str(tmp_path)), "houses", None)
    messages = []

    def make(state=None, anew=False, last="one", **facts):
        store.run("one")
        folder = tmp_path / "houses/runs/one"
        book = run_record.Record(
            str(folder), {"run_id": "one", "metadata": None, "identity": {"data": "a", "code": "b"}}
        )
        book.event({"event": "node", "node": "trainer", "state": "RUNNING"})
        if state:
            book.close(state, "it fell\nover")
        book.update(**facts)
        with (folder / "events.jsonl").open("a") as events:
            events.write('{"event": "no')
        requested = {"data": "a", "code": "b"}
        return run_start.earlier(place, store.mlmd, last, requested, anew=anew, say=messages.append), messages, folder

    return make


@pytest.mark.parametrize("last", ["one", None])
def test_a_killed_run_resumes_under_its_id(began, last):
    facts, messages, folder = began(last=last)
    assert facts["run_id"] == "one"
    reason = "its process was killed or the machine stopped in stage trainer"
    assert messages == [f"resuming run one, attempt 2: {reason}"]
    assert facts["attempts"][0]["reason"] == reason
    assert facts["attempts"][0]["ended"] >= facts["attempts"][0]["started"]
    book = run_record.Record(str(folder), facts)
    book.close("COMPLETE", "well")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["node", "attempt"], "half a line is cut off"
    record = json.loads((folder / "run.json").read_text())
    assert [attempt["state"] for attempt in record["attempts"]] == ["FAILED", "COMPLETE"]
    assert (record["state"], record["reason"], record["started"]) == ("COMPLETE", "well", facts["started"])


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_failed_or_stopped_run_resumes_and_its_reason_is_kept(began, state):
    facts, messages, _ = began(state)
    assert (facts["state"], facts["attempts"][0]["state"]) == (state, state)
    assert messages == ["resuming run one, attempt 2: it fell"]


@pytest.mark.parametrize("state", ["COMPLETE", "NOT_BLESSED", "BLOCKED"])
def test_a_finished_run_does_not_resume(began, state):
    assert began(state)[:2] == (None, [])


def test_a_run_of_another_store_does_not_resume(began):
    assert began(metadata="postgresql://host/runs")[:2] == (None, [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"identity": {"data": "z", "code": "b"}}, "data has changed"),
        ({"identity": {"data": "z"}}, "data and code have changed"),
        ({"anew": True}, "a new run was requested"),
    ],
)
def test_a_run_that_cannot_resume_is_closed_with_the_reason(began, store, options, message):
    facts, messages, folder = began(**options)
    assert facts is None
    assert messages == [f"unfinished run one is not resumed: {message}"]
    record = json.loads((folder / "run.json").read_text())
    assert (record["state"], record["not_continued"]) == ("FAILED", message)
    context = store.mlmd.get_context_by_type_and_name("pipeline_run", "one")
    assert context.custom_properties["reason"].string_value.endswith(f"(not resumed: {message})")
