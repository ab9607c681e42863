"""Stages of a real pipeline in this process: what an earlier attempt or run made is kept, checked, and made again."""

import functools

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError, RunError, UserError
from inspection import folders
from inspection.store import open_store


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("root")


@pytest.fixture
def begin(root, points_run):
    return functools.partial(points_run, root)


def launch(execution, *node_ids):
    """States of the nodes, and what was said."""
    said = []
    return [execution.launch(node_id, said.append)[0] for node_id in node_ids], said


def artifact(root, pipeline, node_id="ingestion"):
    """The newest file of a node's outputs."""
    found = [path for path in (root / pipeline / "artifacts" / node_id).glob("[!.]*/*/**/*") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_second_attempt_keeps_what_the_first_has_finished_also_without_the_cache(begin):
    assert launch(begin("kept", "one", cache=False), "ingestion", "schema")[0] == ["COMPLETE", "COMPLETE"]
    again = begin("kept", "one", cache=False)
    assert launch(again, "ingestion", "schema", "statistics")[0] == ["KEPT", "KEPT", "COMPLETE"]
    assert launch(begin("kept", "two", cache=False), "ingestion")[0] == ["COMPLETE"]


def test_a_finished_stage_whose_output_is_damaged_is_made_again_in_the_same_run(begin, root):
    launch(begin("mended", "one"), "ingestion", "schema")
    flip(artifact(root, "mended"))
    mended, said = begin("mended", "one"), []
    state, line = mended.launch("ingestion", said.append)
    assert (state, line.partition("; ")[2]) == ("COMPLETE", "made again, as examples was damaged")
    assert launch(mended, "schema", "statistics") == (["KEPT", "COMPLETE"], [])
    [told] = said
    assert told.startswith(f"its earlier output examples ({root}/mended/artifacts/ingestion/examples/")
    assert told.endswith(" is damaged: made again")


def test_a_run_from_a_stage_takes_what_stands_before_it(begin, root):
    launch(begin("parts", "one"), "ingestion", "schema")
    part = begin("parts", "two", first="statistics", base="one", to="statistics")
    assert part.node_ids == ["ingestion", "statistics"]
    assert launch(part, *part.node_ids)[0] == ["TAKEN", "COMPLETE"]
    again = begin("parts", "two", first="statistics", base="one", to="statistics")
    assert launch(again, "ingestion", "statistics")[0] == ["KEPT", "KEPT"]
    flip(artifact(root, "parts"))
    broken = begin("parts", "three", first="statistics", base="one", to="statistics")
    with pytest.raises(UserError, match=r"--from statistics: of run one, examples .* is damaged. Run without --from"):
        broken.launch("ingestion", print)


def test_each_attempt_is_an_execution_of_its_own(begin, root):
    with pytest.raises(RunError, match="stage statistics ended FAILED"):
        begin("attempts", "one").launch("statistics", print)
    launch(begin("attempts", "one"), "ingestion", "statistics")
    store = open_store(str(root), None).mlmd
    node = store.get_context_by_type_and_name("node", "attempts.statistics")
    executions = sorted(store.get_executions_by_context(node.id), key=lambda one: one.id)
    assert [pb.Execution.State.Name(one.last_known_state) for one in executions] == ["FAILED", "COMPLETE"]


def outputs(root, pipeline):
    """Output folders of ingestion with the content of their files."""
    made = (root / pipeline / "artifacts/ingestion/examples").iterdir()
    return {
        folder.name: {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in made
    }


def test_another_store_over_the_same_root_has_folders_of_its_own(tmp_path, points_run):
    launch(points_run(tmp_path, "again", "one"), "ingestion")
    [(first, content)] = outputs(tmp_path, "again").items()
    (tmp_path / "metadata.sqlite").rename(tmp_path / "old")
    launch(points_run(tmp_path, "again", "two"), "ingestion")
    after = outputs(tmp_path, "again")
    [second] = after.keys() - {first}
    assert folders.parse(first).execution == folders.parse(second).execution
    assert after[first] == content
    store = open_store(str(tmp_path), None).mlmd
    assert [folders.of(one) for one in store.get_executions()] == [second]
    places = {path.name for path in (tmp_path / "again/artifacts/ingestion/.system/executor_execution").iterdir()}
    assert places == {first, second}


def test_an_output_folder_that_is_there_is_neither_used_nor_removed(tmp_path, points_run, monkeypatch):
    monkeypatch.setattr(folders, "new_token", lambda: "0a1b2c3d")
    launch(points_run(tmp_path, "taken", "one"), "ingestion")
    before = outputs(tmp_path, "taken")
    (tmp_path / "metadata.sqlite").rename(tmp_path / "old")
    with pytest.raises(ResourceError, match=r"examples/\d+-0a1b2c3d exists already"):
        launch(points_run(tmp_path, "taken", "two"), "ingestion")
    assert outputs(tmp_path, "taken") == before
