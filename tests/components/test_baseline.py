import os

import pytest
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components import baseline, summary


def model(number):
    artifact = standard_artifacts.Model()
    artifact.id = number
    return artifact


def blessing(number, about, blessed=True):
    artifact = standard_artifacts.ModelBlessing()
    artifact.id = number
    artifact.set_int_custom_property("current_model_id", about)
    artifact.set_int_custom_property("blessed", int(blessed))
    return artifact


def resolve(models=(), blessings=(), candidate=()):
    inputs = {"model": list(models), "model_blessing": list(blessings), "candidate": list(candidate)}
    found = baseline.LatestBlessed().resolve_artifacts(None, inputs)
    assert set(found) == set(inputs)
    return [artifact.id for artifact in found["model"]], [artifact.id for artifact in found["model_blessing"]]


def test_in_a_first_run_there_is_none():
    assert resolve() == ([], [])
    assert resolve([model(1)], [], [model(1)]) == ([], [])


def test_the_latest_blessing_decides_not_the_latest_model():
    models = [model(1), model(2), model(3)]

    assert resolve(models, [blessing(10, 1), blessing(11, 2)], [model(3)]) == ([2], [11])
    assert resolve(models, [blessing(12, 1), blessing(11, 2)], [model(3)]) == ([1], [12])


def test_the_candidate_itself_is_passed_over():
    models = [model(1), model(2)]

    assert resolve(models, [blessing(10, 1), blessing(11, 2)], [model(2)]) == ([1], [10])
    assert resolve(models, [blessing(11, 2)], [model(2)]) == ([], [])


def test_a_model_that_was_not_blessed_is_passed_over():
    models = [model(1), model(2), model(3)]

    assert resolve(models, [blessing(10, 1), blessing(11, 2, blessed=False)], [model(3)]) == ([1], [10])
    assert resolve(models, [blessing(11, 2, blessed=False)], [model(3)]) == ([], [])


def test_a_blessing_of_a_model_that_is_gone_is_passed_over():
    assert resolve([model(1)], [blessing(10, 1), blessing(11, 99)], [model(3)]) == ([1], [10])


@pytest.fixture
def serve(tmp_path):
    """Runs the executor on a serving folder with the given versions; returns the artifact."""

    def run(*versions):
        for version in versions:
            (tmp_path / "serving" / version / "variables").mkdir(parents=True)
            (tmp_path / "serving" / version / "saved_model.pb").write_text(version)
            (tmp_path / "serving" / version / "variables" / "variables.index").write_text("")
        artifact = standard_artifacts.Model()
        artifact.uri = str(tmp_path / "artifact")
        properties = {"serving": str(tmp_path / "serving")}
        baseline.Executor().Do({"candidate": [model(1)]}, {"model": [artifact]}, properties)
        return artifact

    return run


def test_nothing_served_yet_leaves_the_artifact_empty(serve):
    artifact = serve()

    assert os.listdir(artifact.uri) == []
    assert artifact.get_string_custom_property(summary.PROPERTY) == "none yet"


def test_the_newest_served_version_is_copied_whole(serve):
    artifact = serve("9", "100", "20", ".200.partial")

    folder = f"{artifact.uri}/Format-Serving"
    with open(f"{folder}/saved_model.pb") as file:
        assert file.read() == "100"
    assert os.path.isfile(f"{folder}/variables/variables.index")
    assert artifact.get_string_custom_property(summary.PROPERTY) == "version 100"


def test_both_nodes_have_the_public_id_and_output():
    candidate = Channel(type=standard_artifacts.Model)
    nodes = [
        baseline.latest_blessed(candidate=candidate),
        baseline.served(serving="serving", candidate=candidate),
    ]

    assert [node.id for node in nodes] == ["baseline", "baseline"]
    assert all("model" in node.outputs for node in nodes)
