"""Which version is the reference, which ones a rollback skipped, and which push a run reports."""

import os

import pytest

from components.baseline import reference
from serving import versions

from ..attributes import with_attributes


@pytest.fixture
def place(tmp_path):
    """A function that pushes a model of this content and returns its version."""
    serving = str(tmp_path / "houses/serving")

    @with_attributes
    def run(text):
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model/saved_model.pb").write_text(text)
        return versions.place(str(tmp_path / "model"), serving, check=lambda _: None)

    run.serving = serving
    return run


def test_versions_of_other_tools_never_serve_as_reference(place):
    assert reference.served(place.serving) is None
    version = place("one")
    os.makedirs(f"{place.serving}/{version + 50}")

    assert reference.served(place.serving).number == version


def test_versions_skipped_by_a_rollback_are_rolled_back(place):
    numbers = [place(text) for text in ("one", "two", "three")]
    assert reference.rolled_back(place.serving) == []
    versions.restore(place.serving, numbers[0])
    assert [version.number for version in reference.rolled_back(place.serving)] == numbers[1:]
    assert reference.served(place.serving).copy_of == numbers[0]


def test_a_run_names_its_push_only_while_its_version_serves(place):
    first, second = place("one"), place("two")

    def outcome(number):
        return reference.outcome(place.serving, f"{place.serving}/{number}" if number else "")

    assert outcome(second) == {"pushed": f"{place.serving}/{second}", "serves": second}
    assert outcome(first) == {"pushed": None, "serves": second}
    assert outcome(None) == {"pushed": None, "serves": second}
    copy = versions.restore(place.serving, first)
    assert outcome(second) == {"pushed": None, "serves": copy}
    assert reference.outcome(f"{place.serving}-none", "") == {"pushed": None, "serves": None}
