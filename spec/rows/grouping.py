"""Which splits keep the rows of a group on one side, and what a model can learn of the group itself."""

from collections.abc import Container


def ungrouped(by: str, group: str | None) -> str:
    """Say why a split cannot keep groups together; empty where it does, or where there is no group.

    Args:
        by: data.split.by.
        group: The column that [columns] group names.
    """
    if group is None or by not in ("time", "span"):
        return ""
    return (
        f"[columns] group = {group!r} keeps rows with one {group} on one side, and data.split.by = {by!r} puts its "
        "earlier rows into train and its later ones into test: take group out to predict the future of known groups, "
        'or divide by = "hash" to predict groups that were not seen'
    )


def read_group(group: str | None, read: Container[str]) -> str:
    """Say that the model learns of the group's values too; empty where it does not.

    Args:
        group: The column that [columns] group names, where it divides the rows.
        read: Columns whose values the model reads as such: not words of a text, whose rows may well divide by it.
    """
    if group is None or group not in read:
        return ""
    return (
        f"the group {group!r} is also a feature: no value of it in eval and test is in train, so what is learned of "
        f"one value does not help there; take {group!r} out of [features]"
    )
