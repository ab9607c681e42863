"""`runner.py drift`: served rows compared with training rows by the gates of the config."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import project
from components import table_statistics
from errors import UserError
from inspection.store import artifact_lookup
from orchestration import prediction_drift, served_drift
from orchestration.cli.parser import main

CONFIG = """
[data]
path = "rows.csv"
null_values = ["?"]
[features]
numeric = [{column = "size", missing = "mean"}]
categorical = [{column = "country"}]
[label]
column = "y"
[gates.skew]
numbers = 0.1
"""
FEATURE = """feature {{
  name: "{name}"
  type: {kind}
  presence {{ min_count: 1 }}
  value_count {{ min: 1 max: 1 }}
}}
"""
COLUMNS = {"size": "FLOAT", "country": "BYTES", "y": "FLOAT"}


def table(seed, rows=600, mean=10.0, countries=("BW", "NA", "ZA")):
    random = np.random.default_rng(seed)
    return {
        "size": random.normal(mean, 2, rows).round(3).tolist(),
        "country": random.choice(countries, rows).tolist(),
        "y": random.normal(size=rows).tolist(),
    }


def batch(columns):
    types = {"size": pa.float32(), "country": pa.string(), "y": pa.float32()}
    return pa.record_batch([pa.array(cells, types[name]) for name, cells in columns.items()], list(columns))


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """Write served rows as CSV and compare them; the training rows are `table(1)` of version 7."""
    (tmp_path / project.FILE).write_text("format = 1\n")
    schema = "".join(FEATURE.format(name=name, kind=kind) for name, kind in COLUMNS.items())
    for name, text in (("configs/rows.toml", CONFIG), ("schemas/rows.pbtxt", schema)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    (tmp_path / "runs/rows/serving/7").mkdir(parents=True)
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    statistics = tmp_path / "statistics" / "Split-train" / "FeatureStats.pb"
    statistics.parent.mkdir(parents=True)
    statistics.write_bytes(table_statistics.proto([batch(table(1))]).SerializeToString())
    artifacts = [
        SimpleNamespace(type="Examples", uri=str(tmp_path / "examples")),
        SimpleNamespace(type="ExampleStatistics", uri=str(tmp_path / "statistics")),
    ]
    lookups = []
    monkeypatch.setattr(served_drift, "open_store", lambda *_: None)
    monkeypatch.setattr(
        artifact_lookup, "find_run_of", lambda _, version, pipeline: lookups.append((pipeline, int(version))) or "run"
    )
    monkeypatch.setattr(artifact_lookup, "of_run", lambda _, run: [(artifact, None) for artifact in artifacts])
    evaluated: dict[str, list] = {}
    monkeypatch.setattr(prediction_drift, "evaluated", lambda *_: evaluated)

    def run(columns, **options):
        with open(tmp_path / "served.csv", "w", newline="") as file:
            csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
        options = {"metadata": None, **options}
        return served_drift.compare(str(tmp_path / "runs"), "rows", str(tmp_path / "served.csv"), **options)

    run.folder, run.asked, run.evaluated = tmp_path, lookups, evaluated  # type: ignore[attr-defined]
    return run


def test_rows_as_in_training_have_no_drift(compare):
    drift = compare(table(2))
    assert (drift.version, drift.rows, drift.trained, drift.files, drift.left_out) == (7, 600, 600, 1, 0)
    assert compare.asked == [("rows", 7)]
    assert [distance.column for distance in drift.distances] == ["size", "country", "y"]
    assert all(0 < distance.measured < distance.limit for distance in drift.distances)
    assert (list(drift.findings), list(drift.absent)) == ([], [])


def test_drift_is_reported_as_by_the_gates_with_the_rows_of_unknown_categories(compare):
    served = table(2, mean=14.0)
    served["country"][3] = "never"
    served["country"][4:104] = ["?"] * 100
    served["country"][590:] = ["seen once"] * 10
    drift = compare(served)
    lines = [finding.line() for finding in drift.findings]
    size = next(line for line in lines if "'size'" in line)
    assert size.startswith("skew: column 'size': Jensen-Shannon divergence 0.")
    assert "from the training rows of rows, above the limit of 0.1; to accept it: gates.skew.columns.size = " in size
    unseen = next(line for line in lines if line.startswith("unseen"))
    assert "11 of 500 values (2.2 %) are not in the training rows of rows, such as 'seen once', 'never'" in unseen
    assert "served.csv line 5, 592" in unseen
    missing = next(line for line in lines if line.startswith("missing"))
    assert "100 of 600 values (16.67 %) are null or blank, and 0 % in the training rows of rows" in missing
    assert "in train" not in "".join(lines)
    assert {finding.gate: finding.action for finding in drift.findings} == {
        "skew": "block",
        "missing": "block",
        "unseen": "warn",
    }


@pytest.mark.parametrize("having", [0, 1])
def test_the_log_of_the_server_needs_no_label_and_masked_columns_are_named(compare, having):
    folder = compare.folder / "log/rows"
    folder.mkdir(parents=True)
    for number, rows in enumerate((table(3, 300), table(4, 300))):
        served = {"size": pa.array(rows["size"], pa.float32()), "served_version": pa.array([7] * 300)}
        if number == having:
            served["country"] = pa.array(rows["country"])
        pq.write_table(pa.table(served), folder / f"rows-{number}.parquet")
    drift = served_drift.compare(
        str(compare.folder / "runs"), "rows", f"{compare.folder}/log/rows/rows-*.parquet", metadata=None
    )
    assert (drift.rows, drift.files) == (600, 2)
    assert [distance.column for distance in drift.distances] == ["size"]
    assert list(drift.absent) == ["country"]


NORMAL = np.random.default_rng(9).normal(5, 1, 900)
LETTERS = np.random.default_rng(9).choice(["no", "yes"], 900, p=[0.8, 0.2])


@pytest.mark.parametrize(
    ("output", "expected", "served", "finding"),
    [
        ("prediction", NORMAL[:300], NORMAL[300:], None),
        ("prediction", NORMAL[:300], NORMAL[300:] + 2, "prediction: Jensen-Shannon divergence 0."),
        ("classes", LETTERS[:300], LETTERS[300:], None),
        ("cluster", ["2", "0"] * 150, [2, 0] * 299 + [2, 2], None),
        ("classes", LETTERS[:300], ["no"] * 600, "prediction: L-infinity distance 0."),
    ],
)
def test_logged_predictions_are_compared_with_those_of_the_evaluation(compare, output, expected, served, finding):
    folder = compare.folder / "log/rows"
    folder.mkdir(parents=True)
    compare.evaluated[output] = list(expected)
    rows = {"size": pa.array(table(2)["size"], pa.float32()), f"served_{output}": pa.array(list(served))}
    pq.write_table(pa.table({**rows, "served_version": pa.array([7] * 600)}), folder / "rows-1.parquet")
    other_rows = {**rows, f"served_{output}": pa.array([served[0]] * 600), "served_version": pa.array([6] * 600)}
    pq.write_table(pa.table(other_rows), folder / "rows-2.parquet")  # of another version

    drift = served_drift.compare(str(compare.folder / "runs"), "rows", f"{folder}/rows-*.parquet", metadata=None)
    distance = drift.distances[-1]
    assert (distance.column, distance.limit) == ("prediction", 0.1)
    assert distance.measured > 0
    lines = [blocker.line() for blocker in drift.blocking]
    if finding is None:
        assert (lines, distance.measured < 0.05) == ([], True)
    else:
        [line] = lines
        assert line.startswith(f"skew: {finding}")
        assert " from the predictions of the evaluation of version 7, above the limit of 0.1" in line
        assert f"to accept it: gates.skew.{'categories' if output == 'classes' else 'numbers'} = " in line

    (folder / "rows-1.parquet").unlink()
    drift = served_drift.compare(str(compare.folder / "runs"), "rows", f"{folder}/rows-*.parquet", metadata=None)
    assert "prediction" not in [distance.column for distance in drift.distances]  # all rows are of the other version


def test_only_the_last_files_are_read_when_there_are_many_rows(compare, monkeypatch):
    monkeypatch.setattr(served_drift, "MOST_ROWS", 500)
    folder = compare.folder / "log/rows"
    folder.mkdir(parents=True)
    for number, mean in enumerate((50, 10, 10)):
        pq.write_table(pa.Table.from_batches([batch(table(number, 300, mean))]), folder / f"rows-{number}.parquet")
    drift = served_drift.compare(str(compare.folder / "runs"), "rows", f"{folder}/rows-*.parquet", metadata=None)
    assert (drift.rows, drift.files, drift.left_out) == (600, 2, 1)
    assert drift.blocking == []


def test_what_cannot_be_compared_is_an_error(compare):
    with pytest.raises(UserError, match=r"has 20 rows, and fewer than 500 differ by chance alone: .*min_rows"):
        compare(table(2, 20))
    with pytest.raises(UserError, match=r"rows has no version 6\. Known versions: 7\. Older ones"):
        compare(table(2), version=6)
    with pytest.raises(UserError, match=r"configs/row.toml does not exist"):
        served_drift.compare(str(compare.folder / "runs"), "row", "served.csv", metadata=None)
    (compare.folder / "statistics/Split-train").rename(compare.folder / "statistics/Split-eval")
    with pytest.raises(UserError, match=r"run run, which trained version 7, has no statistics of its train split"):
        compare(table(2))


def test_a_variant_is_compared_by_its_own_gates(compare):
    with open(compare.folder / "configs/rows.toml", "a") as file:
        file.write("[variant.loose.gates.skew]\nmin_rows = 601\n")
    (compare.folder / "runs/rows-loose/serving/7").mkdir(parents=True)
    assert compare(table(2)).rows == 600
    with pytest.raises(UserError, match=r"has 600 rows, and fewer than 601 differ by chance alone"):
        served_drift.compare(
            str(compare.folder / "runs"), "rows-loose", str(compare.folder / "served.csv"), metadata=None
        )


def test_the_command_prints_a_table_or_json_and_its_code_is_that_of_a_gate(compare, capsys):
    compare(table(2, mean=14.0))
    command = ["drift", "rows", str(compare.folder / "served.csv"), "--root", str(compare.folder / "runs")]
    assert main(command) == 3
    output = capsys.readouterr().out.splitlines()
    assert output[0] == "600 served rows, 600 training rows of version 7"
    assert output[2].split() == ["column", "measure", "measured", "limit"]
    assert output[3].split()[0] == "size"
    assert output[3].endswith("above")
    assert output[-1].startswith("drift: skew: column 'size': ")
    assert main([*command, "--json"]) == 3
    content = json.loads(capsys.readouterr().out)
    assert (content["code"], content["served_rows"], content["version"]) == (3, 600, 7)
    assert {column["column"]: column["ok"] for column in content["columns"]} == {
        "size": False,
        "country": True,
        "y": True,
    }
    assert content["findings"][0]["column"] == "size"

    compare(table(2))
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no column differs by more than its limit"


def test_the_log_of_a_pipeline_is_its_folder(monkeypatch):
    patterns = []
    monkeypatch.setattr(served_drift, "compare", lambda *arguments, **_: patterns.append(arguments[2]) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["drift", "houses", "--log", "served"])
    assert patterns == ["served/houses/rows-*.parquet"]
    with pytest.raises(SystemExit):
        main(["drift", "houses"])
