"""Jensen-Shannon divergence over deciles."""

import numpy as np
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.statistics import executor
from components.validation.distances.divergence import jensen_shannon
from components.validation.distances.served_rows import as_lists
from components.validation.gate_context import by_column


def figures(values):
    import pyarrow as pa

    generated = executor.generators()
    batch = as_lists(pa.RecordBatch.from_arrays([pa.array(values)], ["x"]))
    parts = [generator.add_input(generator.create_accumulator(), batch) for generator in generated]
    return by_column(executor.proto(parts))["x"]


RANDOM = np.random.default_rng(0)
NORMAL = RANDOM.normal(0, 1, 5000)


@pytest.mark.parametrize(
    ("baseline_values", "values", "low", "high"),
    [
        (NORMAL, NORMAL, 0, 0),
        (NORMAL, RANDOM.normal(0, 1, 5000), 0, 0.005),
        (NORMAL, RANDOM.normal(1, 1, 5000), 0.12, 0.2),
        (NORMAL, NORMAL + 100, 0.6, 1),
        (np.append(NORMAL, 1e9), np.append(RANDOM.normal(0, 1, 5000), -1e6), 0, 0.01),
        (np.full(900, 7), np.full(900, 7), 0, 0),
        (np.full(900, 7), np.full(900, 8), 0.99, 1),
        (np.full(900, 7.5), np.full(900, 7.0), 0.99, 1),
        (np.repeat([3, 4, 5], [650, 250, 100]), np.repeat([1, 3, 4, 5], [1, 630, 260, 109]), 0, 0.02),
        (np.repeat([3, 4, 5], [650, 250, 100]), np.repeat([3, 4, 5], [250, 650, 100]), 0.05, 0.2),
    ],
    ids=["itself", "chance", "a shift", "apart", "far values", "constant", "more", "less", "grades", "other grades"],
)
def test_distance(baseline_values, values, low, high):
    assert low <= jensen_shannon(figures(baseline_values), figures(values)) <= high + 1e-9


def test_columns_without_a_value_are_not_compared():
    empty = statistics_pb2.FeatureNameStatistics(type="FLOAT")

    assert jensen_shannon(empty, figures(NORMAL)) is None
    assert jensen_shannon(figures(NORMAL), empty) is None


def test_infinite_numbers_do_not_count():
    assert jensen_shannon(figures(NORMAL), figures(np.append(NORMAL, [np.inf, np.nan]))) < 0.05


MONTHS = 12
SCHEMA = 'feature { name: "area" type: FLOAT } feature { name: "city" type: BYTES }'


def month(number, drifted):
    """Statistics of 900 made rows: prices rise a little each month, and in the ninth the units change."""
    import pyarrow as pa

    random = np.random.default_rng(number)
    area = random.lognormal(4 + 0.01 * number, 0.4, 900) * (10.76 if drifted and number == 9 else 1)
    city = random.choice(["Bern", "Chur", "Genf"], 900, p=[0.5, 0.3, 0.2])
    generated = executor.generators()
    batch = as_lists(pa.RecordBatch.from_arrays([pa.array(area, pa.float32()), pa.array(city)], ["area", "city"]))
    return executor.proto([generator.add_input(generator.create_accumulator(), batch) for generator in generated])


@pytest.mark.parametrize(("drifted", "caught"), [(False, []), (True, [9])])
def test_of_twelve_months_the_one_that_drifted_is_caught(drifted, caught):
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    from components.validation.gate_context import GateContext, PreviousRun, WatchedColumns
    from components.validation.gates import drift_gate
    from spec.columns.label import Label

    label, columns = Label(column="area"), WatchedColumns(compared=("area", "city"))
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    stopped, previous = [], []
    for number in range(1, MONTHS + 1):
        statistics = month(number, drifted)
        context = GateContext(schema, {"train": statistics}, label, columns, previous_runs=previous)
        findings = list(drift_gate.judge(context, drift_gate.Settings()))
        if findings:
            assert [finding.column for finding in findings] == ["area"]
            stopped.append(number)
        else:
            previous = [PreviousRun(900, statistics, f"span {number}")]
    assert stopped == caught
