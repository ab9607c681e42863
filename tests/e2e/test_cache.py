"""Stages that an edit executes again, for several edits of one tree."""

import gzip
import json
import os

import pytest

from ..trees import packed
from .conftest import QUICK, copy_tree, run_folder, runner

ALL = {
    *("ingestion", "statistics", "schema", "validation", "plain-models", "transformation"),
    *("trainer", "evaluator", "pusher"),
}
JUDGED = {"evaluator", "pusher"}
TRAINED = {"trainer", *JUDGED}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def tree(request, tmp_path_factory):
    """A copy of the repository with one run, in each kind of store."""
    tree = copy_tree(tmp_path_factory.mktemp("cache") / "tree", rows=1200)
    with pytest.MonkeyPatch.context() as environment:
        if request.param == "postgresql":
            environment.setenv("PIPELINE_METADATA", request.getfixturevalue("postgresql").new_database())
        assert ran_nodes(tree) == ALL
        assert (tree / "runs/metadata.sqlite").exists() == (request.param == "sqlite")
        yield tree


def ran_nodes(tree, *arguments):
    """Nodes that a run ran; the baseline and earlier data are looked up each time."""
    result = runner("--local", "--root", tree / "runs", *QUICK, *arguments, tree=tree)
    assert result.code in (0, 3), result.err
    return {node for node, word in result.nodes.items() if word == "done"} - {"baseline", "history"}


def replace(path, old_text, new_text):
    text = path.read_text()
    assert old_text in text
    path.write_text(text.replace(old_text, new_text, 1))


def test_an_unchanged_run_starts_no_worker(tree):
    first_run, second_run = (runner("--local", "--root", tree / "runs", *QUICK, tree=tree) for _ in range(2))
    first_folder, second_folder = run_folder(first_run), run_folder(second_run)
    assert second_run.line("nothing has changed since run").startswith(first_folder.name)
    assert set(second_run.nodes.values()) == {"cached", "done"}
    assert second_run.nodes == first_run.nodes
    assert not (second_folder / "logs" / "worker.log").exists(), "a worker was started"
    assert second_run.line("Pushed:") == first_run.line("Pushed:")
    assert (second_folder / "history.jsonl").read_bytes() == (first_folder / "history.jsonl").read_bytes()
    assert (second_folder / "report.html").is_file()

    result = runner("inspect", "show", second_folder.name, "--json", "--root", tree / "runs", tree=tree)
    states = {node["node_id"]: node["state"] for node in json.loads(result.out)["nodes"]}
    assert {node for node, state in states.items() if state == "COMPLETE"} == {"baseline", "history"}
    assert {node for node, state in states.items() if state == "CACHED"} == ALL


def test_a_damaged_output_is_computed_again_although_nothing_else_changed(tree):
    [statistics] = (tree / "runs/houses/artifacts/statistics/statistics").glob("*/Split-train/*")
    content = bytearray(statistics.read_bytes())
    content[len(content) // 2] ^= 1
    statistics.write_bytes(content)
    assert "statistics" in ran_nodes(tree)


def test_an_edit_runs_only_the_stages_that_depend_on_it(tree):
    assert ran_nodes(tree) == set()

    replace(tree / "configs/houses.toml", 'slices = ["waterfront", "grade"]', 'slices = ["waterfront"]')
    assert ran_nodes(tree) == JUDGED

    replace(tree / "models/networks/mlp.py", "features.vector, network", "features.vector + 0.0, network")
    assert ran_nodes(tree) == TRAINED

    replace(tree / "models/networks/linear.py", "return features", "return features + 0.0")
    assert ran_nodes(tree) == set(), "this pipeline's network does not use that file"

    replace(tree / "models/transform_graph/numbers.py", "log1p(tf.maximum(value, 0.0))", "log1p(tf.abs(value))")
    assert ran_nodes(tree) == {"transformation"} | TRAINED


def test_one_stage_runs_alone_on_the_outputs_of_the_newest_run(tree):
    def only(stage, *arguments):
        return runner("--local", "--root", tree / "runs", *QUICK, *arguments, "--only", stage, tree=tree)

    served = sorted((tree / "runs/houses/serving").iterdir())
    edit = ("--set", "network.layers=[5]")
    trained = only("trainer", *edit)
    assert trained.code == 0, trained.err
    assert trained.nodes["trainer"] == "done"
    assert {trained.nodes[node] for node in ("ingestion", "validation", "transformation")} == {"taken"}
    assert not JUDGED & set(trained.nodes)
    assert trained.line("trainer: ").startswith("best epoch")
    assert trained.line("before: ").endswith(
        f"(run {trained.line('outputs of the stages before trainer come from run')})"
    )
    assert "Without the changes" not in trained.out

    judged = only("evaluator", *edit)
    assert (judged.nodes["trainer"], judged.nodes["baseline"], judged.nodes["evaluator"]) == ("taken", "done", "done")
    assert judged.line("outputs of the stages before evaluator come from run") == run_folder(trained).name
    assert "Without the changes" not in judged.out
    without = only("evaluator")
    assert without.line("Without the changes of trainer since run ") == run_folder(judged).name
    assert sorted((tree / "runs/houses/serving").iterdir()) == served


def test_one_stage_needs_an_earlier_run(tree, tmp_path):
    alone = runner("--local", "--root", tmp_path, *QUICK, "--only", "trainer", tree=tree)
    assert alone.code == 2
    assert alone.err.startswith(
        "error: --only trainer: no run of houses has finished the stages before it (ingestion, "
    )
    assert "run without --only" in alone.err


def test_an_edit_of_the_schema_is_detected(tree):
    replace(tree / "schemas/houses.pbtxt", "int_domain { min: 0 max: 40 }", "int_domain { min: 0 max: 41 }")
    assert ran_nodes(tree) == ALL - {"ingestion", "statistics", "plain-models"}


def test_an_edit_of_the_data_is_detected_even_with_equal_size_and_time(tree):
    path = tree / "data/houses.csv.gz"
    stat = path.stat()
    table = gzip.decompress(path.read_bytes())
    assert table.count(b",221900,") == 1
    path.write_bytes(packed(table.replace(b",221900,", b",221901,")))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert ran_nodes(tree) == ALL - {"schema"}


def test_no_cache_runs_everything(tree):
    assert ran_nodes(tree, "--no-cache") == ALL
