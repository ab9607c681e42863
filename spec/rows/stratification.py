"""Check of a stratified split. Ingestion does not import it: its cache key would cover the purposes of columns."""

from spec.columns.duties import Duties
from spec.columns.label import CLASSED, Label


def unstratified(label: Label, duties: Duties) -> str:
    """Explain why data.split.stratify cannot divide the rows of each class; return "" if it can.

    Args:
        label: [label].
        duties: [columns].
    """
    if label.kind not in CLASSED or label.threshold is not None or label.tiers is not None:
        of = " with a threshold" if label.threshold is not None else " with tiers" if label.tiers is not None else ""
        return (
            f"data.split.stratify divides the rows of each class, and task {label.task!r}{of} has no classes in the "
            "data: remove it"
        )
    for duty, column in (("group", duties.group), ("id", duties.id)):
        if column is not None:
            return (
                f"data.split.stratify divides rows of one label, and [columns] {duty} = {column!r} keeps rows "
                "together: remove one of them"
            )
    return ""
