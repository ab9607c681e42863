"""Choice of network, training, split and evaluation by task and number of rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.facts.column_facts import Facts
from curation.propose import split_shares
from curation.propose.choices import Entry, Line
from curation.propose.label_choice import LabelChoice
from curation.propose.split_shares import FEW
from spec.plain_models import TREES

TINY = 300
"""Rows below which a network with a hidden layer mostly overfits."""
MANY = 100_000
WIDE = 1000
"""Number of one-hot inputs from which they are connected directly to the output (wide and deep)."""
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
    return Recipe(
        split=Line("split", {"by": "files"}, "from the file names") if ready_made else divided,
        network=_network(facts, entries),
        training=(*_training(facts.rows, entries), *_weights(label)),
        evaluation=evaluation(facts, label, entries, split_shares.tested(facts.rows, divided)),
        gates=() if ready_made else split_shares.gates(label, divided),
    )


def width(facts: Facts, entries: Sequence[Entry]) -> int:
    """Return the number of one-hot inputs of categories, buckets and crosses."""
    whole = 0
    for entry in entries:
        if entry.role == "categorical":
            whole += facts[entry.column].distinct
        elif entry.role == "bucketized":
            whole += entry.values.get("quantiles") or len(entry.values.get("edges", ())) + 1
        elif entry.role == "crossed":
            whole += entry.values["buckets"]
    return whole


def _network(facts: Facts, entries: Sequence[Entry]) -> tuple[Line, ...]:
    rows = facts.rows
    image = next((entry.values for entry in entries if entry.role == "image"), None)
    if image is not None:
        return _convolutions(rows, image)
    if rows < TINY:
        return (Line("name", "linear", f"{rows} rows: a larger network would overfit"),)
    layers = [32] if rows < FEW else [64, 32] if rows < 20_000 else [128, 64]
    why = f"sized for {rows:,} rows"
    small = 3e-3 if rows < 20_000 else 1e-3 if rows < MANY else 3e-4
    deep = any(entry.role in ("numeric", "hashed", "text") for entry in entries)
    name = Line("name", "mlp", "hidden layers learn interactions of features")
    if deep and (wide := width(facts, entries)) >= WIDE:
        name = Line(
            "name", "wide_deep", f"{wide:,} one-hot inputs go directly to the output, the others through hidden layers"
        )
    return (
        name,
        Line("layers", layers, why),
        Line("l2", small, "weight decay against overfitting; stronger with fewer rows"),
    )


def _convolutions(rows: int, image: Mapping[str, Any]) -> tuple[Line, ...]:
    """Choose convolutions with pooling down to a few pixels, with fewer filters for few images."""
    side, filters = min(image["height"], image["width"]), 16 if rows < FEW else 32
    blocks: list[dict[str, Any]] = []
    while side >= 7 and len(blocks) < 4:
        blocks.append({"filters": filters, "pool": 2})
        side, filters = side // 2, min(128, 2 * filters)
    blocks = blocks or [{"filters": filters}]
    blocks[-1]["dropout"] = 0.25
    lines = [
        Line("name", "cnn", "convolutions find shapes anywhere in the image"),
        Line("blocks", blocks, f"down to {side} x {side} pixels"),
        Line("padding", "same"),
        Line("layers", [64] if rows < FEW else [128], f"sized for {rows:,} images"),
        Line("dropout", 0.5, "against overfitting"),
    ]
    if rows < 20_000:
        change = {"shift": 0.1, "zoom": 0.1}
        why = (
            "few images: shifted and zoomed at random in each epoch; add flip = 'horizontal' if mirrored images "
            "are valid"
        )
        lines.append(Line("augmentation", change, why))
    return tuple(lines)


def _training(rows: int, entries: Sequence[Entry]) -> tuple[Line, ...]:
    size = 32 if rows < FEW else 128 if rows < 50_000 else 512
    # Embeddings of many values overfit after an epoch or two at a larger learning rate.
    rate = 1e-3 if any(entry.role == "hashed" for entry in entries) else 1e-2 if rows < TINY else 3e-3
    epochs, patience = (200, 20) if rows < FEW else (80, 8) if rows < MANY else (30, 4)
    if any(entry.role == "image" for entry in entries):
        size, rate = min(size, 64), 1e-3
        epochs, patience = (60, 10) if rows < FEW else (30, 5)
    slower = {"name": "plateau", "patience": max(1, patience // 3), "factor": 0.3}
    return (
        Line(
            "optimizer",
            {"name": "adam", "learning_rate": rate, "schedule": slower},
            "lower learning rate when the eval loss stops improving",
        ),
        Line("batch_size", size, f"about {max(1, round(rows * 0.8 / size)):,} steps per epoch"),
        Line("epochs", epochs, "maximum"),
        Line("early_stopping", {"patience": patience}, "stop after this many epochs without a lower eval loss"),
        Line("seed", 1),
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
    why = f"{name!r} is rare ({share:.1%}): raises its recall, and overestimates its probability"
    return [Line("class_weights", "balanced", why, active=False)]


def evaluation(facts: Facts, label: LabelChoice, entries: Sequence[Entry], tested: float) -> tuple[Line, ...]:
    """Choose slices, a floor that a constant prediction does not reach, the baseline, and a rule on a plain model."""
    metric, value, why = floor(label, tested)
    lines = []
    slices = _slices(facts, entries, tested)
    if slices:
        lines.append(Line("slices", slices, "categories with enough rows per value"))
    floors = {metric: value}
    share = _positive_share(label)
    if share is not None and share < RARE:
        floors["pr_auc"] = _above(share, share)
        why += f"; pr_auc shows how well the rare class is found, and guessing reaches {share:.3g}"
    lines.append(Line("floor", floors, f"{why}; raise it to your requirement"))
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
    """Return metric, floor, and the reason: what a constant prediction reaches, also by chance on few rows.

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
        why = f"always predicting {name!r} reaches {share:.3f}{_by_chance(share, chance, tested)}"
        return "accuracy", _above(share, chance), why
    numbers = column.numbers
    assert numbers is not None
    return "r2", 0.02, "always predicting the mean reaches 0"


def _above(guessed: float, chance: float) -> float:
    """Return a value that guessing does not reach, at most half way to 1."""
    return math.ceil(100 * min(guessed + max(0.02, chance), (guessed + 1) / 2)) / 100


def _by_chance(guessed: float, chance: float, tested: float) -> str:
    return f", and up to {min(1.0, guessed + chance):.2f} by chance on {tested:,.0f} rows" if chance > 0.02 else ""


def _slices(facts: Facts, entries: Sequence[Entry], tested: float) -> list[str]:
    able = [
        facts[entry.column]
        for entry in entries
        if entry.role == "categorical" and facts[entry.column].distinct * SLICE_ROWS <= tested
    ]
    able = [column for column in able if column.distinct <= 12 and column.top[-1][1] >= SLICE_ROWS]
    return [column.name for column in sorted(able, key=lambda column: -column.distinct)[:2]]
