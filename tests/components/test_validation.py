import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.channel import Channel

from components import summary
from components.validation import Executor, describe, validation
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
            made = tfdv.generate_statistics_from_dataframe(pd.DataFrame(table), tfdv.StatsOptions(), n_jobs=1)
            (folder / "FeatureStats.pb").write_bytes(made.SerializeToString())
        (tmp_path / "schema").mkdir()
        (tmp_path / "schema" / "schema.pbtxt").write_text(SCHEMA)
        properties = {"exclude_splits": "[]"}
        Executor().Do({"statistics": [statistics], "schema": [schema]}, {"anomalies": [anomalies]}, properties)
        return anomalies

    return run


def test_data_that_matches_goes_on(validate):
    anomalies = validate(train=CLEAN, eval=CLEAN)

    assert anomalies.get_string_custom_property(summary.PROPERTY) == "no anomaly in train, eval"


@pytest.mark.parametrize(
    ("table", "finding"),
    [
        ({**CLEAN, "area": [1, 80, 501]}, r"column 'area': Out-of-range values: .*501"),
        ({**CLEAN, "area": [0, 80, 500]}, r"column 'area': Out-of-range values: .*0"),
        ({**CLEAN, "area": [1.5, 2.0, 3.0]}, r"column 'area': .*FLOAT"),
        ({**CLEAN, "city": ["Bern", "Genf", "Bern"]}, r"column 'city': Unexpected string values: .*Genf"),
        ({**CLEAN, "city": ["Bern", None, "Bern"]}, r"column 'city': .*Column dropped: .*0\.66"),
        ({"area": CLEAN["area"]}, r"column 'city': Column dropped: "),
        ({**CLEAN, "owner": ["a", "b", "c"]}, r"column 'owner': New column: "),
    ],
    ids=["above", "below", "type", "category", "missing cell", "missing column", "new column"],
)
def test_a_difference_stops_the_run_with_column_reason_and_split(validate, table, finding):
    with pytest.raises(GateError, match=rf"does not match the reviewed schema:\n  {finding}.* \(in eval\)\n") as caught:
        validate(train=CLEAN, eval=table, test=CLEAN)

    assert str(caught.value).endswith(
        "Mend the data, or accept the change by editing the schema file of this pipeline in schemas/."
    )


def test_one_difference_in_several_splits_is_one_line(validate):
    bad = {**CLEAN, "owner": ["a", "b", "c"], "area": [1, 80, 501]}
    with pytest.raises(GateError) as caught:
        validate(train=bad, eval=CLEAN, test=bad)

    lines = str(caught.value).splitlines()[1:-1]
    assert [line.split(":")[0] for line in lines] == ["  column 'area'", "  column 'owner'"]
    assert all(line.endswith("(in train, test)") for line in lines)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        (
            """
            anomaly_info { key: "b" value { description: "all" reason { short_description: "S" description: "d 1" }
                                            reason { short_description: "T" description: "e 2" } } }
            anomaly_info { key: "a" value { description: "only this" } }
            """,
            ["column 'a': only this", "column 'b': S: d 1; T: e 2"],
        ),
        (
            'dataset_anomaly_info { description: "too few rows" reason { short_description: "Low" } }',
            ["the whole table: too few rows"],
        ),
    ],
    ids=["nothing", "columns", "table"],
)
def test_describe(text, lines):
    assert describe(text_format.Parse(text, anomalies_pb2.Anomalies())) == lines


def test_a_table_with_too_few_rows_is_described():
    import pandas as pd

    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    schema.dataset_constraints.min_examples_count = 10
    statistics = tfdv.generate_statistics_from_dataframe(pd.DataFrame(CLEAN), n_jobs=1)
    [line] = describe(tfdv.validate_statistics(statistics, schema))

    assert line.startswith("the whole table: ")
    assert "3 examples" in line


def test_the_node_is_the_gate_and_has_the_public_id():
    node = validation(
        statistics=Channel(type=standard_artifacts.ExampleStatistics), schema=Channel(type=standard_artifacts.Schema)
    )

    assert node.id == "validation"
    assert node.executor_spec.executor_class is Executor
