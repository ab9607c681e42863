import os
import types

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types import standard_artifacts
from tfx.types.channel import Channel
from tfx.utils import path_utils

from components.baseline import component
from serving import versions


class Store:
    """Executions with their inputs and outputs, with the interface of ML Metadata."""

    def __init__(self):
        self.events, self.put = [], []

    def made(self, execution, inputs, outputs):
        for kind, ids in ((pb.Event.INPUT, inputs), (pb.Event.OUTPUT, outputs)):
            for key, artifact_id in ids.items():
                event = pb.Event(type=kind, artifact_id=artifact_id, execution_id=execution)
                event.path.steps.add(key=key)
                self.events.append(event)

    def get_events_by_artifact_ids(self, ids):
        return [event for event in self.events if event.artifact_id in ids]

    def get_events_by_execution_ids(self, ids):
        return [event for event in self.events if event.execution_id in ids]

    def put_artifact_type(self, kind, **_):
        return 5

    def put_artifacts(self, artifacts):
        self.put += artifacts
        return [900 + len(self.put)]


@pytest.fixture
def world(tmp_path):
    """A pipeline's folder with models, blessings, pushes and versions."""
    home, store = tmp_path / "root" / "houses", Store()
    serving = str(home / "serving")
    models, blessings, pushes, examples = [], [], [], []

    def model(number, text=None, uri=None):
        artifact = standard_artifacts.Model()
        artifact.id, artifact.uri = number, uri or str(home / f"artifacts/trainer/model/{number}-0a1b2c3d")
        folder = path_utils.serving_model_dir(artifact.uri)
        os.makedirs(folder)
        with open(f"{folder}/saved_model.pb", "w") as file:
            file.write(text or f"model {number}")
        rows = standard_artifacts.Examples()
        rows.id = 100 + number
        examples.append(rows)
        store.made(number, {"raw_examples": rows.id}, {"model": number})
        models.append(artifact)
        return artifact

    def bless(number, about, blessed=True, baseline=0, judged=0):
        artifact = standard_artifacts.ModelBlessing()
        artifact.id = number
        artifact.set_int_custom_property("current_model_id", about)
        artifact.set_int_custom_property("blessed", int(blessed))
        if baseline:
            artifact.set_int_custom_property("baseline_model_id", baseline)
        if judged:
            artifact.set_int_custom_property("baseline_blessing_id", judged)
        blessings.append(artifact)

    def push(artifact, named=True):
        source = path_utils.serving_model_dir(artifact.uri)
        path = os.path.relpath(artifact.uri, home) if named else None
        version = versions.place(source, serving, check=lambda _: None, model=path)
        pushed = standard_artifacts.PushedModel()
        pushed.id = 500 + len(pushes)
        pushed.set_int_custom_property("pushed", 1)
        pushed.set_string_custom_property("pushed_destination", f"{serving}/{version}")
        store.made(pushed.id, {"model": artifact.id}, {"pushed_model": pushed.id})
        pushes.append(pushed)
        return version

    def resolve(*candidate, serving=serving):
        inputs = {
            "model": models,
            "model_blessing": blessings,
            "pushed_model": pushes,
            "examples": examples,
            "candidate": list(candidate),
        }
        resolved = component.ReferenceModel(serving).resolve_artifacts(store, inputs)
        assert set(resolved) == set(inputs)
        return tuple([artifact.id for artifact in resolved[key]] for key in ("model", "model_blessing", "examples"))

    return types.SimpleNamespace(
        model=model, bless=bless, push=push, resolve=resolve, serving=serving, store=store, models=models, home=home
    )


NONE = ([], [], [])


def test_a_first_run_has_no_baseline(world):
    assert world.resolve() == NONE
    assert world.resolve(world.model(1)) == NONE


def test_the_serving_model_is_resolved_with_its_blessing_and_rows(world):
    world.push(world.model(1))
    world.bless(11, 1)
    world.bless(12, world.model(2).id)

    assert world.resolve(world.model(3)) == ([1], [11], [101]), "2 is blessed, but was never pushed"
    world.push(world.models[1])
    assert world.resolve(world.models[2]) == ([2], [12], [102])


def test_a_version_that_was_rolled_back_is_not_the_reference(world):
    first_version = world.push(world.model(1))
    world.push(world.model(2))
    versions.restore(world.serving, first_version)
    world.bless(11, 1)
    world.bless(12, 2)

    assert world.resolve(world.model(3)) == ([1], [11], [101])
    assert world.resolve() == ([1], [11], [101]), "a warm start"
    assert world.resolve(world.models[1]) == ([1], [11], [101]), "the model that was rolled back is the candidate again"


def test_if_the_candidate_serves_its_own_baseline_is_resolved(world):
    world.push(world.model(1))
    world.bless(11, 1)
    assert world.resolve(world.models[0]) == NONE
    world.push(world.model(2))
    world.bless(12, 2, baseline=1, judged=11)
    world.bless(13, 2, blessed=False, baseline=2)

    assert world.resolve(world.models[1]) == ([1], [11], [101])
    del world.models[0]
    assert world.resolve(world.models[0]) == ([], [12], []), "its own blessing, which has its decline from the best"


def test_versions_of_other_tools_and_roots_are_ignored(world, tmp_path):
    world.push(world.model(1))
    world.push(world.model(2, uri=str(tmp_path / "other/houses/artifacts/trainer/model/2")), named=False)
    (world.home / "serving/9999999999").mkdir()

    resolved, blessing, _ = world.resolve(world.model(3))
    assert blessing == []
    assert resolved == [901], "the version's record names no model of this root, so its files are imported"
    # The other root has no serving version, so no model of the store is its reference.
    assert world.resolve(serving=str(tmp_path / "other/houses/serving")) == NONE


def test_a_model_missing_in_the_store_is_imported_once_from_the_serving_folder(world):
    version = world.push(world.model(1))
    world.models.clear()
    for number in (1, 2):
        assert world.resolve() == ([901], [], []), number
        world.models[:] = [artifact for artifact in world.models if artifact.id == 901] or [known(world)]
    assert len(world.store.put) == 1
    uri = world.store.put[0].uri
    assert uri.startswith(str(world.home / f"artifacts/baseline/model/{version}-"))
    assert versions.digest(f"{uri}/Format-Serving") == versions.read(world.serving, version).digest


def known(world):
    artifact = standard_artifacts.Model()
    artifact.id, artifact.uri = 901, world.store.put[0].uri
    return artifact


def test_a_damaged_serving_version_is_not_the_reference(world):
    version = world.push(world.model(1))
    world.models.clear()
    with open(f"{world.serving}/{version}/saved_model.pb", "a") as file:
        file.write("!")

    assert world.resolve() == NONE


def test_the_last_pushed_model_is_the_reference_if_the_serving_folder_is_empty(world):
    world.push(world.model(1))
    world.push(world.model(2))
    world.bless(12, 2)
    os.rename(world.serving, f"{world.serving} gone")

    assert world.resolve(world.model(3)) == ([2], [12], [102])


def test_both_baseline_nodes_have_the_public_id_and_output():
    candidate = Channel(type=standard_artifacts.Model)
    nodes = [
        component.reference_model(serving="serving", candidate=candidate),
        component.served(serving="serving", candidate=candidate),
    ]

    assert [node.id for node in nodes] == ["baseline", "baseline"]
    assert all("model" in node.outputs for node in nodes)
