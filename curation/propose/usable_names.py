"""Takes out of a proposal what the config would refuse: names that clash or that Keras does not take."""

from collections.abc import Sequence

from curation.propose.choices import Entry
from models import roles
from spec.columns.duties import WEIGHT
from spec.columns.label import LABEL


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
    role = roles.role(entry.role)
    return [output.name for output in role.outputs(role.Settings.model_validate(dict(entry.values)))]
