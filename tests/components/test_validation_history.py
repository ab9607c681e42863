"""Gates that compare a run with earlier ones, and which runs those are."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types import standard_artifacts

from components.validation.history import PassedStatistics
from serving import versions

from ..flats import one, rows


def test_missing_cells_that_became_more_are_warned_of(flats, gated):
    flats.optional("city")
    city = ['features.categorical=[{column="city", missing="category"}]', "data.split=all"]
    gated(*city)
    flats.data(flats.HEADER + rows(40, city=lambda row: "" if row < 8 else "Bern"))
    finding = one(gated.found(*city, history=gated.statistics))

    assert (
        "and 0 % in the last run with other data: an increase of 20 percentage points, above the limit of 10"
        in finding["text"]
    )
    flats.data(flats.HEADER + rows(40, city=lambda row: "" if row < 5 else "Bern"))
    for more, count in ((0.125, 0), (0.124, 1)):
        assert len(gated.found(*city, f"gates.missing.max_increase={more}", history=gated.statistics[:1])) == count


@pytest.mark.parametrize(("least", "code"), [("0.5", None), ("0.7", "block")])
def test_half_the_rows_of_the_last_runs_stop(flats, gated, least, code):
    gated()
    flats.data(flats.HEADER + flats.rows(24))
    findings = gated.found(f"gates.rows.min_ratio={least}", history=gated.statistics)

    assert [finding["action"] for finding in findings] == ([code] if code else [])
    if code:
        assert findings[0]["text"] == "24 rows, 0.6 times the 40 of the last 1 run(s), below the limit of 0.7"
        assert findings[0]["edit"] == "gates.rows.min_ratio = 0.6 in the config, or once as --set gates.rows=warn"
        assert (
            one(gated.found("gates.rows.min_ratio=0.7", history=gated.statistics[:1], advisory=True))["action"]
            == "warn"
        )


def test_rows_in_every_split_are_warned_of(flats, gated):
    gated("data.split=all")
    flats.data(flats.HEADER + flats.rows(10))

    assert one(gated.found("data.split=all", history=gated.statistics))["action"] == "warn"


def test_values_that_the_last_run_did_not_have(flats, gated):
    flats.data(flats.HEADER + rows(200))
    gated("data.split=all")
    flats.data(flats.HEADER + rows(200, city=lambda row: "Genf" if row < 20 else "Bern"))
    findings = gated.found("data.split=all", history=gated.statistics)

    assert findings[0]["text"] == (
        "20 of 200 values (10 %) are not in the last run with other data, such as 'Genf', above the limit of 0.05"
    )
    assert findings[0]["edit"] == "gates.unseen.columns.city = 0.1 in the config"
    assert [row["line"] for row in findings[0]["rows"]] == list(range(2, 22))


def test_drift_names_the_value_and_the_span_it_is_compared_with(flats, gated):
    quick = ["data.split=all", "gates.unseen=off"]
    for share in (10, 3, 2):
        flats.data(flats.HEADER + rows(600, city=lambda row, share=share: "Bern" if row % share else "Chur"))
        gated(*quick, span=share)
    first, second, third = gated.statistics
    assert gated.found(*quick, span=4, history=[first, third]) == []
    finding = one(gated.found(*quick, span=11, history=[first, second, third]))

    assert finding["action"] == "warn"
    assert finding["measured"] == pytest.approx(0.4)
    assert finding["text"].startswith(
        "L-infinity distance 0.4 from span 10, above the limit of 0.1; the share of 'Chur' differs most"
    )
    assert finding["edit"].startswith(
        "gates.drift.columns.city = 0.4 in the config, or drift_comparator { infinity_norm"
    )
    assert gated.found(*quick, "gates.drift.columns.city=0.41", span=11, history=[first]) == []
    assert gated.found(*quick, "gates.drift.min_rows=601", span=11, history=[first]) == []
    fewer_rows = "gates.drift.min_rows=500"
    assert len(gated.found(*quick, fewer_rows, span=11, history=[first])) == 1
    flats.data(flats.HEADER + rows(499))
    gated(*quick, span=12)
    flats.data(flats.HEADER + rows(600, city=lambda row: "Bern"))
    assert gated.found(*quick, fewer_rows, "gates.rows=off", span=13, history=gated.statistics[-1:]) == []


BINARY = [
    'label={column="rent", task="binary", positive="1"}',
    "data.split=all",
    "gates.rows=off",
    "gates.contradictions=off",
]


@pytest.mark.parametrize("text", [False, True])
def test_drift_of_a_binary_label_is_the_difference_of_its_share(flats, gated, text):
    kind = "BYTES" if text else "INT"
    flats.schema(
        flats.SCHEMA.replace('"rent" type: INT', f'"rent" type: {kind}').replace("int_domain { min: 1 max: 9000 }", "")
    )
    area = lambda row: 40 + row % 50  # noqa: E731
    for rate in (100, 77, 68):
        flats.data(flats.HEADER + rows(2000, area=area, rent=lambda row, rate=rate: int(row % 100 >= rate)))
        if rate < 100:
            gated(*BINARY)
    first, second = gated.statistics
    findings = one(gated.found(*BINARY, history=[first]))

    assert findings["column"] == "rent"
    assert findings["measured"] == pytest.approx(0.09)
    value = "'1'" if text else "1"
    assert (
        f"L-infinity distance 0.09 from the last run with other data, above the limit of 0.05; {value} is the label of "
        in findings["text"]
    )
    assert "32.0% of the rows, before of 23.0%" in findings["text"]
    assert gated.found(*BINARY, "gates.drift.label=0.1", history=[first]) == []
    assert gated.found(*BINARY, "gates.drift.columns.rent=0.1", history=[first]) == []
    assert gated.found(*BINARY, history=[second]) == []
    flats.data(flats.HEADER + rows(500, area=area, rent=lambda row: int(row % 100 >= 71)))
    assert gated.found(*BINARY, history=[first]) == [], "6 points of 500 rows may be chance"


def test_history_has_only_runs_of_this_root(tmp_path):
    """In one store, a pipeline may have runs under two roots."""
    statistics = [artifact(standard_artifacts.ExampleStatistics, number) for number in (1, 2, 3)]
    anomalies = [artifact(standard_artifacts.ExampleAnomalies, 10 + n, statistics=n) for n in (1, 2)]
    inputs = {"statistics": statistics, "anomalies": anomalies, "candidate": [statistics[2]], "model": []}
    runs = [pb.Context(id=number, name=f"run-{number}") for number in (1, 2)]
    for run, root in zip(runs, ("a", "b"), strict=True):
        run.custom_properties["run_folder"].string_value = str(tmp_path / root / "houses/runs" / run.name)
    produced = [pb.Event(type=pb.Event.OUTPUT, execution_id=100 + n, artifact_id=n) for n in (1, 2)]
    store = SimpleNamespace(
        get_context_by_type_and_name=lambda kind, name: (
            pb.Context(id=9) if (kind, name) == ("pipeline", "houses") else None
        ),
        get_children_contexts_by_context=lambda _: runs,
        get_executions_by_context=lambda number: [pb.Execution(id=100 + number)],
        get_events_by_execution_ids=lambda ids: [event for event in produced if event.execution_id in ids],
    )

    def of(root):
        through = PassedStatistics(runs=5, serving=str(tmp_path / root / "houses/serving"))
        return [entry.id for entry in through.resolve_artifacts(store, inputs)["statistics"]]

    assert (of("a"), of("b"), of("c")) == ([1], [2], [])
    (tmp_path / "c/houses/runs/run-2").mkdir(parents=True)
    assert of("c") == [2], "the root was copied"


def artifact(kind, number, **properties):
    artifact = kind()
    artifact.mlmd_artifact.id = number
    for key, value in properties.items():
        artifact.set_int_custom_property(key, value)
    return artifact


def test_history_is_what_was_let_through_without_this_run():
    statistics = [artifact(standard_artifacts.ExampleStatistics, number) for number in (1, 2, 3, 4)]
    through = {10: 1, 11: 3, 12: 4, 13: 1, 14: 99}
    anomalies = [
        artifact(standard_artifacts.ExampleAnomalies, id_, statistics=statistics_id)
        for id_, statistics_id in through.items()
    ]
    anomalies.append(artifact(standard_artifacts.ExampleAnomalies, 15))
    inputs = {"statistics": statistics, "anomalies": anomalies, "candidate": [statistics[3]]}
    findings = PassedStatistics(runs=5).resolve_artifacts(None, inputs)

    assert [entry.id for entry in findings["statistics"]] == [3, 1]
    assert findings["anomalies"] == findings["candidate"] == []
    assert [entry.id for entry in PassedStatistics(runs=1).resolve_artifacts(None, inputs)["statistics"]] == [3]
    for span, entry in zip((5, 8, 7, 6), statistics, strict=True):
        entry.span = span
    anomalies.append(artifact(standard_artifacts.ExampleAnomalies, 16, statistics=2))
    assert [entry.id for entry in PassedStatistics(runs=5).resolve_artifacts(None, inputs)["statistics"]] == [1, 2, 3]


def test_equal_data_is_not_compared_with_itself_wherever_it_lies():
    statistics = [artifact(standard_artifacts.ExampleStatistics, number) for number in (1, 2, 3)]
    for figures, digest in zip(statistics, ("a", "b", "b"), strict=True):
        figures.set_string_custom_property("content_digest", digest)
    anomalies = [artifact(standard_artifacts.ExampleAnomalies, 10 + n, statistics=n) for n in (1, 2)]
    inputs = {"statistics": statistics, "anomalies": anomalies, "candidate": [statistics[2]]}

    assert [entry.id for entry in PassedStatistics(runs=5).resolve_artifacts(None, inputs)["statistics"]] == [1]


def test_data_whose_model_was_taken_back_is_not_compared_with(tmp_path):
    serving = tmp_path / "houses/serving"
    models, events = [], []

    def event(kind, execution, key, artifact_id):
        event_proto = pb.Event(type=kind, execution_id=execution, artifact_id=artifact_id)
        event_proto.path.steps.add(key=key)
        events.append(event_proto)

    statistics = [artifact(standard_artifacts.ExampleStatistics, number) for number in (1, 2, 3)]
    for number in (1, 2):
        model = artifact(standard_artifacts.Model, 30 + number)
        model.uri = str(tmp_path / f"houses/artifacts/trainer/model/{number}")
        Path(model.uri).mkdir(parents=True)
        Path(model.uri, "saved_model.pb").write_text(str(number))
        versions.place(model.uri, str(serving), check=lambda _: None, model=f"artifacts/trainer/model/{number}")
        models.append(model)
        for execution, key, output in ((40 + number, "examples", number), (50 + number, "raw_examples", model.id)):
            event(pb.Event.INPUT, execution, key, 20 + number)
            event(pb.Event.OUTPUT, execution, "made", output)
    store = SimpleNamespace(
        get_context_by_type_and_name=lambda *_: None,
        get_events_by_artifact_ids=lambda ids: [
            event_proto for event_proto in events if event_proto.artifact_id in ids
        ],
        get_events_by_execution_ids=lambda ids: [
            event_proto for event_proto in events if event_proto.execution_id in ids
        ],
    )
    anomalies = [artifact(standard_artifacts.ExampleAnomalies, 10 + n, statistics=n) for n in (1, 2)]
    inputs = {"statistics": statistics, "anomalies": anomalies, "candidate": [statistics[2]], "model": models}

    def compared_ids():
        through = PassedStatistics(runs=5, serving=str(serving))
        return [entry.id for entry in through.resolve_artifacts(store, inputs)["statistics"]]

    assert compared_ids() == [2, 1]
    versions.restore(str(serving), versions.pushed(str(serving))[0])
    assert compared_ids() == [1]


def test_statistics_that_are_gone_are_not_compared_with(flats, gated):
    gated()
    flats.data(flats.HEADER + flats.rows(10))
    folder = Path(gated.statistics[0].uri)
    damaged = folder / "Split-train" / "FeatureStats.pb"
    damaged.write_bytes(b"no statistics")
    assert gated.found(history=gated.statistics) == []
    shutil.rmtree(folder)
    assert gated.found(history=gated.statistics[:1]) == []
