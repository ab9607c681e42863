"""`inspect clean` keeps and reports what cannot be attributed to a run of the pipeline in the store."""

import os
import shutil

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError
from inspection.store.metadata_store import open_store

from .cleaned import Runs, tree


@pytest.fixture
def runs(writer, tmp_path):
    return Runs(writer, tmp_path)


@pytest.fixture
def refused(ask, capsys):
    """Run a clean-up that fails; return its output and the error."""

    def run(*arguments):
        with pytest.raises(ResourceError) as error:
            ask("clean", "--keep", "1", "--yes", *arguments)
        assert error.value.exit_code == 5
        return capsys.readouterr().out, str(error.value)

    return run


def several(runs):
    """The first serves, the second needs nothing, the last two are blessed."""
    runs(served=True)
    runs(blessed=False)
    runs()
    runs()


def test_behind_a_link_nothing_is_moved(runs, refused):
    several(runs)
    (runs.home / "trials").mkdir()
    big = runs.root.parent / f"{runs.root.name} big"
    before = tree(runs.home)
    for link in (runs.home, *(runs.home / part for part in ("artifacts", "runs", "trials"))):
        shutil.move(link, big)
        link.symlink_to(big)
        output, error = refused()

        assert error == (
            f"houses: nothing is removed: {link} is a link to {big}, and nothing behind a link is removed. Replace the "
            "link by the folder, or mount the folder there"
        )
        assert output == "nothing to remove\n"
        assert {name: text for name, text in tree(runs.home).items() if name != ".lock"} == before
        link.unlink()
        shutil.move(big, link)


@pytest.mark.parametrize("root_name", ["link", "folder"])
def test_the_root_itself_may_be_a_link(writer, tmp_path, root_name):
    """Run are given the root by one of its names, the clean-up by the other."""
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    runs = Runs(writer, link if root_name == "folder" else real)
    several(runs)
    runs.store = lambda: open_store(str(tmp_path), None, readonly=False)
    runs.root = real if root_name == "folder" else link
    runs.clean()

    assert runs.left("trainer") == [1, 3, 4]
    assert len(tree(real / ".trash")) == 5


def test_links_below_are_left_alone_and_named(runs, refused):
    several(runs)
    for _ in range(3):
        runs(blessed=False)
    away = runs.root.parent / f"{runs.root.name} away"
    away.mkdir()
    links = [runs.place("ingestion", 2), runs.place("evaluator", 5).parent, runs.home / "runs" / "run-2"]
    for number, link in enumerate(links):
        shutil.move(link, away / str(number))
        link.symlink_to(away / str(number))
    before = tree(away)
    output, error = refused()

    for number, link in enumerate(links):
        assert f"houses    {link}" in output
        assert f"it is a link to {away / str(number)}\n" in output
        assert link.is_symlink()
    assert tree(away) == before
    assert error.startswith("3 paths kept, see above: ")
    assert runs.left("trainer") == [1, 3, 4, 7], "what can be attributed is moved"


def test_a_root_that_was_moved_is_cleaned_as_before(tmp_path, make_writer):
    root = tmp_path / "before" / "runs"
    root.mkdir(parents=True)
    runs = Runs(make_writer(root / "metadata.sqlite"), root)
    several(runs)
    (tmp_path / "after").mkdir()
    shutil.move(root, tmp_path / "after" / "runs")
    runs.root = tmp_path / "after" / "runs"
    runs.clean()

    assert runs.left("trainer") == [1, 3, 4]
    assert all(f"{runs.root}/" in row.uri for row in runs.store().newest_artifacts(None) if row.type == "Model")


def test_of_a_copied_root_the_copy_alone_is_cleaned(runs):
    several(runs)
    origin, copy = runs.home, runs.root.parent / f"{runs.root.name} copy"
    shutil.copytree(runs.root, copy)
    before = tree(origin)
    runs.root = copy
    runs.store = lambda: open_store(str(copy), None, readonly=False)
    runs.clean()

    assert runs.left("trainer") == [1, 3, 4]
    assert tree(origin) == before


def test_under_the_store_of_another_root_that_is_there_nothing_is_touched(runs):
    several(runs)
    url, copy = f"sqlite:///{runs.root}/metadata.sqlite", runs.root.parent / f"{runs.root.name} copy"
    shutil.copytree(runs.root, copy)
    runs.root = copy
    runs.store = lambda: open_store(str(copy), url, readonly=False)
    before = tree(runs.home)

    assert "the root was moved or copied" in runs.survey().refused
    assert tree(runs.home) == before


def test_a_store_older_than_the_files_removes_nothing_of_what_serves(runs, refused):
    """The store is the backup of a time before the model that serves was made."""
    runs()
    runs(blessed=False)
    shutil.copyfile(runs.root / "metadata.sqlite", runs.root / "backup")
    for _ in range(3):
        runs(served=True)
    shutil.copyfile(runs.root / "backup", runs.root / "metadata.sqlite")
    before = tree(runs.home)
    _, error = refused()

    serving = max((runs.home / "serving").glob("[0-9]*"))
    assert error == (
        f"houses: nothing is removed: {serving} serves, but {runs.root}/metadata.sqlite does not contain its "
        "model: the store is older than the files, or another one. Name the right store with --metadata, restore its "
        "newest backup with `inspect restore FILE`, or push a model with a run"
    )
    assert {name: text for name, text in tree(runs.home).items() if name != ".lock"} == before


def test_a_store_older_than_the_files_keeps_what_it_does_not_know(runs, refused):
    """What serves was made before the backup; of what came after it the store knows nothing."""
    runs(served=True)
    runs(blessed=False)
    runs()
    runs()
    shutil.copyfile(runs.root / "metadata.sqlite", runs.root / "backup")
    runs(blessed=False)
    shutil.copyfile(runs.root / "backup", runs.root / "metadata.sqlite")
    output, error = refused()

    assert error.startswith("3 paths kept")
    for node in ("ingestion", "trainer", "evaluator"):
        assert f"houses    {runs.place(node, 5)}" in output
        assert runs.left(node) == [1, 3, 4, 5]
    assert "no run of this store created it\n" in output
    assert (runs.home / "runs" / "run-5").exists()


@pytest.mark.parametrize("named", [True, False])
def test_the_model_that_serves_stays_where_the_store_lacks_its_push(runs, named):
    """The version's record names the model; older records do not, and its files are compared."""
    runs(served=True, known=False, named=named, blessed=False)
    if named:
        (runs.place("trainer", 1) / "Format-Serving" / "saved_model.pb").write_text("damaged since then")
    for _ in range(3):
        runs()
    runs.clean()

    assert runs.left("trainer") == [1, 3, 4]
    assert runs.left("ingestion") == [1, 3, 4], "what it was made from stays too"
    assert (runs.home / "runs" / "run-1").exists()


def test_a_version_that_others_put_there_stops_nothing(runs):
    several(runs)
    (runs.home / "serving" / str(2**60)).mkdir()
    (runs.home / "serving" / str(2**60) / "saved_model.pb").write_text("foreign")
    runs.clean()

    assert runs.left("trainer") == [1, 3, 4]


def test_a_failed_execution_owns_only_the_folder_with_its_token(runs, writer):
    """Another store has the same id, and names of earlier revisions have only the id."""
    runs()
    for state, run in (("FAILED", "killed"), ("RUNNING", "going on")):
        writer.run(run, state="FAILED").node("trainer", state=state, folder_token="feedbeef")
    failed, running = sorted(execution.id for execution in runs.store().all_executions())[-2:]
    folder = runs.home / "artifacts" / "trainer" / "model"
    names = [f"{failed}-feedbeef", f"{failed}-0badcafe", str(failed), f"{running}-feedbeef"]
    for name in names:
        (folder / name).mkdir()
    other_node = runs.home / "artifacts" / "evaluator" / "blessing" / f"{failed}-feedbeef"
    other_node.mkdir()
    survey = runs.survey()

    assert [removal.path for removal in survey.removable] == [str(folder / names[0])]
    assert {kept_path.path for kept_path in survey.kept} == {
        str(other_node),
        str(folder / names[1]),
        str(folder / names[2]),
    }


def test_an_artifact_of_another_pipeline_stays(runs, writer):
    several(runs)
    uri = runs.place("trainer", 99)
    uri.mkdir(parents=True)
    writer.run("theirs", pipeline="cars", state="COMPLETE").node("trainer", outputs=[("model", "Model")], uri=str(uri))
    kept_paths = runs.survey().kept

    assert [(artifact.path, artifact.reason) for artifact in kept_paths] == [(str(uri), "it is an artifact of cars")]


def test_a_run_that_the_store_has_elsewhere_stays(runs, writer):
    several(runs)
    writer.context("pipeline_run", "run-2", run_folder="/other/houses/of-before/run-2")
    survey = runs.survey()

    assert [(artifact.path, artifact.reason) for artifact in survey.kept] == [
        (f"{runs.home}/runs/run-2", "the store has another folder of this run: /other/houses/of-before/run-2")
    ]
    assert {removal.kind for removal in survey.removable} == {"artifact"}


def test_a_damaged_artifact_whose_stage_was_made_again_goes(runs):
    several(runs)
    store = runs.store()
    rows = [row for row in store.newest_artifacts(None) if row.uri == str(runs.place("trainer", 2))]
    rows[0].state = pb.Artifact.DELETED
    store.mlmd.put_artifacts(rows)
    removals = {removal.path: removal for removal in runs.clean().removable}

    assert removals[str(runs.place("trainer", 2))].kind == "left over"
    assert not os.path.exists(runs.place("trainer", 2))
