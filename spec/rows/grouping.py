"""Checks of group columns: whether the split keeps groups together, and whether the model reads the group."""

from collections.abc import Container


def ungrouped(by: str, group: str | None) -> str:
    """Explain why a split cannot keep groups together; return "" if it does, or without a group column.

    Args:
        by: Value of data.split.by.
        group: The group column of [columns]; None without one.
    """
    if group is None or by not in ("time", "span"):
        return ""
    return (
        f"[columns] group = {group!r} keeps rows with one {group} on one side, and data.split.by = {by!r} puts its "
        "earlier rows into train and its later ones into test: take group out to predict the future of known groups, "
        'or divide by = "hash" to predict groups that were not seen'
    )


def read_group(group: str | None, read: Container[str]) -> str:
    """Warn that the model can memorize the values of the group column; return "" if it does not read the column.

    Args:
        group: The group column of [columns], if rows are split by it.
        read: Columns whose values the model reads as a whole. Text columns are not among them: their terms generalize
            to other groups.
    """
    if group is None or group not in read:
        return ""
    return (
        f"the group {group!r} is also a feature: its values in eval and test are not in train, so nothing learned from "
        f"a value applies there; take {group!r} out of [features]"
    )
