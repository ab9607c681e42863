"""Detection of damage to artifacts on disk."""

import pytest

from components.fingerprints import artifact_digest


@pytest.fixture
def artifact(tmp_path):
    folder = tmp_path / "examples"
    (folder / "Split-train").mkdir(parents=True)
    (folder / "Split-train" / "part-0.gz").write_bytes(bytes(3 << 20))
    (folder / "Split-train" / "empty").touch()
    return folder


def test_an_unchanged_artifact_is_not_damaged_even_if_it_was_moved(artifact, tmp_path):
    expected = artifact_digest.of(str(artifact))
    assert artifact_digest.damage(str(artifact), expected) is None
    artifact.rename(tmp_path / "moved")
    assert artifact_digest.damage(str(tmp_path / "moved"), expected) is None


def flip(path):
    path.write_bytes(b"\0" * 2_000_000 + b"\1" + b"\0" * ((3 << 20) - 2_000_001))


@pytest.mark.parametrize(
    "harm",
    [
        flip,
        lambda path: path.write_bytes(bytes(1 << 20)),
        lambda path: path.unlink(),
        lambda path: path.rename(path.with_name("part-1.gz")),
        lambda path: path.with_name("stray").touch(),
        lambda path: path.with_name("empty").unlink(),
    ],
)
def test_a_changed_bit_length_name_or_file_is_damage(artifact, harm):
    expected = artifact_digest.of(str(artifact))
    harm(artifact / "Split-train" / "part-0.gz")
    assert artifact_digest.damage(str(artifact), expected) == "damaged"


def test_a_deleted_artifact_is_missing_even_without_a_recorded_digest(artifact, tmp_path):
    assert artifact_digest.damage(str(tmp_path / "gone"), "") == "missing"
    assert artifact_digest.damage(str(tmp_path / "gone"), "aa") == "missing"
    assert artifact_digest.damage(str(artifact), "") is None, "created before digests were recorded"


def test_an_artifact_may_be_a_file(tmp_path):
    (tmp_path / "value").write_text("1")
    expected = artifact_digest.of(str(tmp_path / "value"))
    (tmp_path / "value").write_text("2")
    assert artifact_digest.damage(str(tmp_path / "value"), expected) == "damaged"
