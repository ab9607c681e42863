"""`doctor NAME` judges the gates as a run does, without TensorFlow."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

import project
from components.validation.distances import column_distances
from inspection.store.metadata_store import open_store
from orchestration.cli import parser
from serving import versions
from spec.file_names import REQUESTS

from ..flats import rows


@pytest.fixture
def remember(flats):
    """Record statistics in ML Metadata as passed, as runs leave them; the run that holds them is under `root`."""

    def record(*statistics, root=None, passed=True):
        flats.runs.mkdir(exist_ok=True)
        mlmd = open_store(str(flats.runs), None, readonly=False).mlmd
        home = mlmd.put_context_type(pb.ContextType(name="pipeline"))
        kind = mlmd.put_context_type(pb.ContextType(name="pipeline_run", properties={}))
        above = mlmd.get_context_by_type_and_name("pipeline", "flats")
        number = above.id if above else mlmd.put_contexts([pb.Context(type_id=home, name="flats")])[0]
        run = pb.Context(type_id=kind, name=f"run-{len(mlmd.get_contexts())}")
        run.custom_properties["run_folder"].string_value = str((root or flats.runs) / "flats/runs" / run.name)
        [run.id] = mlmd.put_contexts([run])
        mlmd.put_parent_contexts([pb.ParentContext(parent_id=number, child_id=run.id)])
        types = {
            name: mlmd.put_artifact_type(pb.ArtifactType(name=name, properties={"span": pb.INT}))
            for name in ("ExampleStatistics", "ExampleAnomalies")
        }
        stage = mlmd.put_execution_type(pb.ExecutionType(name="stage"))
        for dataset in statistics:
            figures = pb.Artifact(type_id=types["ExampleStatistics"], uri=dataset.uri, state=pb.Artifact.LIVE)
            figures.properties["span"].int_value = dataset.span
            [figures.id] = mlmd.put_artifacts([figures])
            anomalies = pb.Artifact(type_id=types["ExampleAnomalies"], uri="-", state=pb.Artifact.LIVE)
            if passed:
                anomalies.custom_properties["statistics"].int_value = figures.id
            [anomalies.id] = mlmd.put_artifacts([anomalies])
            events = [pb.Event(type=pb.Event.OUTPUT, artifact_id=node.id) for node in (figures, anomalies)]
            execution = pb.Execution(type_id=stage, last_known_state=pb.Execution.COMPLETE)
            contexts = mlmd.get_contexts_by_id([number, run.id])
            mlmd.put_execution(execution, list(zip((figures, anomalies), events, strict=True)), contexts)

    return record


@pytest.fixture
def doctor(flats, capsys):
    def ask(*overrides):
        options = [part for override in overrides for part in ("--set", override)]
        code = parser.main(["doctor", "flats", "--root", str(flats.runs), "--data-root", str(flats.root), *options])
        lines = capsys.readouterr().out.splitlines()
        start = next(place for place, line in enumerate(lines) if line.startswith("gates "))
        end = next(place for place, line in enumerate(lines) if line.startswith("root "))
        return code, [line[19:] for line in lines[start:end]]

    return ask


CITIES = ("Bern", "Chur", "Genf", "Basel")
EVERY = ("data.split=all", "gates.drift={action='block', min_rows=100}", "gates.rows=off")
CASES = {
    "nothing": ((), {}),
    "drift of a text": (EVERY, {"city": lambda row: CITIES[row % 4 if row % 3 else 0]}),
    "drift of a number": (EVERY, {"area": lambda row: 300 + row % 700}),
    "drift in the splits of a hash": (EVERY[1:], {"city": lambda row: CITIES[row % 4 if row % 3 else 0]}),
    "nulls": (
        ("gates.missing.action=block", "gates.contradictions=off"),
        {"city": lambda row: "" if row % 2 else "Bern"},
    ),
    "unseen values": (("gates.contradictions=off",), {"city": lambda row: "Genf" if row % 5 == 0 else "Bern"}),
    "placeholders": (
        ("gates.sentinels.action=block",),
        {"area": lambda row: {0: -999, 1: 9999}.get(row % 9, 40 + row % 50)},
    ),
    "contradictions": (
        ("label={column='rent',task='classes'}",),
        {"area": lambda row: 5, "rent": lambda row: 900 + row % 3},
    ),
    "a range": (("gates.label={max_value=930}",), {}),
}


@pytest.mark.parametrize("case", CASES)
def test_doctor_finds_what_the_gates_of_a_run_find(flats, gated, doctor, remember, case):
    overrides, cells = CASES[case]
    flats.optional("city")
    overrides = ['features.categorical=[{column="city", missing="category"}]', "gates.unseen=block", *overrides]
    flats.data(flats.HEADER + rows(640))
    gated(*overrides, "gates.label=off", "gates.contradictions=off")
    previous = list(gated.statistics)
    remember(*previous)
    flats.data(flats.HEADER + rows(630, **cells))
    findings = gated.found(*overrides, history=previous)
    expected = sorted(
        f"  {finding['line']}" if finding["action"] == "block" else f"warning: {finding['line']}"
        for finding in findings
    )
    code, lines = doctor(*overrides)
    blocks = any(finding["action"] == "block" for finding in findings)

    assert bool(findings) == (case != "nothing")
    assert code == (3 if blocks else 0)
    if blocks:
        assert lines[0] == "a gate would block the data:"
        expected = [line for line in expected if line.startswith("  ")]
    else:
        assert lines[0] == "compared with the last run with other data"
    assert sorted(line for line in lines if line.startswith(("  ", "warning"))) == expected


QUICK = ("data.split=all", "gates.rows=off", "gates.drift={action='block', min_rows=100}")


def test_a_drift_gate_that_compares_nothing_is_reported_by_doctor_and_by_the_run(flats, gated, doctor, remember):
    block, warn = "gates.drift={action='block', min_rows=601}", "gates.drift={min_rows=601}"
    flats.data(flats.HEADER + rows(640))
    gated(*QUICK)
    remember(*gated.statistics)
    flats.data(flats.HEADER + rows(600, city=lambda row: "Bern"))
    [finding] = gated.found(*QUICK[:2], block, history=gated.statistics)

    assert (finding["gate"], finding["action"], finding["column"]) == ("drift", "warn", None)
    assert finding["text"] == (
        "nothing was compared, so nothing can block: train has 600 rows and that of the last run with other data 640, "
        "at least 601 are required; gates.drift.min_rows = 600 in the config compares them"
    )
    assert doctor(*QUICK[:2], block) == (
        0,
        ["compared with the last run with other data", f"warning: {finding['line']}"],
    )
    assert doctor(*QUICK[:2], warn) == (0, ["compared with the last run with other data"])
    assert gated.found(*QUICK[:2], warn, history=gated.statistics[:1]) == []


def test_data_is_compared_neither_with_itself_nor_with_blocked_data_nor_with_that_of_another_root(
    flats, gated, doctor, remember, tmp_path
):
    passed, none = "compared with the last run with other data", ["no earlier run to compare with"]
    mostly_bern = lambda row: "Bern" if row % 10 else "Chur"  # noqa: E731
    assert doctor(*QUICK) == (0, none)
    for cells in ({}, {"city": mostly_bern}, {"city": lambda row: "Chur"}):
        flats.data(flats.HEADER + rows(640, **cells))
        gated(*QUICK)
    passed_data, equal_data, blocked_data = gated.statistics
    flats.data(flats.HEADER + rows(640, city=mostly_bern))
    remember(blocked_data, passed=False)
    assert doctor(*QUICK) == (0, none)
    remember(blocked_data, root=tmp_path / "elsewhere")
    assert doctor(*QUICK) == (0, none)
    remember(equal_data)
    assert doctor(*QUICK) == (0, none)
    remember(passed_data)
    code, (head, finding, fix) = doctor(*QUICK)
    assert (code, head) == (3, "a gate would block the data:")
    assert finding.startswith(
        "  drift: column 'city': L-infinity distance 0.4 from the last run with other data, above"
    )
    assert finding.endswith("for 'city' in schemas/flats.pbtxt (in train)")
    assert fix == "Fix the data, or accept it with the edit above"
    flats.data(flats.HEADER + rows(640))
    assert doctor(*QUICK)[1][1].startswith("  drift: column 'city': L-infinity distance 0.4"), "compared with `same`"
    assert doctor("data.split=all", "gates.drift=warn")[1][0] == passed


def test_dated_spans_are_named_by_their_dates_and_an_older_one_is_reported(flats, gated, doctor, remember):
    dated = ("data.path=data/{YYYY}-{MM}-{DD}.csv", *QUICK)
    flats.data(flats.HEADER + rows(640), "2026-01-19.csv")
    gated(*dated, span=20472)
    remember(*gated.statistics)
    newest = flats.data(flats.HEADER + rows(640, city=lambda row: "Bern" if row % 10 else "Chur"), "2026-01-26.csv")
    [finding] = gated.found(*dated, span=20479, history=gated.statistics)
    code, lines = doctor(*dated)

    assert finding["text"].startswith("L-infinity distance 0.4 from span 2026-01-19, above the limit of 0.1")
    assert (code, lines[1]) == (3, f"  {finding['line']}")
    model = flats.root / "model"
    model.mkdir()
    (model / "saved_model.pb").write_text("weights")
    number = versions.place(str(model), str(flats.runs / "flats/serving"), check=lambda _: None, extra={"span": 20479})
    newest.unlink()
    assert doctor(*dated) == (
        0,
        [
            "no earlier run to compare with",
            "warning: a run would not push its model: its data is of span 2026-01-19, but the serving version "
            f"{number} was trained on span 2026-01-26. To push it anyway: push.older_span = true",
        ],
    )
    assert doctor(*dated, "push.older_span=true") == (0, ["no earlier run to compare with"])


def test_a_served_model_that_cannot_read_the_rows_is_reported(flats, doctor):
    model = flats.root / "model"
    (model / "assets.extra").mkdir(parents=True)
    (model / "saved_model.pb").write_text("weights")
    inputs = [{"name": name, "column": name} for name in ("area", "floor", "town")]
    (model / REQUESTS).write_text(json.dumps({"inputs": inputs}))
    number = versions.place(str(model), str(flats.runs / "flats/serving"), check=lambda _: None)

    code, (_, warning) = doctor("gates.rows=off")
    assert (code, warning) == (
        0,
        f"warning: a run would not push its model: the serving version {number} cannot be compared with it, because "
        "these rows have no column 'floor', 'town'. To push it anyway: push.uncompared = true",
    )
    assert len(doctor("gates.rows=off", "push.uncompared=true")[1]) == 1


def test_columns_that_differ_from_the_schema_are_not_judged_again(flats, gated, doctor, remember):
    flats.data(flats.HEADER + rows(640))
    gated(*QUICK)
    remember(*gated.statistics)
    flats.schema(flats.SCHEMA.replace('"city" type: BYTES', '"city" type: BYTES string_domain { value: "Bern" }'))
    flats.data(flats.HEADER + rows(640, city=lambda row: "Genf", area=lambda row: 3000 + row))
    code, lines = doctor(*QUICK)

    assert code == 3
    assert "column 'area'" in "".join(lines)
    assert "column 'city'" not in "".join(lines)


def test_the_gates_are_judged_without_tensorflow(flats):
    flats.data(flats.HEADER + rows(200))
    code = (
        "import sys; from orchestration.cli import parser; "
        f"code = parser.main(['doctor', 'flats', '--root', {str(flats.runs)!r}]); "
        "sys.exit(code or len({'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=project.REPOSITORY, capture_output=True, text=True)
    assert (run.returncode, "\ngates       good " in run.stdout) == (0, True), run.stderr


def test_a_gate_of_the_user_s_own_is_left_to_the_run(flats, doctor):
    (flats.root / "my_gate.py").write_text("raise SystemError('imported')\n\ndef judge(context, settings):\n    ...\n")

    lines = ["no earlier run to compare with; my_gate.judge: the run judges them"]
    assert doctor('gates.custom=["my_gate.judge"]')[1] == lines


def test_the_distance_of_texts_equals_that_of_tfdv():
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

    random = np.random.default_rng(7)
    schema = schema_pb2.Schema()
    schema.feature.add(name="x", type=schema_pb2.BYTES).drift_comparator.infinity_norm.threshold = 0.0
    for _ in range(20):
        lists = []
        for _ in range(2):
            dataset = statistics_pb2.DatasetFeatureStatisticsList()
            column = dataset.datasets.add(num_examples=90).features.add(type="STRING")
            column.path.step.append("x")
            for word in random.choice([*"abcdef", "", "é"], random.integers(1, 7), replace=False):
                count = int(random.integers(1, 40))
                column.string_stats.rank_histogram.buckets.add(label=word, sample_count=count)
                column.string_stats.common_stats.num_non_missing += count
            lists.append(dataset)
        previous, current = lists
        expected = [
            entry.value
            for info in tfdv.validate_statistics(current, schema, previous_statistics=previous).drift_skew_info
            for entry in info.drift_measurements
        ]
        features = (entry.datasets[0].features[0] for entry in (previous, current))
        assert column_distances.infinity_norm(*features)[0] == pytest.approx(max(expected, default=0.0))
