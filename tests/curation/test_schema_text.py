import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from curation.facts import column_facts
from curation.propose import schema_text


def parsed(table, **settings):
    text = schema_text.schema(column_facts.table(table)[0], ["head"], **{"categories": (), "label": None, **settings})
    schema = text_format.Parse(text, schema_pb2.Schema())
    assert text.endswith("}\n"), "the last line of a text file has an end too"
    return {feature.name: feature for feature in schema.feature}, schema, text


def test_types_in_the_datas_order_and_ranges_only_where_natural():
    table = pa.table({"n": [3, 4], "flag": [0, 1], "f": [0.5, 2.0], "minus": [-1.0, 2.0], "t": ["a", "b"]})
    features, schema, text = parsed(table)
    assert [feature.name for feature in schema.feature] == table.column_names
    assert [schema_pb2.FeatureType.Name(feature.type) for feature in schema.feature] == [
        "INT",
        "INT",
        "FLOAT",
        "FLOAT",
        "BYTES",
    ]
    assert (features["n"].int_domain.min, features["n"].int_domain.HasField("max")) == (0, False)
    assert (features["flag"].int_domain.min, features["flag"].int_domain.max) == (0, 1)
    assert features["f"].float_domain.min == 0
    assert features["minus"].WhichOneof("domain_info") is None
    assert text.startswith("# head\n")


def test_a_complete_column_has_a_shape_and_one_with_holes_a_share_with_slack():
    table = pa.table({"full": [1] * 1000, "holes": [None if row % 5 == 0 else row for row in range(1000)]})
    features, _, text = parsed(table)
    assert features["full"].presence.min_fraction == 1
    assert [dim.size for dim in features["full"].shape.dim] == [1]
    assert 0.5 < features["holes"].presence.min_fraction < 0.72
    assert (features["holes"].value_count.min, features["holes"].value_count.max) == (1, 1)
    assert not features["holes"].HasField("shape")
    assert "# 20.0% missing" in text


def test_a_nearly_empty_column_may_be_absent():
    features, _, _ = parsed(pa.table({"x": [1.5] + [None] * 999}))
    assert (features["x"].presence.min_fraction, features["x"].presence.min_count) == (0, 0)


def test_categories_have_a_domain_with_slack_and_the_label_one_without():
    table = pa.table({"c": ["b", "a", "b", None], "y": ["yes", "no", "no", None], "free": ["p", "q", "r", "s"]})
    features, schema, _ = parsed(table, categories=("c",), label="y")
    domains = {domain.name: list(domain.value) for domain in schema.string_domain}
    assert domains == {"c": ["a", "b"], "y": ["no", "yes"]}
    assert features["c"].domain == "c"
    assert features["c"].distribution_constraints.min_domain_mass == pytest.approx(0.95)
    assert not features["y"].HasField("distribution_constraints")
    assert features["y"].presence.min_fraction == 1
    assert not features["free"].domain


def test_odd_names_and_values_come_back():
    name, value = 'a "b" \\ ü\n\x01', "x\ty\r\x7f"
    features, schema, _ = parsed(pa.table({name: [value, "z"]}), categories=(name,))
    assert list(features) == [name]
    assert list(schema.string_domain[0].value) == [value, "z"]
