"""Predictions: confusion matrix, calibration, ROC and precision-recall curves, residuals, cluster sizes."""

from collections.abc import Mapping, Sequence
from typing import Any

from inspection.read.evaluations import Evaluation
from inspection.report import charts, svg
from inspection.report.curve_plots import Curves
from inspection.report.markup import Html, figure, share, table, tag
from inspection.report.report_facts import Facts
from inspection.text_output import number

_MAX_CLASSES = 40
"""Maximum number of classes of a confusion matrix."""
_THRESHOLDS = 20
"""Rows of the table of thresholds."""
_BUCKETS = 24
"""Buckets of the histogram of residuals."""


def section(facts: Facts) -> Html | None:
    """Return the charts of the task's predictions."""
    details: Mapping[str, Any] = facts.evaluation.details if facts.evaluation else {}
    charts_or_none = [
        _matrix(details.get("confusion"), _names(facts.evaluation)),
        _calibration(details.get("calibration")),
        *_curves(facts.curves),
        *_residuals(facts.diagnosis.predictions),
        _sizes(details.get("sizes")),
    ]
    charts_ = [chart for chart in charts_or_none if chart is not None]
    confused = _confusions(details.get("confusions"))
    if not charts_ and confused is None:
        return None
    return tag("div", tag("div", *charts_, class_="charts"), confused)


def _names(evaluation: Evaluation | None) -> list[str]:
    if evaluation is None:
        return []
    if evaluation.classes is not None:
        return list(map(str, evaluation.classes))
    size = len(evaluation.details.get("confusion") or ())
    return ["normal", "anomaly"] if evaluation.task == "anomaly" else list(map(str, range(size)))


def _matrix(cells: Any, names: Sequence[str]) -> Html | None:
    if (
        not cells
        or len(cells) > _MAX_CLASSES
        or len(cells) != len(names)
        or any(len(row) != len(names) for row in cells)
    ):
        return None
    rows = [[name, *row] for name, row in zip(names, cells, strict=True)]
    data = table(["label", *names], rows, caption="Rows by label and prediction")
    chart = charts.matrix(
        cells, names, names, label="Confusion matrix: a row for each label, a column for each prediction"
    )
    return figure(chart, "Confusion matrix: labels in rows, predictions in columns", data)


def _confusions(confusions: Any) -> Html | None:
    if not confusions:
        return None
    rows = [[confusion.get("label"), confusion.get("answer"), confusion.get("weight")] for confusion in confusions]
    return table(["label", "predicted", "rows"], rows, caption="Most frequent confusions")


def _calibration(buckets: Any) -> Html | None:
    filled = [bucket for bucket in buckets or () if bucket.get("weight")]
    if not filled:
        return None
    rows = [
        [bucket["from"], bucket["to"], bucket["weight"], bucket["mean_probability"], bucket["share"]]
        for bucket in filled
    ]
    data = table(["from", "to", "rows", "mean probability", "observed share"], rows, caption="Calibration")
    points = [(bucket["mean_probability"], bucket["share"]) for bucket in filled]
    chart = _square(points, "Calibration", x_label="mean probability", y_label="observed share")
    return figure(chart, "Calibration: on the diagonal, probabilities equal observed shares", data)


def _curves(curves: Curves) -> list[Html]:
    """Return the ROC curve and the precision-recall curve."""
    if not curves.thresholds:
        return []
    step = max(1, len(curves.thresholds) // _THRESHOLDS)
    rows = [
        [counts.threshold, counts.recall, counts.fall_out, counts.precision] for counts in curves.thresholds[::step]
    ]
    data = table(["threshold", "true positive rate", "false positive rate", "precision"], rows, caption="By threshold")
    roc = [(counts.fall_out, counts.recall) for counts in curves.thresholds]
    # Above the largest probability there are no positive predictions, and precision is undefined.
    precision_recall = [
        (counts.recall, counts.precision)
        for counts in curves.thresholds
        if counts.true_positives + counts.false_positives
    ]
    return [
        figure(
            _square(roc, "ROC curve", x_label="false positive rate", y_label="true positive rate"), "ROC curve", data
        ),
        figure(
            _square(precision_recall, "Precision-recall curve", x_label="recall", y_label="precision", diagonal=False),
            "Precision and recall",
            data,
        ),
    ]


def _square(points: Sequence[svg.Point], label: str, *, x_label: str, y_label: str, diagonal: bool = True) -> Html:
    series = [("model", points)]
    return svg.lines(
        series, label=label, x_label=x_label, y_label=y_label, square=True, diagonal=diagonal, width=320, height=300
    )


def _residuals(labels_and_predictions: Sequence[tuple[float, float]]) -> list[Html]:
    """Return a scatter plot of predictions by label, and a histogram of the residuals."""
    if len(labels_and_predictions) < 2:
        return []
    residuals = sorted(prediction - label for label, prediction in labels_and_predictions)
    low, high = svg.span(residuals)
    width = (high - low) / _BUCKETS
    counts = [0] * _BUCKETS
    for residual in residuals:
        counts[min(int((residual - low) / width), _BUCKETS - 1)] += 1
    buckets = [(low + index * width, low + (index + 1) * width, float(count)) for index, count in enumerate(counts)]
    quantiles = [residuals[round(fraction * (len(residuals) - 1))] for fraction in (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)]
    names = ("smallest", "5 %", "25 %", "median", "75 %", "95 %", "largest")
    data = table(["residuals", "prediction - label"], list(zip(names, quantiles, strict=True)), caption="Residuals")
    count = f"{len(labels_and_predictions):,} rows"
    scatter = charts.points(
        labels_and_predictions, label="Predictions by label", x_label="label", y_label="prediction", diagonal=True
    )
    return [
        figure(scatter, f"Predictions by label, {count}; correct ones are on the diagonal", data),
        figure(
            svg.histograms([("prediction - label", buckets)], label="Distribution of the residuals"),
            f"Residuals, {count}",
            table(["from", "to", "rows"], buckets, caption="Residuals"),
        ),
    ]


def _sizes(sizes: Any) -> Html | None:
    if not sizes:
        return None
    total = sum(sizes) or 1
    rows = [(f"cluster {index}", [float(size)]) for index, size in enumerate(sizes)]
    data = table(["cluster", "rows", "share"], [[name, values[0], share(values[0] / total)] for name, values in rows])
    return figure(svg.bars(rows, ["rows"], label="Rows by cluster", format_value=number), "Rows by cluster", data)
