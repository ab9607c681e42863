"""The wiring of what the config asks for, without a run."""

import json

import pytest

import project
from errors import UserError
from pipeline.config import Config
from pipeline.create_pipeline import Places, create_pipeline

LEAST = {"data": {"path": "data/x.csv"}, "features": {"numeric": [{"column": "a"}]}, "label": {"column": "y"}}


@pytest.fixture
def wired(tmp_path):
    """Makes the pipeline of a config; returns its nodes by name."""

    def make(baseline="metadata", folder=tmp_path, **sections):
        places = Places(
            data=str(folder / "x.csv"),
            schema=str(folder / "schemas/x.pbtxt"),
            skew=str(folder / "served.csv") if "gates" in sections else None,
            artifacts=str(tmp_path / "artifacts"),
            serving=str(tmp_path / "serving"),
            trials=str(tmp_path / "trials"),
            baseline=baseline,
        )
        config = Config.model_validate({**LEAST, **sections})
        pipeline = create_pipeline(name="x", config=config, columns={"a": "FLOAT", "y": "FLOAT"}, places=places)
        return {node.id: node for node in pipeline.components}

    return make


@pytest.mark.parametrize("baseline", ["metadata", "serving"])
def test_a_warm_start_reads_the_latest_blessed_model_and_so_does_its_cache_key(wired, baseline):
    nodes = wired(baseline, training={"warm_start": True})

    assert "base_model" not in wired(baseline)["trainer"].inputs
    assert "warm-start" not in wired(baseline)
    assert nodes["trainer"].inputs["base_model"] is nodes["warm-start"].outputs["model"]
    assert "candidate" not in nodes["warm-start"].inputs
    assert "candidate" in nodes["baseline"].inputs
    assert nodes["evaluator"].inputs["baseline_examples"] is nodes["baseline"].outputs["examples"]


def test_the_pusher_learns_how_spans_are_named_and_what_is_allowed(wired):
    def allowed(**sections):
        return json.loads(wired(**sections)["pusher"].exec_properties["allowed"])

    plain = {"uncompared": False, "older_span": False, "repeat": True, "spans": ""}
    assert allowed() == plain
    assert allowed(data={"path": "data/{YYYY}-{MM}.csv"}) == {**plain, "spans": "day"}
    assert allowed(push={"older_span": True}) == {**plain, "older_span": True}
    assert allowed(push={"uncompared": True}) == {**plain, "uncompared": True}


def test_plain_models_are_fitted_again_if_data_columns_or_label_change_and_not_for_another_network(wired):
    def key(**sections):
        node = wired(**sections)["plain-models"]
        return {"inputs": sorted(node.inputs), **node.exec_properties}

    first_key = key()
    assert first_key["inputs"] == ["examples"]
    assert key(network="linear", training={"epochs": 3}, evaluation={"floor": {"mae": 1.0}}) == first_key
    bucketized = {"bucketized": [{"column": "a", "quantiles": 4}]}
    assert key(features={"numeric": [{"column": "a"}], **bucketized}) == first_key
    for change in (
        {"label": {"column": "y", "transform": "log"}},
        {"columns": {"weight": "a"}},
        {"evaluation": {"plain_seconds": 3}},
    ):
        assert key(**change)["settings"] != first_key["settings"], change


def test_plain_models_are_off_by_a_key_and_for_tasks_that_have_none(wired):
    nodes = wired()
    assert nodes["evaluator"].inputs["plain_predictions"].output_key == "plain_predictions"
    without_plain = wired(evaluation={"plain": False})
    assert "plain-models" not in without_plain
    assert "plain_predictions" not in without_plain["evaluator"].inputs
    clusters = wired(label={"column": "y", "task": "clusters"}, network="kmeans", training={})
    assert "plain-models" not in clusters


def test_parameters_of_cached_nodes_are_equal_in_a_copy_of_the_project(wired, tmp_path, monkeypatch):
    def parameters(folder):
        monkeypatch.setenv(project.VARIABLE, str(folder))
        nodes = wired(folder=folder, gates={"skew": {"path": "data/served.csv"}})
        cached = ("ingestion", "schema", "validation")
        return {name: {key: str(value) for key, value in nodes[name].exec_properties.items()} for name in cached}

    original, copy = parameters(tmp_path / "here"), parameters(tmp_path / "there")

    assert str(tmp_path) not in str(original)
    assert original == copy
    assert original["schema"]["path"] == "schemas/x.pbtxt"
    assert '"paths": "x.csv"' in original["ingestion"]["settings"]


@pytest.mark.parametrize(
    ("path", "portable"),
    [
        ("/home/me/project/data/x.csv", "data/x.csv"),
        ("/home/me/projects/x.csv", "/home/me/projects/x.csv"),
        ("/home/me/project", "/home/me/project"),
        ("gs://bucket/x.csv", "gs://bucket/x.csv"),
        (["/home/me/project/a.csv", "/b.csv"], ["a.csv", "/b.csv"]),
        (
            {"train": "/home/me/project/a.csv", "test": ["/home/me/project/b/*.csv"]},
            {"train": "a.csv", "test": ["b/*.csv"]},
        ),
        (None, None),
    ],
)
def test_paths_inside_the_project_are_relative_to_it(monkeypatch, path, portable):
    monkeypatch.setenv(project.VARIABLE, "/home/me/project")
    assert project.portable(path) == portable


@pytest.mark.parametrize(
    ("path", "absolute"),
    [
        ("schemas/x.pbtxt", "/home/me/project/schemas/x.pbtxt"),
        ("/etc/x.pbtxt", "/etc/x.pbtxt"),
        ("gs://bucket/x.pbtxt", "gs://bucket/x.pbtxt"),
    ],
)
def test_a_portable_path_is_found_again(monkeypatch, path, absolute):
    monkeypatch.setenv(project.VARIABLE, "/home/me/project")
    assert project.absolute(path) == absolute
    assert project.absolute(project.portable(absolute)) == absolute


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Writes my_network.py into a repository of its own."""
    monkeypatch.setattr(project, "REPOSITORY", str(tmp_path))
    monkeypatch.setattr(project, "REPOSITORY", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)

    def write(text, name):
        (tmp_path / f"{name}.py").write_text(text)
        return f"{name}.build"

    return write


def test_the_trainer_learns_how_cells_are_cleaned(wired):
    def cleaning(**sections):
        packed = json.loads(wired(**sections)["trainer"].exec_properties["custom_config"])["settings"]
        return packed["inline"]["cleaning"]

    assert cleaning()["column_null_values"] == {}
    assert cleaning(data={"path": "x.csv", "null_values": ["", "-"]})["null_values"] == ["", "-"]


def code(nodes):
    return json.loads(nodes["trainer"].exec_properties["custom_config"])["code"]


def test_an_edit_of_your_own_network_changes_the_key_of_the_trainer(wired, write_module):
    text = "def build(features, settings):\n    return features.vector\n"
    digest = code(wired(network=write_module(text, "my_network")))

    assert code(wired(network=write_module(text, "my_network"))) == digest
    assert code(wired(network=write_module(text + "# edited\n", "my_network"))) != digest


def test_your_own_network_that_does_not_import_is_named_with_its_line(wired, write_module):
    text = "import math\n\nmath.no_such_thing()\n\n\ndef build(features, settings):\n    return features.vector\n"
    with pytest.raises(UserError, match=r"torn_network does not import: Attr.*: .*\(torn_network\.py, line 3\)"):
        wired(network=write_module(text, "torn_network"))


@pytest.mark.parametrize(("role", "noted"), [("numeric", True), ("text", False)])
def test_a_group_that_is_also_a_feature_is_noted_by_ingestion(wired, role, noted):
    grouped = wired(columns={"group": "a"}, features={role: [{"column": "a"}]})
    settings = json.loads(grouped["ingestion"].exec_properties["settings"])["inline"]

    assert any(note.startswith("the group 'a' is also a feature") for note in settings["notes"]) == noted
    assert settings["read"] == ["a"]
