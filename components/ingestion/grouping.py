"""Which splits keep the rows of a group on one side."""


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
