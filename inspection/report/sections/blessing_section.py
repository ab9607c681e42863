"""Rules that decide whether the model is blessed, and the importance of columns."""

from inspection.report import svg
from inspection.report.markup import Html, definitions, figure, joined, table, tag
from inspection.report.report_facts import Facts
from inspection.text_output import number


def section(facts: Facts) -> Html | None:
    """Return each rule with its limit, and the baseline."""
    judged = facts.judged
    if judged is None or (judged.blessed is None and not judged.rules):
        return None
    verdict = "not evaluated" if judged.blessed is None else "blessed" if judged.blessed else "not blessed"
    rows = [
        [
            "holds" if rule.ok else "fails",
            rule.metric,
            ", ".join(f"{column} = {value}" for column, value in rule.slice.items()) or "all rows",
            rule.value,
            rule.limit,
            rule.kind,
            rule.text,
            tag("code", rule.edit) if rule.edit else None,
        ]
        for rule in judged.rules
    ]
    header = ["", "metric", "slice", "value", "limit", "kind", "rule", "change that accepts it"]
    facts_of_verdict = [
        ("verdict", verdict),
        ("reason", judged.reason),
        ("baseline", judged.baseline_note or None),
        ("baseline model", judged.baseline),
        ("pushed to", ", ".join(judged.pushed)),
    ]
    return joined([definitions(facts_of_verdict), table(header, rows, caption="Rules") if rows else None])


def importance(facts: Facts) -> Html | None:
    """Return the permutation importance of columns: how much a metric drops when a column is shuffled."""
    diagnosis = facts.diagnosis
    if not diagnosis.importance:
        return None
    metric = diagnosis.metric
    bars = [(entry.column, [entry.worse]) for entry in diagnosis.importance]
    data = table(
        ["column", f"{metric} degrades by", f"{metric} when shuffled"],
        [[entry.column, entry.worse, entry.value] for entry in diagnosis.importance],
        caption="Importance of columns",
    )
    caption = (
        f"Permutation importance: how much {metric} degrades when a column is shuffled, on {diagnosis.rows:,} rows"
    )
    chart = svg.bars(bars[:40], ["worse"], label=caption, format_value=number, width=560, name_chars=30)
    return joined([figure(chart, caption, data), tag("p", diagnosis.note or None, class_="small")])
