"""Facts of a report: durations and vocabularies."""

import dataclasses
import datetime
import json
import re
import runpy
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.report import report_facts
from inspection.report.sections import head_section
from inspection.store.metadata_store import open_store

MADE = runpy.run_path(str(Path(__file__).with_name("made.py")))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    MADE["make"](folder)
    return folder


@pytest.mark.parametrize(("seconds", "expected"), [(75.0, "1 min 15 s"), (-3.0, "0.00 s")])
def test_the_head_has_the_duration_which_is_never_negative(root, seconds, expected):
    facts = report_facts.collect(open_store(str(root), None), "run-4")
    end = facts.detail.run.started + datetime.timedelta(seconds=seconds)
    detail = dataclasses.replace(facts.detail, run=dataclasses.replace(facts.detail.run, ended=end))
    head = head_section.section(dataclasses.replace(facts, detail=detail))
    assert f" took {expected} " in " ".join(re.sub("<[^>]*>", " ", str(head)).split())


def test_vocabularies_are_shown_with_their_sizes(root, tmp_path):
    facts = report_facts.collect(open_store(str(root), None), "run-4")
    assets, metadata = tmp_path / "transform_fn/assets", tmp_path / "transformed_metadata"
    for folder in (assets, metadata):
        folder.mkdir(parents=True)
    (assets / "city").write_text("Bern\nChur\nThun\n")
    (metadata / "asset_map").write_text(json.dumps({"city": "city"}))
    (metadata / "schema.pbtxt").write_text('feature { name: "city_index" type: INT }')
    report_facts.read_transformation(facts, {"TransformGraph": pb.Artifact(id=9, uri=str(tmp_path))})
    assert facts.vocabularies == {"city": 3}
    assert [column.name for column in facts.transformed] == ["city_index"]
