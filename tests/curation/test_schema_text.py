import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from curation.facts import column_facts
from curation.propose import schema_text


def parsed(table, **settings):
    text = schema_text.schema(column_facts.table(table)[0], ["head"], **{"categories": (), "label": None, **settings})
    schema = text_format.Parse(text, schema_pb2.Schema())
    return {feature.name: feature for feature in schema.feature}, schema, text


def test_types_in_the_datas_order_and_ranges_only_where_natural():
    table = pa.table({"n": [3, 4], "flag": [0, 1], "f": [0.5, 2.0], "minus": [-1.0, 2.0], "t": ["a", "b"]})
    found, schema, text = parsed(table)
    assert [feature.name for feature in schema.feature] == table.column_names
    assert [schema_pb2.FeatureType.Name(feature.type) for feature in schema.feature] == [
        "INT",
        "INT",
        "FLOAT",
        "FLOAT",
        "BYTES",
    ]
    assert (found["n"].int_domain.min, found["n"].int_domain.HasField("max")) == (0, False)
    assert (found["flag"].int_domain.min, found["flag"].int_domain.max) == (0, 1)
    assert found["f"].float_domain.min == 0
    assert found["minus"].WhichOneof("domain_info") is None
    assert text.startswith("# head\n")


def test_a_complete_column_has_a_shape_and_one_with_holes_a_share_with_slack():
    table = pa.table({"full": [1] * 1000, "holes": [None if row % 5 == 0 else row for row in range(1000)]})
    found, _, text = parsed(table)
    assert found["full"].presence.min_fraction == 1
    assert [dim.size for dim in found["full"].shape.dim] == [1]
    assert 0.5 < found["holes"].presence.min_fraction < 0.72
    assert (found["holes"].value_count.min, found["holes"].value_count.max) == (1, 1)
    assert not found["holes"].HasField("shape")
    assert "# 20.0% missing" in text


def test_a_nearly_empty_column_may_be_absent():
    found, _, _ = parsed(pa.table({"x": [1.5] + [None] * 999}))
    assert (found["x"].presence.min_fraction, found["x"].presence.min_count) == (0, 0)


def test_categories_have_a_domain_with_slack_and_the_label_one_without():
    table = pa.table({"c": ["b", "a", "b", None], "y": ["yes", "no", "no", None], "free": ["p", "q", "r", "s"]})
    found, schema, _ = parsed(table, categories=("c",), label="y")
    domains = {domain.name: list(domain.value) for domain in schema.string_domain}
    assert domains == {"c": ["a", "b"], "y": ["no", "yes"]}
    assert found["c"].domain == "c"
    assert found["c"].distribution_constraints.min_domain_mass == pytest.approx(0.95)
    assert not found["y"].HasField("distribution_constraints")
    assert found["y"].presence.min_fraction == 1
    assert not found["free"].domain


def test_odd_names_and_values_come_back():
    name, value = 'a "b" \\ ü\n\x01', "x\ty\r\x7f"
    found, schema, _ = parsed(pa.table({name: [value, "z"]}), categories=(name,))
    assert list(found) == [name]
    assert list(schema.string_domain[0].value) == [value, "z"]
