"""Removal of proposed roles that the config would refuse: names that clash or that Keras does not accept."""

from collections.abc import Sequence

from curation.propose.choices import Entry
from models import roles
from spec.columns.duties import WEIGHT
from spec.columns.label import LABEL


def only(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries without name clashes; a column that cannot be used gets the role `ignored`.

    Args:
        entries: Proposed roles.
    """
    used_by = {LABEL: "the label", WEIGHT: "the weight of a row"}
    usable: list[Entry] = []
    refused: list[Entry] = []
    for entry in entries:
        if entry.role == "ignored":
            usable.append(entry)
            continue
        names = outputs(entry)
        clash = next((name for name in names if name in used_by), None)
        slashed = next((name for name in names if "/" in name), None)
        if clash or slashed:
            reason = f"its feature {clash!r} has the name of {used_by[clash]}" if clash else "a slash in its name"
            refused.append(Entry("ignored", {"column": entry.column}, f"{reason}: rename it in the data to use it"))
        else:
            used_by |= dict.fromkeys(names, f"the one of {entry.column!r}")
            usable.append(entry)
    discretized = {entry.values["column"] for entry in usable if entry.role in ("bucketized", "categorical")}
    usable = [entry for entry in usable if entry.role != "crossed" or discretized.issuperset(entry.values["columns"])]
    used_columns = {entry.column for entry in usable}
    return [*usable, *(entry for entry in refused if entry.column not in used_columns)]


def outputs(entry: Entry) -> list[str]:
    """Return the names of the model features of an entry."""
    role = roles.role(entry.role)
    return [output.name for output in role.outputs(role.Settings.model_validate(dict(entry.values)))]
