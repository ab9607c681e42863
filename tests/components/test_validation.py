import re

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.channel import Channel

from components import summary
from components.validation import anomaly_sentences, schema_gate
from components.validation.component import validation
from components.validation.executor import Executor
from errors import GateError

SCHEMA = """
feature { name: "area" type: INT presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }
          int_domain { min: 1 max: 500 } }
feature { name: "city" type: BYTES presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }
          domain: "cities" }
string_domain { name: "cities" value: "Bern" value: "Chur" }
"""
CLEAN = {"area": [1, 80, 500], "city": ["Bern", "Chur", "Bern"]}


@pytest.fixture
def validate(tmp_path):
    """Runs the executor over a table a split; returns the anomalies artifact."""
    import pandas as pd

    def run(**splits):
        statistics, schema = standard_artifacts.ExampleStatistics(), standard_artifacts.Schema()
        anomalies = standard_artifacts.ExampleAnomalies()
        for name, artifact in (("statistics", statistics), ("schema", schema), ("anomalies", anomalies)):
            artifact.uri = str(tmp_path / name)
        statistics.split_names = artifact_utils.encode_split_names(list(splits))
        for name, table in splits.items():
            folder = tmp_path / "statistics" / f"Split-{name}"
            folder.mkdir(parents=True)
            generated = tfdv.generate_statistics_from_dataframe(pd.DataFrame(table), tfdv.StatsOptions(), n_jobs=1)
            (folder / "FeatureStats.pb").write_bytes(generated.SerializeToString())
        (tmp_path / "schema").mkdir()
        (tmp_path / "schema" / "schema.pbtxt").write_text(SCHEMA)
        properties = {"exclude_splits": "[]"}
        Executor().Do({"statistics": [statistics], "schema": [schema]}, {"anomalies": [anomalies]}, properties)
        return anomalies

    return run


@pytest.fixture
def statistics():
    import pandas as pd

    return tfdv.generate_statistics_from_dataframe(pd.DataFrame(CLEAN), tfdv.StatsOptions(), n_jobs=1)


def test_matching_data_passes(validate):
    anomalies = validate(train=CLEAN, eval=CLEAN)

    assert anomalies.get_string_custom_property(summary.PROPERTY) == "no anomaly in train, eval"


@pytest.mark.parametrize(
    ("table", "finding"),
    [
        ({**CLEAN, "area": [1, 80, 501]}, "column 'area': values above 500, such as 501"),
        ({**CLEAN, "area": [0, 80, 500]}, "column 'area': values below 1, such as 0"),
        ({**CLEAN, "area": [1.5, 2.0, 3.0]}, "column 'area': the schema says INT, the data is FLOAT"),
        ({**CLEAN, "area": ["a", "2", "3"]}, "column 'area': the schema says INT, the data is BYTES"),
        (
            {**CLEAN, "city": ["Bern", "Genf", "Bern"]},
            "column 'city': 1 new value: 'Genf' 33.33%; together 1 of 3 rows (33.33%), the schema allows 0.00%",
        ),
        ({**CLEAN, "city": ["Bern", None, "Bern"]}, "column 'city': 33.33% null, the schema allows 0.00%"),
        ({**CLEAN, "city": [None, None, None]}, "column 'city': every value is null"),
        ({"area": CLEAN["area"]}, "column 'city': the column is missing from the data"),
        ({**CLEAN, "owner": ["a", "b", "c"]}, "column 'owner': new column (BYTES), which is not in the schema"),
    ],
    ids=["above", "below", "type", "text", "category", "missing cell", "empty", "missing column", "new column"],
)
def test_a_difference_stops_the_run_with_column_reason_and_split(validate, table, finding):
    with pytest.raises(
        GateError, match=rf"does not match the approved schema:\n  {re.escape(finding)}(;.*)? \(in eval\)\n"
    ) as caught:
        validate(train=CLEAN, eval=table, test=CLEAN)

    assert str(caught.value).endswith(
        "Fix the data, or accept the change by editing the schema file of this pipeline in schemas/."
    )


def test_one_difference_in_several_splits_is_one_line(validate):
    bad = {**CLEAN, "owner": ["a", "b", "c"], "area": [1, 80, 501]}
    with pytest.raises(GateError) as caught:
        validate(train=bad, eval=CLEAN, test=bad)

    lines = str(caught.value).splitlines()[1:-1]
    assert [line.split(":")[0] for line in lines] == ["  column 'area'", "  column 'owner'"]
    assert all(line.endswith("(in train, test)") for line in lines)


def test_a_table_with_too_few_rows_is_stopped(statistics):
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    schema.dataset_constraints.min_examples_count = 10
    anomalies = {"train": tfdv.validate_statistics(statistics, schema)}
    [finding] = schema_gate.findings(anomalies, {"train": statistics}, schema, "the schema")

    assert finding.line() == (
        "3 rows, the schema requires 10; to accept it: dataset_constraints { min_examples_count: 3 } in the schema "
        "(in train)"
    )


@pytest.mark.parametrize("kind", anomalies_pb2.AnomalyInfo.Type.keys())
def test_the_name_of_an_anomaly_s_type_is_not_in_its_message(statistics, kind):
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    anomalies = anomalies_pb2.Anomalies()
    number = anomalies_pb2.AnomalyInfo.Type.Value(kind)
    anomalies.anomaly_info["city"].reason.add(type=number, short_description="Short", description="d 1")
    [finding] = schema_gate.findings({"train": anomalies}, {"train": statistics}, schema, "the schema")

    assert kind not in finding.text
    assert ("d 1" in finding.text) == (kind not in {*anomaly_sentences.FIXED, *anomaly_sentences.MEASURED})


def test_the_node_is_the_gate_and_has_the_public_id():
    node = validation(
        statistics=Channel(type=standard_artifacts.ExampleStatistics), schema=Channel(type=standard_artifacts.Schema)
    )

    assert node.id == "validation"
    assert node.executor_spec.executor_class is Executor
