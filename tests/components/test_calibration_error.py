"""The calibration error of models with and without a temperature."""

import numpy as np
import pytest

from .evaluated_rows import CITY, NAMES, binary


def binned(probability, outcome, weight):
    """The expected calibration error, bin by bin."""
    gaps = [
        abs(np.sum((weight * (probability - outcome))[np.minimum((probability * 15).astype(int), 14) == place]))
        for place in range(15)
    ]
    return sum(gaps) / weight.sum()


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_calibration_error_of_two_classes_is_measured_before_and_after(judged, temperature):
    rows = binary(300)
    weight = np.random.default_rng(2).gamma(1.0, size=300).astype(np.float32)
    rows["w"], p, label = weight, rows["p1"].astype(float), rows["y"]
    city = {"slices": CITY, "types_of": {"city": "BYTES"}}
    calibrated = judged("binary", rows, names=["no", "yes"], weight="w", temperature=temperature, **city)
    plain = judged("binary", rows, names=["no", "yes"], weight="w", **city)

    power, complement = p**temperature, (1 - p) ** temperature
    expected = {
        "calibration_error": pytest.approx(binned(p, label, weight), rel=1e-5),
        "uncalibrated_error": pytest.approx(binned(power / (power + complement), label, weight), rel=1e-5),
    }
    assert calibrated.verdict["metrics"] == {**plain.verdict["metrics"], **expected}
    assert not set(expected) & set(plain.verdict["metrics"])
    assert all(0 < entry["metrics"]["calibration_error"] < 1 for entry in calibrated.verdict["slices"])
    low, high = calibrated.verdict["intervals"]["calibration_error"]
    assert low < calibrated.verdict["metrics"]["calibration_error"] < high


def test_the_calibration_error_of_several_classes_is_that_of_the_most_likely(judged):
    random = np.random.default_rng(3)
    label, probabilities = random.integers(0, 4, 200), random.dirichlet(np.ones(4), 200).astype(np.float32)
    rows = {f"p{number}": probabilities[:, number] for number in range(4)}
    rows["y"] = label.astype(np.float32)
    evaluation = judged("classes", rows, names=NAMES, temperature=1.5, floor={"calibration_error": 0.9})

    powers = probabilities.astype(float) ** 1.5
    right, ones = probabilities.argmax(axis=1) == label, np.ones(200)
    values = evaluation.verdict["metrics"]
    assert values["calibration_error"] == pytest.approx(binned(probabilities.max(axis=1).astype(float), right, ones))
    uncalibrated = (powers / powers.sum(axis=1, keepdims=True)).max(axis=1)
    assert values["uncalibrated_error"] == pytest.approx(binned(uncalibrated, right, ones), rel=1e-6)
    assert evaluation.verdict["blessed"] is True
