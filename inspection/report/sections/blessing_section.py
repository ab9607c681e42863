"""Why the model is blessed or not, and which columns it depends on."""

from inspection.report import svg
from inspection.report.markup import Html, facts, figure, joined, table, tag
from inspection.report.report_facts import Facts
from inspection.text_output import number


def section(known: Facts) -> Html | None:
    """Shows each rule with its limit, and the comparison with the baseline."""
    judged = known.judged
    if judged is None or (judged.blessed is None and not judged.rules):
        return None
    word = "nothing was decided" if judged.blessed is None else "blessed" if judged.blessed else "not blessed"
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
    header = ["", "metric", "slice", "value", "limit", "kind", "in words", "edit that accepts it"]
    told = [
        ("verdict", word),
        ("reason", judged.reason),
        ("baseline", judged.baseline_note or None),
        ("baseline model", judged.baseline),
        ("pushed to", ", ".join(judged.pushed)),
    ]
    return joined([facts(told), table(header, rows, caption="Rules") if rows else None])


def importance(known: Facts) -> Html | None:
    """Draws how much worse the model answers when a column's cells are shuffled."""
    told = known.diagnosis.get("importance")
    entries = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    if not entries:
        return None
    metric, rows = known.diagnosis.get("metric"), known.diagnosis.get("rows")
    pairs = [(str(each.get("column")), [float(each.get("worse") or 0.0)]) for each in entries]
    below = table(
        ["column", f"{metric} gets worse by", f"{metric} then"],
        [[each.get("column"), each.get("worse"), each.get("value")] for each in entries],
        caption="Importance of columns",
    )
    caption = f"How much worse {metric} gets when a column's cells change places among {rows:,} rows"
    picture = svg.bars(pairs[:40], ["worse"], label=caption, told=number, width=560, room=30)
    return joined([figure(picture, caption, below), tag("p", known.diagnosis.get("note"), class_="small")])
