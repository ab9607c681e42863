import json
import sys
from pathlib import Path
from typing import Any

import pytest

from errors import ResourceError, UserError
from inspection.read.evaluations import read_evaluation
from inspection.read.tfma_protos import tfma_proto
from inspection.store.metadata_store import open_store

VERDICT = {
    "blessed": False,
    "reason": "r2 0.8 is below the required 0.9",
    "split": "test",
    "task": "regression",
    "metrics": {"example_count": 40, "mae": 1234.5678, "r2": None},
    "intervals": {"mae": [1200.0, 1300.0]},
    "baseline": {"example_count": 40, "mae": 1000.0, "r2": 0.95},
    "baseline_note": "compared with the served model",
    "rules": [
        {"metric": "mae", "value": 1.5, "limit": 2.0, "ok": True, "kind": "floor", "slice": {}, "count": 40},
        {
            "metric": "r2",
            "value": None,
            "limit": 0.9,
            "ok": False,
            "kind": "floor",
            "slice": {"city": "Rome"},
            "count": 12,
            "edit": "evaluation.rules.0.floor = 0.8 or less",
        },
        {"metric": "r2", "value": None, "limit": None, "ok": True, "kind": "skipped", "slice": {"city": "Bonn"}},
    ],
    "slices": [{"slice": {"city": "Rome"}, "count": 12, "metrics": {"mae": 9.0}, "intervals": {}, "baseline": None}],
}


@pytest.fixture
def evaluate(writer: Any, tmp_path: Path) -> Any:
    """Record a training and an evaluation against a baseline; return the evaluation's folder."""

    def made(run_id: str = "r", **blessing: Any) -> Path:
        run = writer.run(run_id)
        [earlier] = run.node("import", outputs=[("model", "Model")])
        [model] = run.node("trainer", outputs=[("model", "Model")])
        folder = tmp_path / run_id
        folder.mkdir()
        run.node(
            "evaluator",
            inputs=[("model", model), ("baseline_model", earlier)],
            outputs=[("evaluation", "ModelEvaluation"), ("blessing", "ModelBlessing")],
            facts={"blessing": blessing},
            uri=str(folder),
        )
        return folder

    return made


def test_a_refusal_names_metric_slice_limit_and_baseline(evaluate: Any, ask: Any) -> None:
    (evaluate(blessed=0, reason="r2 0.8 is below the required 0.9") / "verdict.json").write_text(json.dumps(VERDICT))
    facts, rules, metrics = (block.splitlines() for block in ask("why", "latest").split("\n\n"))
    assert dict(line.split("  ", 1) for line in facts) == {
        "model": "       2, trainer of r",
        "verdict": "     not blessed",
        "reason": "      r2 0.8 is below the required 0.9",
        "evaluated by": "evaluator of r",
        "baseline": "    Model 1",
        "pushed to": "   nowhere",
    }
    assert [" ".join(line.split()) for line in rules[1:]] == [
        "fails r2 city = Rome - 0.9 floor 12 evaluation.rules.0.floor = 0.8 or less",
        "holds mae all rows 1.5 2 floor 40 -",
        "not checked r2 city = Bonn - - skipped - -",
    ]
    assert [" ".join(line.split()) for line in metrics[1:]] == ["mae 1,234.6 1,200 to 1,300 1,000", "r2 - - 0.95"]
    answer = ask("why", "2", "--json")
    assert (answer["blessed"], answer["baseline"], answer["evaluation"]) == (False, 1, 3)
    assert [rule["ok"] for rule in answer["rules"]] == [False, True, True]


def test_a_verdict_of_an_older_form_is_read(evaluate: Any, ask: Any) -> None:
    rule = {"metric": "r2", "value": 0.9, "limit": 0.8, "ok": True, "kind": "floor"}
    old_verdict = {"blessed": True, "reason": "fine", "metrics": {"r2": 0.9}, "rules": [rule]}
    (evaluate(blessed=1) / "verdict.json").write_text(json.dumps(old_verdict))
    answer = ask("why", "r", "--json")
    assert (answer["blessed"], answer["reason"], answer["overall"]["metrics"]) == (True, "fine", {"r2": 0.9})


def test_ml_metadata_answers_where_the_files_are_gone(evaluate: Any, ask: Any, writer: Any) -> None:
    evaluate(blessed=1, reason="because").rmdir()
    run = writer.run("push")
    run.node("pusher", inputs=[("model", 2)], outputs=[("p", "PushedModel")], facts={"p": {"pushed": 0}})
    run.node("again", inputs=[("model", 2)], outputs=[("p", "PushedModel")], uri="/serving/7")
    answer = ask("why", "2", "--json")
    assert (answer["blessed"], answer["reason"], answer["pushed"]) == (True, "because", ["/serving/7"])
    assert "does not exist" in answer["notes"][0]


def test_a_damaged_verdict_is_named(evaluate: Any, ask: Any, tmp_path: Path, writer: Any) -> None:
    folder = evaluate(blessed=1)
    for content in ("{", "[]", '{"blessed": true}', '{"blessed": true, "metrics": []}'):
        (folder / "verdict.json").write_text(content)
        assert "verdict.json is damaged" in ask("why", "2", "--json")["notes"][0]
    (folder / "verdict.json").unlink()
    [artifact] = open_store(str(tmp_path), None).artifacts([3])
    with pytest.raises(ResourceError, match=r"contains no evaluation: expected verdict\.json or the metrics of TFMA"):
        read_evaluation(artifact)


def test_a_model_without_an_evaluation_is_reported_with_the_reason(writer: Any, ask: Any) -> None:
    run = writer.run("r")
    [model] = run.node("trainer", outputs=[("model", "Model")])
    assert ask("why", "latest", "--json")["reason"] == "not evaluated: no node has used the model"
    run.node("evaluator", state="FAILED", inputs=[("model", model)])
    answer = ask("why", "latest", "--json")
    assert answer["blessed"] is None
    assert answer["reason"] == "not evaluated: evaluator of run r is FAILED"
    assert "verdict    not evaluated" in ask("why", "latest")
    with pytest.raises(UserError, match=r"no model '77' in .*Did you mean"):
        ask("why", "77")


def test_stock_tfma_s_files_are_read(evaluate: Any, ask: Any, write_records: Any) -> None:
    folder = evaluate(blessed=0)
    metrics, validation = tfma_proto("metrics_for_slice_pb2"), tfma_proto("validation_result_pb2")
    records = []
    for value, city in ((0.75, None), (0.5, b"Rome")):
        cell = metrics.MetricsForSlice()
        if city:
            cell.slice_key.single_slice_keys.add(column="city", bytes_value=city)
        for name, model, number in (
            ("auc", "candidate", value),
            ("auc", "baseline", 0.875),
            ("example_count", "candidate", 40.0),
            ("loss", "candidate", float("nan")),
        ):
            entry = cell.metric_keys_and_values.add()
            entry.key.name, entry.key.model_name = name, model
            entry.value.double_value.value = number
        difference = cell.metric_keys_and_values.add()
        difference.key.name, difference.key.is_diff = "auc", True
        difference.value.double_value.value = -0.1
        top = cell.metric_keys_and_values.add()
        top.key.name = "recall"
        top.key.sub_key.top_k.value = 3
        top.value.bounded_value.value.value = 0.25
        records.append(cell.SerializeToString())
    judged = validation.ValidationResult(validation_ok=False)
    entry = judged.metric_validations_per_slice.add()
    entry.slice_key.single_slice_keys.add(column="city", bytes_value=b"Rome")
    failure = entry.failures.add(message="Metric is below")
    failure.metric_key.name = "auc"
    failure.metric_threshold.value_threshold.lower_bound.value = 0.6
    failure.metric_value.double_value.value = 0.5
    write_records(folder / "metrics-00000-of-00001.tfrecord", records)
    write_records(folder / "validations.tfrecord", [judged.SerializeToString()])
    answer = ask("why", "latest", "--json")
    assert (answer["blessed"], answer["reason"], answer["overall"]["count"]) == (False, "Metric is below", 40)
    assert answer["overall"]["metrics"] == {"auc": 0.75, "loss": None, "recall@3": 0.25}
    assert answer["overall"]["baseline"] == {"auc": 0.875}
    [rule] = answer["rules"]
    assert [rule[key] for key in ("metric", "slice", "value", "limit", "ok")] == [
        *("auc", {"city": "Rome"}, 0.5, ">= 0.6", False)
    ]
    assert "tensorflow_model_analysis" not in sys.modules or hasattr(
        sys.modules["tensorflow_model_analysis"], "version"
    )
    write_records(folder / "metrics-00000-of-00002.tfrecord", records)
    [note] = ask("why", "latest", "--json")["notes"]
    assert "expected one complete set of shards, NAME-00000-of-0000N, found shards of 2 sets" in note
