"""Stages of a real pipeline in this process: what an earlier attempt or run made is kept, checked, and run again."""

import functools
import json
import os
import stat

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

import project
from components.fingerprints import code_digest
from components.ingestion import executor as ingestion_executor
from components.ingestion import planning
from errors import ResourceError, RunError, UserError
from inspection.store import execution_folders
from inspection.store.metadata_store import open_store
from models import file_reads
from orchestration.local.stage_records import stage_file_reads


@pytest.fixture(scope="module")
def root(tmp_path_factory, url):
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def url(new_store):
    return new_store()


@pytest.fixture
def begin(root, url, points_run):
    return functools.partial(points_run, root, metadata=url)


def launch(execution, *node_ids):
    """Return the states of the nodes and the messages."""
    messages = []
    return [execution.launch(node_id, messages.append)[0] for node_id in node_ids], messages


def artifact(root, pipeline, node_id="ingestion"):
    """Return the newest file of a node's outputs."""
    paths = [path for path in (root / pipeline / "artifacts" / node_id).glob("[!.]*/*/**/*") if path.is_file()]
    return max(paths, key=lambda path: path.stat().st_mtime_ns)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_second_attempt_keeps_finished_stages_even_without_the_cache(begin):
    assert launch(begin("kept", "one", cache=False), "ingestion", "schema")[0] == ["COMPLETE", "COMPLETE"]
    second_attempt = begin("kept", "one", cache=False)
    assert launch(second_attempt, "ingestion", "schema", "statistics")[0] == ["KEPT", "KEPT", "COMPLETE"]
    assert launch(begin("kept", "two", cache=False), "ingestion")[0] == ["COMPLETE"]


def test_a_finished_stage_with_damaged_output_runs_again_in_the_same_run(begin, root):
    launch(begin("mended", "one"), "ingestion", "schema")
    flip(artifact(root, "mended"))
    mended, messages = begin("mended", "one"), []
    state, line = mended.launch("ingestion", messages.append)
    assert (state, line.partition("; ")[2]) == ("COMPLETE", "ran again, because examples was damaged")
    assert launch(mended, "schema", "statistics") == (["KEPT", "COMPLETE"], [])
    [message] = messages
    assert message.startswith(f"its earlier output examples ({root}/mended/artifacts/ingestion/examples/")
    assert message.endswith(" is damaged: the stage runs again")


def test_a_run_from_a_stage_uses_the_outputs_of_the_stages_before_it(begin, root):
    launch(begin("parts", "one"), "ingestion", "schema")
    part = begin("parts", "two", first="statistics", base="one", to="statistics")
    assert part.node_ids == ["ingestion", "statistics"]
    assert launch(part, *part.node_ids)[0] == ["TAKEN", "COMPLETE"]
    second_attempt = begin("parts", "two", first="statistics", base="one", to="statistics")
    assert launch(second_attempt, "ingestion", "statistics")[0] == ["KEPT", "KEPT"]
    flip(artifact(root, "parts"))
    broken = begin("parts", "three", first="statistics", base="one", to="statistics")
    with pytest.raises(
        UserError,
        match=r"statistics: outputs of run one are damaged: examples .* is damaged. Run without --from",
    ):
        broken.launch("ingestion", print)


def test_a_stage_whose_parameters_have_changed_is_named(begin):
    launch(begin("edited", "one"), "ingestion", "schema")
    unedited = begin("edited", "two", first="statistics", base="one", to="statistics")
    assert unedited.launch("ingestion", print)[1].endswith(" rows")
    launch(unedited, "statistics")
    assert "outdated" not in unedited.outcome()
    # From a run that was itself continued, which has no parameters of its own.
    edited = begin("edited", "three", first="statistics", base="two", to="statistics", data_content="other")
    assert edited.launch("ingestion", print)[1].endswith(" rows; changed since, used as it was")
    launch(edited, "statistics")
    assert edited.outcome()["outdated"] == ["ingestion"]


def test_a_resolver_looks_again_if_one_stage_runs_alone(begin):
    launch(begin("alone", "one"), "ingestion", "schema", "statistics", "history")
    alone = begin("alone", "two", first="validation", base="one", to="validation", only=True)
    states = dict(zip(alone.node_ids, launch(alone, *alone.node_ids)[0], strict=True))
    assert states == {
        "ingestion": "TAKEN", "schema": "TAKEN", "statistics": "TAKEN", "history": "COMPLETE", "validation": "COMPLETE"
    }  # fmt: skip


def test_each_attempt_is_a_separate_execution(begin, root, url):
    with pytest.raises(RunError, match="stage statistics ended FAILED"):
        begin("attempts", "one").launch("statistics", print)
    launch(begin("attempts", "one"), "ingestion", "statistics")
    store = open_store(str(root), url).mlmd
    node = store.get_context_by_type_and_name("node", "attempts.statistics")
    executions = sorted(store.get_executions_by_context(node.id), key=lambda execution: execution.id)
    assert [pb.Execution.State.Name(execution.last_known_state) for execution in executions] == ["FAILED", "COMPLETE"]
    # Also one that failed has its parameters.
    assert all({"code", "exclude_splits", execution_folders.TOKEN} <= {*one.custom_properties} for one in executions)


def outputs(root, pipeline):
    """Output folders of ingestion with the content of their files."""
    folders = (root / pipeline / "artifacts/ingestion/examples").iterdir()
    return {
        folder.name: {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    }


def another(root, new_store):
    """Return the URL of a new store for the root, whose own one is put away."""
    if (root / "metadata.sqlite").exists():
        (root / "metadata.sqlite").rename(root / "old")
    return new_store()


def test_another_store_over_the_same_root_uses_separate_folders(tmp_path, points_run, new_store):
    launch(points_run(tmp_path, "again", "one", metadata=new_store()), "ingestion")
    [(first_folder, content)] = outputs(tmp_path, "again").items()
    second_store = another(tmp_path, new_store)
    launch(points_run(tmp_path, "again", "two", metadata=second_store), "ingestion")
    outputs_of_both = outputs(tmp_path, "again")
    [second_folder] = outputs_of_both.keys() - {first_folder}
    assert execution_folders.parse(first_folder).execution == execution_folders.parse(second_folder).execution
    assert outputs_of_both[first_folder] == content
    store = open_store(str(tmp_path), second_store).mlmd
    assert [execution_folders.of(execution) for execution in store.get_executions()] == [second_folder]
    places = {path.name for path in (tmp_path / "again/artifacts/ingestion/.system/executor_execution").iterdir()}
    assert places == {first_folder, second_folder}


def test_an_existing_output_folder_is_neither_used_nor_removed(tmp_path, points_run, monkeypatch, new_store):
    monkeypatch.setattr(execution_folders, "new_token", lambda: "0a1b2c3d")
    launch(points_run(tmp_path, "taken", "one", metadata=new_store()), "ingestion")
    first_outputs = outputs(tmp_path, "taken")
    second_store = another(tmp_path, new_store)
    with pytest.raises(ResourceError, match=r"examples/\d+-0a1b2c3d exists already"):
        launch(points_run(tmp_path, "taken", "two", metadata=second_store), "ingestion")
    assert outputs(tmp_path, "taken") == first_outputs


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """Make the code of ingestion open a file whose name is in no source."""
    path, plan = tmp_path / "words", planning.plan
    path.write_text("a")
    monkeypatch.setattr(stage_file_reads, "STAGES", ("ingestion",))
    monkeypatch.setattr(planning, "plan", lambda config: path.read_text() and plan(config))
    return path


def test_a_change_of_a_file_that_the_code_of_a_stage_opened_runs_it_again(begin, root, url, reading):
    first_run = begin("reads", "one")
    assert launch(first_run, "ingestion") == (["COMPLETE"], [])
    assert first_run.reads()[str(reading)] == file_reads.digest(str(reading))
    assert launch(begin("reads", "two"), "ingestion") == (["CACHED"], [])

    reading.write_text("b")
    assert launch(begin("reads", "again"), "ingestion", "statistics") == (
        ["COMPLETE", "COMPLETE"],
        [f"{reading}, which its code reads, has changed since the cached run: the stage runs again"],
    )
    assert launch(begin("reads", "three"), "ingestion") == (["CACHED"], [])
    reading.write_text("c")
    assert launch(begin("reads", "four"), "ingestion")[0] == ["COMPLETE"]
    # Earlier outputs stay in use: what they were made from is no damage.
    store = open_store(str(root), url).mlmd
    node = store.get_context_by_type_and_name("node", "reads.ingestion")
    artifacts = store.get_artifacts_by_context(node.id)
    assert {pb.Artifact.State.Name(recorded.state) for recorded in artifacts} == {"LIVE"}


def test_a_stage_whose_list_of_opened_files_is_lost_runs_again(root):
    reads = {f"/lists/{number}-{'w' * 60}": "0" * 16 for number in range(30)}
    packed = stage_file_reads.StageReads(str(root / "settings"), [], {}).pack(reads)
    artifact = pb.Artifact()
    artifact.custom_properties[stage_file_reads.PROPERTY].string_value = packed
    assert len(packed) < 500
    assert stage_file_reads.unpack(artifact) == reads
    for path in (root / "settings").iterdir():
        path.unlink()
    assert file_reads.changed(stage_file_reads.unpack(artifact))


def own_code(tmp_path, monkeypatch):
    """Parameters of a stage whose code names a file, and that file."""
    monkeypatch.setattr(project, "REPOSITORY", str(tmp_path))
    (tmp_path / "own.py").write_text('NAME = "words.txt"\n')
    (tmp_path / "words.txt").write_text("a")
    return {"code": json.dumps(code_digest.stage("own"))}, tmp_path / "words.txt"


def test_a_file_that_changes_before_user_code_opens_it_fails_the_stage(tmp_path, monkeypatch):
    parameters, path = own_code(tmp_path, monkeypatch)
    stages = stage_file_reads.StageReads(str(tmp_path / "settings"), [], {})
    with stages.of("trainer", parameters) as reads:
        path.read_text()
        os.replace(copied(path, "b"), path)
    assert reads == {}, "it is in the key; what it became after it was read does not matter"

    def late(read):
        path.write_text("a")
        with stages.of("trainer", parameters):
            os.replace(copied(path, "b"), path)
            if read:
                path.read_text()

    for read in (True, False):
        with pytest.raises(ResourceError, match=r"words\.txt changed after the start of the run, while stage trainer"):
            late(read)


def copied(path, text):
    copy = path.parent / "other"
    copy.write_text(text)
    return copy


def test_code_that_changes_before_a_stage_imports_it_fails_the_stage(tmp_path, monkeypatch):
    parameters, path = own_code(tmp_path, monkeypatch)
    monkeypatch.setattr(code_digest, "_pinned", {})
    code_digest.pin("own")
    stages, source = stage_file_reads.StageReads(str(tmp_path / "settings"), [], {}), path.parent / "own.py"

    def loaded():
        with stages.of("tuner", parameters):
            source.read_text()

    loaded()
    os.replace(copied(path, "NAME = 1\n"), source)
    with pytest.raises(UserError, match=r"own\.py was edited during the run, before stage tuner loaded it"):
        loaded()


def test_folders_of_a_stage_follow_the_umask_from_its_start(tmp_path, points_run, monkeypatch):
    """TFX makes them for one user; then another user of the group may not run the stage, or resume it after a kill."""
    moments, stage = [], ingestion_executor.Executor.Do

    def unshared():
        folders = [path for path in (tmp_path / "shared/artifacts").rglob("*") if path.is_dir()]
        assert "executor_execution" in {path.name for path in folders}
        return [str(path) for path in folders if not path.stat().st_mode & stat.S_IWGRP]

    def observed(executor, *arguments):
        moments.append(unshared())
        return stage(executor, *arguments)

    monkeypatch.setattr(ingestion_executor.Executor, "Do", observed)
    before = os.umask(0o002)
    try:
        launch(points_run(tmp_path, "shared", "one"), "ingestion")
    finally:
        os.umask(before)
    assert moments == [[]]
    assert unshared() == []
