"""The gate, which is TFDV's validation, takes any part of the data that a proposed schema was made from."""

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components.ingestion.write import example_encoding
from components.validation import schema_gate
from curation.facts import column_facts
from curation.propose import schema_text

ROWS = 2000


@pytest.fixture
def table(rng):
    """Columns of every kind; one category and one row of a column that are in one part alone."""
    holes = rng.normal(size=ROWS)
    return pa.table(
        {
            "n": rng.integers(0, 9, ROWS),
            "flag": rng.integers(0, 2, ROWS),
            "f": rng.normal(size=ROWS),
            "holes": pa.array([None if row % 3 == 0 else holes[row] for row in range(ROWS)]),
            "nearly empty": pa.array([1.5 if row == 7 else None for row in range(ROWS)]),
            "c": ["rare" if row == 5 else "äb"[row % 2] for row in range(ROWS)],
            'odd "name"\\': pa.array([None if row % 50 == 0 else "x y"[row % 3] for row in range(ROWS)]),
            "y": ["yes" if row % 4 else "no" for row in range(ROWS)],
        }
    )


@pytest.fixture
def findings(table):
    """Return a function that gives the findings of the gate on rows, with the schema proposed for the whole table."""
    facts, _ = column_facts.table(table)
    categories = ("c", 'odd "name"\\')
    schema = text_format.Parse(
        schema_text.schema(facts, ["head"], categories=categories, label="y"), schema_pb2.Schema()
    )

    def run(part):
        examples = example_encoding.examples(part.combine_chunks().to_batches()[0]).to_pylist()
        batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(examples)
        statistics = stats_impl.generate_statistics_in_memory(batch)
        anomalies = {"all": tfdv.validate_statistics(statistics, schema)}
        return [
            finding.line() for finding in schema_gate.findings(anomalies, {"all": statistics}, schema, "the schema")
        ]

    return run


def test_each_part_of_the_same_data_passes(table, findings):
    for start in range(0, ROWS, 200):
        assert findings(table.slice(start, 200)) == []
    assert findings(table) == []


def change(table, name, values):
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def test_what_a_schema_should_refuse_is_refused(table, findings):
    rows = table.slice(0, 200)
    assert any("'n'" in line for line in findings(change(rows, "n", np.full(200, -1))))
    assert any("'c'" in line for line in findings(change(rows, "c", ["new"] * 200)))
    assert any("'y'" in line for line in findings(change(rows, "y", ["yes"] * 199 + ["maybe"])))
    assert any("'holes'" in line for line in findings(change(rows, "holes", [None] * 199 + [0.5])))
    assert any("'f'" in line for line in findings(change(rows, "f", ["text"] * 200)))
    assert any("'extra'" in line for line in findings(rows.append_column("extra", [pa.array([1] * 200)])))
    assert findings(change(rows, "c", ["new"] * 4 + ["b"] * 196)) == []
