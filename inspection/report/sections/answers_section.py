"""How the model answers: confusion matrix, calibration, ROC and precision-recall curves, residuals, clusters."""

from collections.abc import Mapping, Sequence
from typing import Any

from inspection.report import charts, svg
from inspection.report.curve_plots import Curves
from inspection.report.markup import Html, figure, share, table, tag
from inspection.report.report_facts import Facts
from inspection.text_output import number

_CLASSES = 40
"""Most classes of a drawn matrix."""
_STEPS = 20
"""Rows of a table of thresholds."""
_BUCKETS = 24
"""Of the residuals' histogram."""


def section(known: Facts) -> Html | None:
    """Shows what there is for the task."""
    details = known.verdict.get("details")
    details = details if isinstance(details, Mapping) else {}
    pictures = [
        _matrix(details.get("confusion"), _names(known, details)),
        _calibration(details.get("calibration")),
        *_curves(known.curves),
        *_residuals(known.diagnosis.get("answers")),
        _sizes(details.get("sizes")),
    ]
    found = [each for each in pictures if each is not None]
    confused = _confused(details.get("confusions"))
    if not found and confused is None:
        return None
    return tag("div", tag("div", *found, class_="pictures"), confused)


def _names(known: Facts, details: Mapping[str, Any]) -> list[str]:
    classes = known.verdict.get("classes")
    if isinstance(classes, list):
        return list(map(str, classes))
    size = len(details.get("confusion") or ())
    return ["normal", "anomaly"] if known.verdict.get("task") == "anomaly" else list(map(str, range(size)))


def _matrix(cells: Any, names: Sequence[str]) -> Html | None:
    if not cells or len(cells) > _CLASSES or len(cells) != len(names) or any(len(row) != len(names) for row in cells):
        return None
    rows = [[name, *row] for name, row in zip(names, cells, strict=True)]
    below = table(["label", *names], rows, caption="Rows by label, and by answer")
    picture = charts.matrix(
        cells, names, names, label="Confusion matrix: a row for each label, a column for each answer"
    )
    return figure(picture, "Confusion matrix: labels down, answers across", below)


def _confused(pairs: Any) -> Html | None:
    if not pairs:
        return None
    rows = [[each.get("label"), each.get("answer"), each.get("weight")] for each in pairs]
    return table(["label", "answered", "rows"], rows, caption="What is most often confused")


def _calibration(buckets: Any) -> Html | None:
    known = [each for each in buckets or () if each.get("weight")]
    if not known:
        return None
    rows = [[each["from"], each["to"], each["weight"], each["mean_probability"], each["share"]] for each in known]
    below = table(["from", "to", "rows", "mean probability", "share seen"], rows, caption="Calibration")
    drawn = [(each["mean_probability"], each["share"]) for each in known]
    picture = _square(drawn, "Calibration", across="mean probability", up="share seen")
    return figure(picture, "Calibration: on the diagonal a probability is what it says", below)


def _curves(curves: Curves) -> list[Html]:
    """Draws the ROC and the precision-recall curve."""
    if not curves.cuts:
        return []
    step = max(1, len(curves.cuts) // _STEPS)
    rows = [[cut.threshold, cut.recall, cut.fall_out, cut.precision] for cut in curves.cuts[::step]]
    below = table(["threshold", "true positive rate", "false positive rate", "precision"], rows, caption="By threshold")
    roc = [(cut.fall_out, cut.recall) for cut in curves.cuts]
    # Above the largest probability nothing is found, and a precision says nothing.
    precise = [(cut.recall, cut.precision) for cut in curves.cuts if cut.true_positives + cut.false_positives]
    return [
        figure(_square(roc, "ROC curve", across="false positive rate", up="true positive rate"), "ROC curve", below),
        figure(
            _square(precise, "Precision-recall curve", across="recall", up="precision", diagonal=False),
            "Precision and recall",
            below,
        ),
    ]


def _square(points: Sequence[svg.Point], label: str, *, across: str, up: str, diagonal: bool = True) -> Html:
    named = [("model", points)]
    return svg.lines(named, label=label, across=across, up=up, square=True, diagonal=diagonal, width=320, height=300)


def _residuals(answers: Any) -> list[Html]:
    """Draws predictions against labels, and the distribution of their differences."""
    pairs = [(float(label), float(told)) for label, told in answers or () if label is not None and told is not None]
    if len(pairs) < 2:
        return []
    differences = sorted(told - label for label, told in pairs)
    low, high = svg.span(differences)
    width = (high - low) / _BUCKETS
    counts = [0] * _BUCKETS
    for each in differences:
        counts[min(int((each - low) / width), _BUCKETS - 1)] += 1
    buckets = [(low + place * width, low + (place + 1) * width, float(count)) for place, count in enumerate(counts)]
    ends = [differences[round(part * (len(differences) - 1))] for part in (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)]
    names = ("least", "5 %", "25 %", "median", "75 %", "95 %", "largest")
    below = table(["residuals", "prediction less label"], list(zip(names, ends, strict=True)), caption="Residuals")
    told = f"{len(pairs):,} rows"
    drawn = charts.points(pairs, label="Predictions by label", across="label", up="prediction", diagonal=True)
    return [
        figure(drawn, f"Predictions by label, {told}; on the line they are right", below),
        figure(
            svg.steps([("prediction less label", buckets)], label="Distribution of the residuals"),
            f"Residuals, {told}",
            table(["from", "to", "rows"], buckets, caption="Residuals"),
        ),
    ]


def _sizes(sizes: Any) -> Html | None:
    if not sizes:
        return None
    total = sum(sizes) or 1
    rows = [(f"cluster {place}", [float(size)]) for place, size in enumerate(sizes)]
    below = table(["cluster", "rows", "share"], [[name, each[0], share(each[0] / total)] for name, each in rows])
    return figure(svg.bars(rows, ["rows"], label="Rows of each cluster", told=number), "Rows of each cluster", below)
