import numpy as np

from components.evaluator.metrics.anomaly import Anomaly
from components.evaluator.metrics.multiclass import Classes
from components.evaluator.metrics.regression import Regression
from components.evaluator.worst_rows import MAX_ROWS, WorstRows


def test_the_largest_errors_of_all_batches_are_kept():
    random = np.random.default_rng(1)
    label, prediction = random.normal(size=500), random.normal(size=500)
    worst = WorstRows(Regression())
    for part in np.array_split(np.arange(500), 9):
        worst.add(part, label[part], {"prediction": prediction[part]}, [f"row {row}" for row in part])
    error = np.abs(prediction - label)
    order = np.argsort(-error)[:MAX_ROWS]

    largest = worst.rows()
    assert [row["row"] for row in largest] == order.tolist()
    assert largest[0] == {
        "row": order[0],
        "id": f"row {order[0]}",
        "label": label[order[0]],
        "answer": prediction[order[0]],
        "error": error[order[0]],
    }


def test_an_answer_that_is_no_number_is_the_worst_and_rows_without_an_id_have_none():
    worst = WorstRows(Regression())
    worst.add(np.arange(3), np.array([1.0, 2.0, 3.0]), {"prediction": np.array([9.0, np.nan, 3.0])}, None)

    assert [row["row"] for row in worst.rows()] == [1, 0, 2]
    assert "id" not in worst.rows()[0]


def test_classes_are_shown_by_name():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.1, 0.2, 0.7]], np.float32)
    worst = WorstRows(Classes(["red", "green", "blue"], 2))
    worst.add(np.arange(2), np.array([0, 1]), {"probabilities": probabilities}, None)

    assert [(row["label"], row["answer"]) for row in worst.rows()] == [("green", "blue"), ("red", "red")]


def test_high_scores_of_normal_rows_and_low_ones_of_anomalies_are_worst():
    worst = WorstRows(Anomaly(None))
    score = np.array([1.0, 50.0, 1.0, 1000.0, 0.001, 1.0])
    label = np.array([0, 0, 0, 1, 1, -1])
    worst.add(np.arange(6), label, {"score": score, "anomaly": score > 10}, None)

    assert [row["row"] for row in worst.rows()][:2] == [4, 1]
    assert worst.rows()[-1]["row"] == 3
    assert 5 not in [row["row"] for row in worst.rows()]
