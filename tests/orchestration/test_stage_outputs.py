"""Detection of damaged or missing outputs of an execution."""

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from components.fingerprints import artifact_digest
from orchestration.local.stage_records import stage_outputs
from serving import versions


@pytest.fixture
def pushed(tmp_path):
    """A push of two versions in turn, as an artifact of the first and of the second."""
    model, serving, artifacts = tmp_path / "model", tmp_path / "serving", []
    model.mkdir()
    (model / "saved_model.pb").write_text("weights")
    for number in (1, 2):
        version = versions.place(str(model), str(serving), check=lambda _: None)
        folder = tmp_path / f"pushed {number}"
        folder.mkdir()
        (folder / "saved_model.pb").write_text("weights")
        artifact = pb.Artifact(id=number, uri=str(folder), state=pb.Artifact.LIVE)
        artifact.custom_properties[artifact_digest.PROPERTY].string_value = artifact_digest.of(str(folder)) or ""
        artifact.custom_properties["pushed_destination"].string_value = str(serving / str(version))
        artifacts.append(artifact)
    return artifacts


def test_a_push_whose_version_no_longer_serves_must_be_repeated(pushed):
    first, second = pushed
    damage = stage_outputs.damage({"pushed_model": [first, second]})

    assert list(damage) == [first.id]
    assert damage[first.id].word.startswith("no longer served: version ")


def test_an_output_is_damaged_if_its_files_changed_or_it_is_no_longer_live(pushed):
    output = pushed[1]
    output.state = pb.Artifact.MARKED_FOR_DELETION
    assert stage_outputs.damage({"pushed_model": [output]})[output.id].word == "no longer in use"
    output.state = pb.Artifact.LIVE
    with open(f"{output.uri}/saved_model.pb", "a") as file:
        file.write("!")
    damage = stage_outputs.damage({"pushed_model": [output]})[output.id]
    assert (damage.key, damage.uri) == ("pushed_model", output.uri)
    assert damage.word == "damaged"
