"""Takes out of a proposal what the config would refuse: names that clash or that Keras does not take."""

from collections.abc import Sequence
from typing import Any

from curation.propose.choices import Entry
from spec.columns import role_kinds
from spec.columns.label import LABEL
from spec.columns.roles import WEIGHT

_KINDS: dict[str, Any] = {
    "numeric": role_kinds.Numeric,
    "bucketized": role_kinds.Bucketized,
    "categorical": role_kinds.Categorical,
    "hashed": role_kinds.Hashed,
    "embedded": role_kinds.Embedded,
    "crossed": role_kinds.Crossed,
    "text": role_kinds.Text,
    "image": role_kinds.Image,
    "date": role_kinds.Date,
    "passthrough": role_kinds.Passthrough,
}


def only(entries: Sequence[Entry]) -> list[Entry]:
    """The entries that can stand together; a column that cannot be used is ignored.

    Args:
        entries: A proposal.
    """
    taken = {LABEL: "the label", WEIGHT: "the weight of a row"}
    kept: list[Entry] = []
    refused: list[Entry] = []
    for entry in entries:
        if entry.role == "ignored":
            kept.append(entry)
            continue
        names = outputs(entry)
        clash = next((name for name in names if name in taken), None)
        slashed = next((name for name in names if "/" in name), None)
        if clash or slashed:
            why = f"its feature {clash!r} has the name of {taken[clash]}" if clash else "a slash in its name"
            refused.append(Entry("ignored", {"column": entry.column}, f"{why}: rename it in the data to use it"))
        else:
            taken |= dict.fromkeys(names, f"the one of {entry.column!r}")
            kept.append(entry)
    cut = {entry.values["column"] for entry in kept if entry.role in ("bucketized", "categorical")}
    kept = [entry for entry in kept if entry.role != "crossed" or cut.issuperset(entry.values["columns"])]
    used = {entry.column for entry in kept}
    return [*kept, *(entry for entry in refused if entry.column not in used)]


def outputs(entry: Entry) -> list[str]:
    """Names of the model features that an entry makes."""
    role = _KINDS[entry.role].model_validate(dict(entry.values))
    return [output.name for output in role.outputs()]
