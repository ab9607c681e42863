"""Models that must not be pushed."""

import numpy as np
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.pusher import component

ROWS = 40
NAMES = ["small", "big"]


def rows(p1):
    """Rows whose answers stand in them; nine of ten are of class 0."""
    label = (np.arange(ROWS) % 10 == 0).astype(np.float32)
    p1 = np.asarray(p1(label), np.float32)
    return {"y": label, "p1": p1}


def pushed(tmp_path, verdict):
    """Folders in the serving folder after the pusher has seen a verdict."""
    model, target = standard_artifacts.Model(), standard_artifacts.PushedModel()
    model.uri, target.uri = str(tmp_path / "model 0"), str(tmp_path / "pushed")
    assert path_utils.serving_model_dir(model.uri)
    inputs = {"model": [model], "blessing": [verdict.blessing]}
    serving = tmp_path / "serving"
    serving.mkdir()
    (serving / "7").mkdir()
    component.Executor().Do(inputs, {"pushed_model": [target]}, {"serving": str(serving), "keep": 10, "code": ""})
    return sorted(path.name for path in serving.iterdir())


def test_a_model_with_nan_weights_is_not_pushed(judged, tmp_path, figure):
    """Fault 5: answers are NaN, and class 0, which NaN seems to be, is the majority."""
    evaluation = judged("binary", rows(lambda label: np.full(len(label), np.nan)), names=NAMES, floor={"accuracy": 0.8})
    versions = pushed(tmp_path, evaluation)
    figure(5, f"blessed = {evaluation.verdict['blessed']}, pushed = {len(versions) - 1}")
    assert not evaluation.verdict["blessed"]
    assert "which is not a finite number" in evaluation.verdict["reason"]
    assert versions == ["7"]


def test_a_model_worse_than_the_baseline_is_not_pushed(judged, tmp_path, figure):
    """Fault 26: worse than the baseline on the same rows; the previous version still serves."""
    answers = rows(lambda label: 0.6 - 0.2 * label)
    better = rows(lambda label: 0.4 + 0.2 * label)
    answers["p1 before"] = better["p1"]
    evaluation = judged(
        "binary",
        answers,
        names=NAMES,
        before={"suffix": " before"},
        baseline=[{"metric": "auc", "tolerance": 0.01}],
    )
    versions = pushed(tmp_path, evaluation)
    figure(26, f"blessed = {evaluation.verdict['blessed']}, pushed = {len(versions) - 1}")
    assert not evaluation.verdict["blessed"]
    assert "that baseline and tolerance require" in evaluation.verdict["reason"]
    assert versions == ["7"]
