"""Choice of split and evaluation by task and number of rows; network_choices.py chooses network and training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from curation.facts.column_facts import Facts
from curation.propose import network_choices, split_shares
from curation.propose.choices import Entry, Line
from curation.propose.label.label_choice import LabelChoice
from spec.plain_models import TREES

RARE = 0.1
"""Share of the rarest class, relative to a uniform share, below which class weights are suggested."""
CHANCE = 1.96
"""Standard deviations of a one-sided 97.5 % bound."""
SLICE_ROWS = 30
"""Mean number of test rows that a slice should have."""


@dataclass(frozen=True)
class Recipe:
    """Sections of the config, as lines."""

    split: Line
    network: tuple[Line, ...]
    training: tuple[Line, ...]
    evaluation: tuple[Line, ...]
    gates: tuple[Line, ...]


def propose(
    facts: Facts, label: LabelChoice, entries: Sequence[Entry], *, ready_made: bool = False, together: bool = False
) -> Recipe:
    """Choose these sections.

    Args:
        facts: Facts of the table.
        label: The label and its task.
        entries: Roles of the columns.
        ready_made: Whether the files are named by split.
        together: Whether rows with an equal id stay together.
    """
    divided = split_shares.split(facts.rows, label, together=together)
    plan = network_choices.plan(facts, entries, split_shares.learned(facts.rows, divided))
    return Recipe(
        split=Line("split", {"by": "files"}, "from the file names") if ready_made else divided,
        network=plan.network,
        training=(*plan.training, *_weights(label)),
        evaluation=evaluation(facts, label, entries, split_shares.tested(facts.rows, divided)),
        gates=() if ready_made else split_shares.gates(label, divided),
    )


def _weights(label: LabelChoice) -> list[Line]:
    """Suggest class weights if a class is rare."""
    column = label.column
    if label.task not in ("binary", "classes") or column.distinct > len(column.top):
        return []
    name, rows = column.top[-1]
    share = rows / column.present
    if share * column.distinct >= RARE * 2:
        return []
    reason = f"{name!r} is rare ({share:.1%}): raises its recall, and overestimates its probability"
    return [Line("class_weights", "balanced", reason, active=False)]


def evaluation(facts: Facts, label: LabelChoice, entries: Sequence[Entry], tested: float) -> tuple[Line, ...]:
    """Choose slices, a floor that a constant prediction does not reach, the baseline, and a rule on a plain model."""
    metric, value, reason = floor(label, tested)
    lines = []
    slices = _slices(facts, entries, tested)
    if slices:
        lines.append(Line("slices", slices, "categories with enough rows per value"))
    floors = {metric: value}
    share = _positive_share(label)
    if share is not None and share < RARE:
        floors["pr_auc"] = _above(share, share)
        reason += f"; pr_auc shows how well the rare class is found, and guessing reaches {share:.3g}"
    lines.append(Line("floor", floors, f"{reason}; raise it to your requirement"))
    lines.append(Line("baseline", {"metric": metric, "tolerance": 0.01}, "not worse than the model pushed before"))
    if any(entry.role not in ("text", "image", "ignored") for entry in entries):
        rule = {"metric": metric, "better_than": TREES}
        lines.append(Line("rules", [rule], "as good as boosted trees on the same rows", active=False))
    return tuple(lines)


def _positive_share(label: LabelChoice) -> float | None:
    """Return the share of the second of two classes; None if there are not two."""
    if label.task != "binary":
        return None
    rows = {str(value): count for value, count in label.column.top}.get(str(label.keys.get("positive")))
    return rows / label.column.present if rows else None


def floor(label: LabelChoice, tested: float) -> tuple[str, float, str]:
    """Return metric, floor and reason.

    The floor is above the value that a constant prediction can reach by chance, unless the reason says that it is not.

    Args:
        label: The label and its task.
        tested: Rows of the test split.
    """
    column = label.column
    if label.task == "binary":
        positive = max(1.0, min(tested - 1, tested * column.top[1][1] / column.present))
        # Of ranks without an order (Mann and Whitney 1947).
        chance = CHANCE * math.sqrt((tested + 1) / (12 * positive * max(1.0, tested - positive)))
        return "auc", _above(0.5, chance), f"guessing reaches 0.5{_by_chance(0.5, chance, tested)}"
    if label.task == "classes":
        name, rows = column.top[0]
        share = rows / column.present
        chance = CHANCE * math.sqrt(share * (1 - share) / max(1.0, tested))
        reason = f"always predicting {name!r} reaches {share:.3f}{_by_chance(share, chance, tested)}"
        return "accuracy", _above(share, chance), reason
    numbers = column.numbers
    assert numbers is not None
    return "r2", 0.02, "always predicting the mean reaches 0"


def _above(guessed: float, chance: float) -> float:
    """Return a value that guessing does not reach, or half way to 1 if that is lower."""
    return math.ceil(100 * min(guessed + max(0.02, chance), (guessed + 1) / 2)) / 100


def _by_chance(guessed: float, chance: float, tested: float) -> str:
    if chance <= 0.02:
        return ""
    reached = f", and up to {min(1.0, guessed + chance):.2f} by chance on {tested:,.0f} rows"
    # A floor above half way to 1 would block most good models.
    return f"{reached}, above this floor: test on more rows" if _above(guessed, chance) < guessed + chance else reached


def _slices(facts: Facts, entries: Sequence[Entry], tested: float) -> list[str]:
    sliceable = [
        facts[entry.column]
        for entry in entries
        if entry.role == "categorical" and facts[entry.column].distinct * SLICE_ROWS <= tested
    ]
    sliceable = [column for column in sliceable if column.distinct <= 12 and column.top[-1][1] >= SLICE_ROWS]
    return [column.name for column in sorted(sliceable, key=lambda column: -column.distinct)[:2]]
