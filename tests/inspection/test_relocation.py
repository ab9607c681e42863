"""Paths of a store whose root was moved, copied or mounted elsewhere."""

import json
import shutil

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.run_history import list_runs
from inspection.store import relocation
from inspection.store.metadata_store import open_store
from inspection.store.relocation import Relocation
from orchestration.local import run_start
from orchestration.paths import Root


@pytest.fixture
def moved(tmp_path):
    """A root in a folder that is itself called as a part of a pipeline is."""
    root = tmp_path / "artifacts" / "new"
    (root / "houses/artifacts/trainer/model/8-0a1b2c3d").mkdir(parents=True)
    (root / "houses/runs/one").mkdir(parents=True)
    return root


@pytest.mark.parametrize("old_root", ["/gone/old", "/gone/artifacts/runs/old"])
def test_a_path_is_read_under_the_root_of_today_where_its_file_is(moved, old_root):
    moved_root = Relocation(str(moved), in_root=True)

    assert moved_root.path(f"{old_root}/houses/artifacts/trainer/model/8-0a1b2c3d") == str(
        moved / "houses/artifacts/trainer/model/8-0a1b2c3d"
    )
    assert moved_root.path(f"{old_root}/houses/runs/one") == str(moved / "houses/runs/one")


@pytest.mark.parametrize(
    "path",
    [
        "/gone/old/houses/artifacts/trainer/model/9",
        "/gone/old/cars/artifacts/trainer/model/8-0a1b2c3d",
        "gs://bucket/houses/artifacts/trainer/model/8-0a1b2c3d",
        "/gone/data/houses.csv",
        "/artifacts",
        "",
    ],
)
def test_what_is_not_under_the_root_stays_as_it_is(moved, path):
    assert Relocation(str(moved), in_root=True).path(path) == path


def test_a_store_of_several_roots_keeps_a_path_that_leads_somewhere(moved, tmp_path):
    other_path = tmp_path / "other/houses/artifacts/trainer/model/8-0a1b2c3d"
    other_path.mkdir(parents=True)
    moved_path = str(moved / "houses/artifacts/trainer/model/8-0a1b2c3d")

    assert Relocation(str(moved), in_root=False).path(str(other_path)) == str(other_path)
    assert Relocation(str(moved), in_root=True).path(str(other_path)) == moved_path
    shutil.rmtree(other_path)
    assert Relocation(str(moved), in_root=False).path(str(other_path)) == moved_path
    assert Relocation(None, in_root=False).path(str(other_path)) == str(other_path)


def test_a_path_of_a_former_root_is_not_looked_for_there(moved, tmp_path):
    """The original of a copied root still has what was deleted in the copy; a root that shares the store is no former
    one."""
    recorded = [tmp_path / "old/houses/runs/one", tmp_path / "other/houses/runs/two", moved / "houses/runs/three"]
    gone_here = [tmp_path / "old/houses/artifacts/trainer/model/9", tmp_path / "other/houses/artifacts/trainer/model/7"]
    for path in gone_here:
        path.mkdir(parents=True)

    def paths(**kind):
        relocated = Relocation(str(moved), recorded=lambda: map(str, recorded), **kind)
        return [relocated.path(str(path)) for path in gone_here]

    current = str(moved / "houses/artifacts/trainer/model/9")
    assert paths(in_root=True) == [current, str(gone_here[1])]
    assert paths(in_root=False) == list(map(str, gone_here))
    for path in gone_here:
        path.rmdir()
    assert paths(in_root=True) == [current, str(gone_here[1])]
    assert paths(in_root=False) == list(map(str, gone_here))


def test_a_store_is_read_so_and_written_so_once(make_writer, tmp_path):
    old_root, new_root = tmp_path / "old", tmp_path / "new"
    uri = old_root / "houses/artifacts/trainer/model/3-0a1b2c3d"
    folder = old_root / "houses/runs/one"
    serving = old_root / "houses/serving/7"
    for path in (uri, folder, serving):
        path.mkdir(parents=True)
    writer = make_writer(old_root / "metadata.sqlite")
    run = writer.run("one", run_folder=str(folder), state="COMPLETE")
    (old_root / "houses/settings").mkdir()
    (old_root / "houses/settings/0a.json").write_text("{}")
    reads = json.dumps({"file": str(old_root / "houses/settings/0a.json"), "sha256": "0a"})
    facts = {"model": {"pushed_destination": str(serving), "reads": reads}}
    run.node("trainer", outputs=[("model", "Model")], uri=str(uri), facts=facts)
    old_root.rename(new_root)
    store = open_store(str(new_root), None)
    [model] = store.artifacts_of_type("Model")

    assert model.uri == str(new_root / "houses/artifacts/trainer/model/3-0a1b2c3d")
    assert model.custom_properties["pushed_destination"].string_value == str(new_root / "houses/serving/7")
    packed = json.loads(model.custom_properties["reads"].string_value)
    assert packed == {"file": str(new_root / "houses/settings/0a.json"), "sha256": "0a"}
    assert list_runs(store)[0].folder == str(new_root / "houses/runs/one")
    assert store.artifacts([model.id]) == store.newest_artifacts(None) == [model]
    assert store.context("pipeline_run", "none") is None

    writable_store = open_store(str(new_root), None, readonly=False)
    above = writable_store.context("pipeline", "houses")
    assert relocation.rewrite(writable_store.mlmd, above.id, writable_store.relocation) == 2
    assert relocation.rewrite(writable_store.mlmd, above.id, writable_store.relocation) == 0
    [plain] = writable_store.mlmd.get_artifacts()
    assert (plain.uri, plain.state) == (model.uri, pb.Artifact.LIVE)


def test_a_store_that_was_restored_from_before_a_move_is_relocated_by_the_next_run(moved, make_writer):
    writer = make_writer(moved / "metadata.sqlite")
    writer.run("one", run_folder="/gone/old/houses/runs/one")
    place = run_start.Place(Root(str(moved)), "houses", None)
    assert place.relocate(place.open_store()) == (
        f"the root was /gone/old: 1 paths in ML Metadata now point to {moved}"
    )
    assert relocation.run_folder(writer.store.get_contexts_by_type("pipeline_run")[0]) == str(moved / "houses/runs/one")
    assert place.relocate(place.open_store()) is None
