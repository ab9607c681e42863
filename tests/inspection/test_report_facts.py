"""Facts of a report: durations and vocabularies."""

import dataclasses
import datetime
import json
import re
import runpy
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.read import schema_facts
from inspection.report import report_facts
from inspection.report.sections import features_section, head_section
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


def test_features_have_type_width_shape_role_and_vocabulary(root):
    facts = report_facts.collect(open_store(str(root), None), "run-4")
    features = {"numeric": [{"column": "area"}], "categorical": [{"column": "city", "num_oov": 1}]}
    width = {"shape": {"dim": [{"size": "1"}]}}
    facts = dataclasses.replace(
        facts,
        run=dataclasses.replace(facts.run, config={"features": features}),
        transformed=[
            schema_facts.SchemaColumn(name="area", type="FLOAT", presence="", domain="", rules=width),
            schema_facts.SchemaColumn(name="city_index", type="INT", presence="", domain="", rules=width),
        ],
        vocabularies={"city_index": 3},
        network={"inputs": {"area": [1]}},
    )
    rows = re.findall(r"<tr>(.*?)</tr>", str(features_section.section(facts)), re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    assert cells == [
        ["feature", "type", "values per row", "shape in the network", "computed from", "vocabulary"],
        ["area", "FLOAT", "1", "1", "numeric: area", "-"],
        ["city_index", "INT", "1", "-", "categorical: city (num_oov 1)", "3"],
    ]
