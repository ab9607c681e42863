import io

import pytest
from rich.console import Console

from orchestration.display import outcome
from orchestration.display.terminal import Terminal

VERDICT = {
    "blessed": False,
    "reason": "r2 0.9 is below the required 0.95",
    "split": "test",
    "metrics": {"example_count": 2166.0, "mae": 64733.9, "r2": 0.9, "mse": 1e10, "recall[a]": 0.5, "auc": None},
    "intervals": {"mae": [60000.4, 69000.2], "r2": [0.88, 0.92]},
    "baseline": None,
    "rules": [
        {"ok": True, "text": "mae 64733.9 is within the allowed 70000", "edit": ""},
        {"ok": False, "text": "r2 0.9 is below the required 0.95", "edit": "evaluation.floor.r2 = 0.9 or less"},
        {"ok": False, "text": "mae is nan, which is not a finite number", "edit": ""},
    ],
    "worst_count": 30,
    "worst_slices": [
        {
            "metric": "mae",
            "slice": {"city": "chur", "grade": 7},
            "value": 1234.5,
            "interval": [1.0, 2000.0],
            "count": 31.0,
        }
    ],
    "slices_left_out": [{"slicing": ["zip", "sex"], "kept": 100, "slices": 20000, "rows_left": 1500}],
    "pushed": None,
}


def lines(**changes):
    file = io.StringIO()
    console = Console(file=file, width=100)
    console.print(outcome.table({**VERDICT, **changes}))
    return [line.split() for line in file.getvalue().splitlines()]


def test_the_table_shows_metrics_with_their_intervals():
    assert lines() == [
        ["test", "split,", "2,166", "rows", "model", "95", "%", "interval"],
        ["mae", "64,734", "60,000", "to", "69,000"],
        ["r2", "0.9", "0.88", "to", "0.92"],
    ]


def test_the_table_shows_the_baseline_next_to_the_model():
    baseline_metrics = {"example_count": 2166.0, "mae": 70000.0, "r2": None, "mse": 1.0, "recall[a]": 1.0, "auc": 0.5}
    [head, mae, r2, auc] = lines(baseline=baseline_metrics, intervals={})

    assert head[-2:] == ["model", "baseline"]
    assert (mae, r2, auc) == (["mae", "64,734", "70,000"], ["r2", "0.9", "none"], ["auc", "none", "0.5"])


def test_plain_models_are_columns_of_the_table_and_a_note_names_the_better_one():
    plain = {"linear": {"mae": 90000.0, "r2": 0.8}, "boosted_trees": {"mae": 65000.0, "r2": 0.91}}
    [head, mae, r2] = lines(plain=plain, intervals={})

    assert head[-3:] == ["model", "linear", "trees"]
    assert (mae, r2) == (["mae", "64,734", "90,000", "65,000"], ["r2", "0.9", "0.8", "0.91"])
    sentence = "mae 64734 is better than 65000 of boosted trees"
    assert next(iter(outcome.notes({**VERDICT, "plain_notes": [sentence]}))) == f"Plain models: {sentence}"


@pytest.mark.parametrize(
    ("rows", "names", "value", "interval"),
    [
        (21_661.0, ("mae", "rmse", "bias"), -108584.7, [-120059.3, -97110.0]),
        (21_661.0, ("auc", "precision_at_k", "uncalibrated_error"), 0.9876543, [0.9712345, 0.9912345]),
    ],
)
def test_a_table_with_baseline_and_plain_models_fits_80_characters(rows, names, value, interval):
    metrics = {"example_count": rows, **dict.fromkeys(names, value)}
    verdict = {
        **VERDICT,
        "metrics": metrics,
        "intervals": dict.fromkeys(names, interval),
        "baseline": metrics,
        "plain": {"linear": metrics, "boosted_trees": metrics},
    }
    console = Console(file=io.StringIO(), width=200)

    assert console.measure(outcome.table(verdict, narrow=True)).maximum <= 80


def test_the_head_of_a_table_that_is_too_wide_has_two_lines_and_no_number_is_wrapped(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    wide = {"example_count": 21_661.0, "mae": -108584.7}
    compared_models = {"baseline": wide, "plain": {"linear": wide, "boosted_trees": wide}}
    verdict = {**VERDICT, "metrics": wide, "intervals": {"mae": [-120059.3, -97110.0]}, **compared_models, "rules": ()}
    Terminal(plain=True).outcome(verdict, run_folder="runs/made")
    head, rows, mae, *_ = capsys.readouterr().out.strip().splitlines()

    assert head.split() == ["test", "split,"]
    assert rows.split() == ["21,661", "rows", "model", "95", "%", "interval", "baseline", "linear", "trees"]
    assert mae.split() == ["mae", "-108,585", "-120,059", "to", "-97,110", *["-108,585"] * 3]
    assert max(map(len, (head, rows, mae))) <= 80


def test_the_notes_name_worst_slices_dropped_rows_and_the_edit_that_accepts():
    assert list(outcome.notes(VERDICT)) == [
        "Worst slices by mae, of those with 30 rows or more:",
        "  city = chur, grade = 7: 1,234 (1 to 2,000), 31 rows",
        "Of 20,000 slices by zip x sex the 100 most frequent are measured; 1,500 rows are in none of them",
        "Failed: r2 0.9 is below the required 0.95; to accept it: evaluation.floor.r2 = 0.9 or less",
        "Failed: mae is nan, which is not a finite number; no limit of the config should accept it",
    ]


def test_a_metric_that_is_too_good_is_a_warning():
    assert "Check: auc 1 is unusually good" in list(outcome.notes({**VERDICT, "too_good": "auc 1 is unusually good"}))


@pytest.mark.parametrize("pushed", [None, "runs/houses/serving/1"])
def test_the_terminal_ends_with_verdict_and_paths(capsys, pushed):
    Terminal(plain=True).outcome({**VERDICT, "pushed": pushed}, run_folder="runs/1")
    output = capsys.readouterr().out

    assert "Not blessed: r2 0.9 is below the required 0.95" in output
    assert ("Pushed:  runs/houses/serving/1" in output) is (pushed is not None)
    assert output.rstrip().endswith("Run:     runs/1")


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"serves": 7}, "Nothing pushed: version 7 serves"),
        ({"serves": 7, "withheld": "it was not compared"}, "Not pushed: it was not compared"),
        ({"serves": None}, None),
        ({"serves": 7, "blessed": False}, None),
    ],
)
def test_a_run_without_a_push_reports_what_serves_or_the_reason(capsys, more, line):
    Terminal(plain=True).outcome({**VERDICT, "blessed": True, "pushed": None, **more}, run_folder="runs/1")
    output = [printed for printed in capsys.readouterr().out.splitlines() if "pushed" in printed]

    assert output == ([line] if line else [])
