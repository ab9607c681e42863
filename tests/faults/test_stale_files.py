"""Folders and files of a run that is not in the store: they must be neither used nor removed."""

import json
import re

import pytest

ROWS = {"a": 60, "b": 90}
"""Rows of each file of the data."""


@pytest.fixture
def ran(warm, tmp_path):
    """Run the points over files of the data; returns the output of the run."""
    (tmp_path / "data").mkdir()

    def run(*names, to="statistics", more=()):
        for name, rows in ROWS.items():
            lines = [f"{row / 50},{(row * 7 % 11) / 10},{row % 2}" for row in range(rows)]
            path = tmp_path / "data" / f"{name}.csv"
            path.write_text("\n".join(["x1,x2,y", *lines]) + "\n")
            if name not in names:
                path.unlink()
        command = ("--local", "--pipeline", "points", "--variant", "xor_linear", "--root", tmp_path / "runs")
        data = ("--set", f'data.path="{tmp_path}/data/*.csv"', "--set", "data.split.column='x1'")
        quick = ("--no-cache", "--set", "training.epochs=1", "--set", "evaluation.floor={}")
        completed = warm.run(*command, *data, *quick, *more, *(("--to", to) if to else ()))
        assert completed.code == 0, completed.err
        return completed.out

    return run


def outputs(root):
    """Content of all files of artifacts."""
    folder = root / "points-xor_linear/artifacts"
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


HOW = ("a new store", "another store by --metadata", "an older backup", "a new database of PostgreSQL")


@pytest.mark.parametrize("case", HOW)
def test_a_new_store_over_an_old_root_mixes_no_rows(ran, warm, tmp_path, figure, case, request):
    """Fault 40: ids of executions are given out again over the folders of a run that the store does not know."""
    root, more = tmp_path / "runs", ()
    if case == "an older backup":
        ran("a", to="ingestion")
        assert warm.run("inspect", "backup", tmp_path / "backup", "--root", root).code == 0
    ran("a", "b")
    files_before = outputs(root)
    if case == "a new store":
        (root / "metadata.sqlite").rename(root / "old")
    elif case == "an older backup":
        assert warm.run("inspect", "restore", tmp_path / "backup", "--root", root).code == 0
    elif case == "a new database of PostgreSQL":
        more = ("--metadata", request.getfixturevalue("postgresql").new_database())
    else:
        more = ("--metadata", f"sqlite:///{tmp_path}/elsewhere.sqlite")
    ran("a", more=more)
    files_after = outputs(root)
    result = warm.run("inspect", "statistics", "latest", "--json", "--root", root, *more)
    assert result.code == 0, result.err
    foreign = sum(split["rows"] for split in json.loads(result.out)["splits"]) - ROWS["a"]
    touched = [path for path in files_before if files_after.get(path) != files_before[path]]
    figure(40, f"{case}: rows of another run = {foreign}, files of another run touched = {len(touched)}")
    assert (foreign, touched) == (0, [])


@pytest.mark.slow
def test_a_run_over_an_old_root_trains_and_evaluates_on_its_own_rows(ran, tmp_path, figure):
    """Fault 40: the model is evaluated on what this run's ingestion wrote."""
    ran("a", "b", to=None)
    (tmp_path / "runs/metadata.sqlite").rename(tmp_path / "runs/old")
    for _ in range(2):
        output = ran("a", to=None)
        [ingested] = re.findall(r"(\d+) test rows", output)
        [evaluated] = re.findall(r"test split, (\d+) rows", output)
        assert evaluated == ingested
    figure(40, f"test rows written = {ingested}, judged = {evaluated}")


def test_a_file_of_another_run_among_the_examples_is_not_read(points_run, tmp_path, figure):
    """Fault 40: a shard put into the folder of a split between two stages."""
    execution = points_run(tmp_path, "mixed", "one")
    execution.launch("ingestion", print)
    [examples] = (tmp_path / "mixed/artifacts/ingestion/examples").iterdir()
    [shard] = (examples / "Split-train").iterdir()
    (shard.parent / "data_tfrecord-00001-of-00002.gz").write_bytes(shard.read_bytes())
    execution.launch("statistics", print)
    from tensorflow_metadata.proto.v0 import statistics_pb2

    [statistics_file] = (tmp_path / "mixed/artifacts/statistics/statistics").glob("*/Split-train/FeatureStats.pb")
    measured = (
        statistics_pb2.DatasetFeatureStatisticsList.FromString(statistics_file.read_bytes()).datasets[0].num_examples
    )
    declared = json.loads((examples / "manifest.json").read_text())["splits"]["train"]
    figure(40, f"a shard that is not declared: rows read = {measured}, declared = {declared[0][1]}")
    assert measured == declared[0][1]
