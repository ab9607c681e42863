"""Data that is not, or no longer, that of the digest among the parameters."""

import json

import pytest

from components.ingestion import planning
from errors import ResourceError

from .. import ingested
from ..ingested import digest_of


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text(lines(range(40)))
    return file


@pytest.fixture
def ingest(tmp_path, path, beam_pipeline):
    """Runs the executor over the table; returns its numbers of rows."""

    def run(content):
        examples = ingested.prepared(path, tmp_path / "examples", content, beam_pipeline)()
        return json.loads(examples.get_string_custom_property("rows"))

    return run


def lines(rows):
    return "\n".join(["id,lat", *(f"{number},{number / 2}" for number in rows)]) + "\n"


def test_rows_that_are_those_of_the_digest_are_taken(ingest, path):
    assert sum(ingest(digest_of(path)).values()) == 40


@pytest.mark.parametrize("content", [lines(range(1, 41)), "id,lat\n1,2\n3"], ids=["other rows", "cut"])
def test_data_that_changed_before_it_was_read_is_refused(ingest, path, content):
    digest = digest_of(path)
    path.write_text(content)
    with pytest.raises(ResourceError, match=r"table\.csv: the data changed while the run was reading it"):
        ingest(digest)


def test_data_that_changes_while_it_is_read_is_refused(ingest, path, monkeypatch):
    read = planning.read

    def appending(*arguments):
        yield from read(*arguments)
        with path.open("a") as file:
            file.write("41,1\n")

    monkeypatch.setattr(planning, "read", appending)
    with pytest.raises(ResourceError, match=r"table\.csv: the data changed"):
        ingest(digest_of(path))
