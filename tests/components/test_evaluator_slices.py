"""Evaluations by slice, of models whose predictions are columns of their rows."""

import numpy as np
import pytest

from .evaluated_rows import CITY, binary, slice_of

pytestmark = pytest.mark.usefixtures("small_batches")


def demand(metric, slice_, *, floor=None, tolerance=None, min_count=None):
    return {"metric": metric, "slice": slice_, "floor": floor, "tolerance": tolerance, "min_count": min_count}


def test_rules_and_gaps_are_judged_by_slice_and_written_for_tfma(judged, load_results):
    rows = binary()
    rules = [
        demand("accuracy", {"city": "chur"}, floor=1.01),
        demand("auc", "city", floor=0.1),
        demand("accuracy", {"city": "genf"}, floor=0.1),
        demand("accuracy", "city", floor=2.0, min_count=30),
    ]
    gaps = [{"metric": "recall", "slice": "city", "max_difference": 0.0, "min_count": 1}]
    evaluation = judged(
        "binary", rows, names=["no", "yes"], types_of={"city": "BYTES"}, slices=CITY, rules=rules, gaps=gaps
    )
    outcomes = [(rule["metric"], rule["slice"], rule["kind"], rule["ok"]) for rule in evaluation.verdict["rules"]]

    assert outcomes == [
        ("accuracy", {"city": "chur"}, "floor", False),
        ("auc", {"city": "bern"}, "floor", True),
        ("auc", {"city": "chur"}, "floor", True),
        ("accuracy", {"city": "genf"}, "absent", False),
        ("accuracy", {"city": "bern"}, "floor", False),
        ("accuracy", {"city": "chur"}, "skipped", True),
        ("recall", evaluation.verdict["rules"][-1]["slice"], "gap", False),
    ]
    assert evaluation.verdict["blessed"] is False
    assert evaluation.verdict["rules"][0]["count"] == 20
    assert "accuracy for city = genf (0 rows): no row is in this slice" in evaluation.verdict["reason"]
    assert evaluation.blessing.get_string_custom_property("reason") == evaluation.verdict["reason"]
    failures = {
        str(validations.slice_key.single_slice_keys[0].bytes_value, "utf-8"): [
            failure.metric_key.name for failure in validations.failures
        ]
        for validations in load_results[1](evaluation.folder).metric_validations_per_slice
    }
    worse = evaluation.verdict["rules"][-1]["slice"]["city"]
    expected = {"chur": ["accuracy"], "genf": ["accuracy"], "bern": ["accuracy"]}
    expected[worse].append("recall")
    assert failures == expected


def test_slices_by_bucket_cross_and_missing_value(judged, load_results):
    rows = binary()
    rows["grade"] = [None if row % 4 == 0 else row % 2 for row in range(60)]
    slices = [
        [{"column": "age", "name": "age_bucket", "edges": [20.0, 40.0], "quantiles": None}],
        [{"column": "grade", "name": "grade"}],
        [{"column": "city", "name": "city"}, {"column": "grade", "name": "grade"}],
        [{"column": "age", "name": "age_quarter", "edges": None, "quantiles": 4}],
    ]
    types = {"city": "BYTES", "grade": "INT", "age": "INT"}
    evaluation = judged("binary", rows, names=["no", "yes"], types_of=types, slices=slices)
    right = (rows["p1"] > 0.5) == (rows["y"] == 1)

    assert slice_of(evaluation.verdict, age_bucket="20 to 40")["metrics"]["accuracy"] == pytest.approx(
        right[20:40].mean()
    )
    assert slice_of(evaluation.verdict, grade="(missing)")["metrics"]["accuracy"] == pytest.approx(right[::4].mean())
    assert slice_of(evaluation.verdict, city="chur", grade=1)["count"] == sum(
        row % 3 == 0 and row % 2 == 1 for row in range(60)
    )
    assert [entry["count"] for entry in evaluation.verdict["slices"] if "age_quarter" in entry["slice"]] == [15.0] * 4
    loaded = {key for key, _ in load_results[0](evaluation.folder).slicing_metrics}
    assert {(), (("age_bucket", "20 to 40"),), (("grade", "(missing)"),), (("city", "chur"), ("grade", 1))} <= loaded
    assert len(loaded) == 1 + len(evaluation.verdict["slices"])


def test_a_slice_is_compared_with_the_baselines_own(judged, load_results):
    rows = binary()
    worse = np.where(np.arange(60) % 3 == 0, 1 - rows["p1"], rows["p1"]).astype(np.float32)
    evaluation = judged(
        "binary",
        {**rows, "p1": worse, "p1_old": rows["p1"]},
        names=["no", "yes"],
        before={"suffix": "_old"},
        types_of={"city": "BYTES"},
        slices=CITY,
        rules=[demand("accuracy", "city", tolerance=0.05)],
        baseline=[{"metric": "accuracy", "tolerance": 1.0}, {"metric": "auc", "tolerance": 1.0}],
    )

    assert [(rule["slice"], rule["ok"]) for rule in evaluation.verdict["rules"]] == [
        ({}, True),
        ({}, True),
        ({"city": "bern"}, True),
        ({"city": "chur"}, False),
    ]
    assert {key for key, _ in load_results[0](evaluation.folder, model_name="baseline").slicing_metrics} == {
        (),
        (("city", "bern"),),
        (("city", "chur"),),
    }


def test_a_column_of_countless_values_is_cut_to_the_most_frequent(judged):
    rows = binary(200)
    rows["zip"] = [7 if row % 2 else row for row in range(200)]
    evaluation = judged(
        "binary",
        rows,
        names=["no", "yes"],
        types_of={"zip": "INT"},
        slices=[[{"column": "zip", "name": "zip"}]],
        max_slices=3,
        rules=[demand("accuracy", {"zip": 198}, floor=0.0)],
    )

    assert {entry["slice"]["zip"] for entry in evaluation.verdict["slices"]} >= {7, 198}
    assert evaluation.verdict["metrics"]["example_count"] == 200
    assert evaluation.verdict["slices_left_out"] == [{"slicing": ["zip"], "kept": 4, "slices": 101, "rows_left": 97}]


def test_the_worst_slices_have_the_minimum_number_of_rows(judged):
    rows = binary()
    rows["city"] = [b"zug" if row < 5 else name for row, name in enumerate(rows["city"])]
    rows["p1"][:5] = 1 - rows["y"][:5]
    evaluation = judged("binary", rows, names=["no", "yes"], types_of={"city": "BYTES"}, slices=CITY)

    assert [entry["slice"] for entry in evaluation.verdict["worst_slices"]] == [{"city": "bern"}]


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
def test_equal_rows_of_a_group_narrow_no_interval(judged, metric):
    rows = binary(58)
    repeated = {
        "y": np.repeat(rows["y"], 20),
        "p1": np.repeat(rows["p1"], 20),
        "group": [f"g{row}".encode() for row in range(58) for _ in range(20)],
    }
    options = {"names": ["no", "yes"], "types_of": {"group": "BYTES"}}
    single = judged("binary", rows, **options).verdict
    alone, grouped = (judged("binary", repeated, **options, group=group).verdict for group in (None, "group"))
    widths = [result["intervals"][metric][1] - result["intervals"][metric][0] for result in (single, alone, grouped)]

    assert widths[1] < 0.6 * widths[0]
    assert 0.6 * widths[0] < widths[2] < 2 * widths[0]
    assert "rows with equal group are in one fold" in grouped["interval_method"]
