"""Network, training, split and evaluation that fit the task and the size."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.facts.column_facts import Facts
from curation.propose.choices import Entry, Line
from curation.propose.label_choice import LabelChoice

TINY = 300
"""Rows below which a network with a hidden layer mostly learns them by heart."""
FEW = 2000
"""Rows below which a tenth is too little to judge by."""
MANY = 100_000
WIDE = 1000
"""Width of the one-hot categories from which on they go straight to the output, beside the layers."""
RARE = 0.1
"""Share of the rarest class, against an even share, below which weights of classes are suggested."""
CHANCE = 1.96
"""Standard deviations that chance exceeds once in forty times."""
SLICE_ROWS = 30
"""Rows of the test split that a slice should have on average."""


@dataclass(frozen=True)
class Recipe:
    """Sections of the config, as lines."""

    split: Line
    network: tuple[Line, ...]
    training: tuple[Line, ...]
    evaluation: tuple[Line, ...]


def propose(facts: Facts, label: LabelChoice, entries: Sequence[Entry], *, ready_made: bool = False) -> Recipe:
    """Choose them.

    Args:
        facts: The table's facts.
        label: The label and its task.
        entries: Roles of the columns.
        ready_made: Whether the files are those of splits.
    """
    return Recipe(
        split=Line("split", {"by": "files"}, "as the names say") if ready_made else split(facts.rows),
        network=_network(facts, entries),
        training=(*_training(facts.rows, entries), *_weights(label)),
        evaluation=evaluation(facts, label, entries),
    )


def split(rows: int) -> Line:
    """Shares by size."""
    if rows < 30:
        return Line(
            "split",
            "all",
            f"{rows} rows are too few to divide: every row is in every split, so the scores say nothing of new rows",
        )
    if rows < FEW:
        shares, why = (6, 2, 2), f"{rows:,} rows: a fifth each, as less than that is little to judge by"
    else:
        shares, why = (8, 1, 1), f"{rows:,} rows: a tenth is enough to judge by"
    train, evaluation, test = shares
    return Line("split", {"by": "hash", "train": train, "eval": evaluation, "test": test}, why)


def width(facts: Facts, entries: Sequence[Entry]) -> int:
    """How many one-hot numbers the categories, buckets and crosses make for the network."""
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
        return (Line("name", "linear", f"{rows} rows: more would learn them by heart"),)
    layers = [32] if rows < FEW else [64, 32] if rows < 20_000 else [128, 64]
    why = f"sized for {rows:,} rows"
    small = 3e-3 if rows < 20_000 else 1e-3 if rows < MANY else 3e-4
    deep = any(entry.role in ("numeric", "hashed", "text") for entry in entries)
    name = Line("name", "mlp", "layers find what belongs together")
    if deep and (wide := width(facts, entries)) >= WIDE:
        name = Line("name", "wide_deep", f"{wide:,} one-hot numbers go straight to the output, the rest through layers")
    return (
        name,
        Line("layers", layers, why),
        Line("l2", small, "keeps weights small, against learning rows by heart; the fewer rows, the more"),
    )


def _convolutions(rows: int, image: Mapping[str, Any]) -> tuple[Line, ...]:
    """A pool after each convolution, down to a few pixels; fewer filters for few images."""
    side, filters = min(image["height"], image["width"]), 16 if rows < FEW else 32
    blocks: list[dict[str, Any]] = []
    while side >= 7 and len(blocks) < 4:
        blocks.append({"filters": filters, "pool": 2})
        side, filters = side // 2, min(128, 2 * filters)
    blocks = blocks or [{"filters": filters}]
    blocks[-1]["dropout"] = 0.25
    lines = [
        Line("name", "cnn", "finds shapes wherever in the picture they are"),
        Line("blocks", blocks, f"down to {side} pixels a side"),
        Line("padding", "same"),
        Line("layers", [64] if rows < FEW else [128], f"sized for {rows:,} images"),
        Line("dropout", 0.5, "against learning images by heart"),
    ]
    if rows < 20_000:
        change = {"shift": 0.1, "zoom": 0.1}
        why = (
            "few images: a little moved and zoomed in each epoch; add flip = 'horizontal' if a mirrored one is the same"
        )
        lines.append(Line("augmentation", change, why))
    return tuple(lines)


def _training(rows: int, entries: Sequence[Entry]) -> tuple[Line, ...]:
    size = 32 if rows < FEW else 128 if rows < 50_000 else 512
    # Learnt vectors of many values are known by heart after an epoch or two of larger steps.
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
            "smaller steps once eval stays as it is",
        ),
        Line("batch_size", size, f"about {max(1, round(rows * 0.8 / size)):,} steps an epoch"),
        Line("epochs", epochs, "at most"),
        Line("early_stopping", {"patience": patience}, "ends after so many epochs without a better loss on eval"),
        Line("seed", 1),
    )


def _weights(label: LabelChoice) -> list[Line]:
    """A suggestion where a class is rare."""
    column = label.column
    if label.task not in ("binary", "classes") or column.distinct > len(column.top):
        return []
    name, rows = column.top[-1]
    share = rows / column.present
    if share * column.distinct >= RARE * 2:
        return []
    why = f"{name!r} is rare ({share:.1%}): finds more of it, and makes its probabilities too high"
    return [Line("class_weights", "balanced", why, active=False)]


def evaluation(facts: Facts, label: LabelChoice, entries: Sequence[Entry]) -> tuple[Line, ...]:
    """Slices, a floor that an answer without any learning does not reach, and the baseline."""
    metric, value, why = floor(label, _tested(facts.rows))
    lines = []
    slices = _slices(facts, entries)
    if slices:
        lines.append(Line("slices", slices, "small categories, each with rows enough"))
    lines.append(Line("floor", {metric: value}, f"{why}; raise it to what you need"))
    lines.append(Line("baseline", {"metric": metric, "tolerance": 0.01}, "no worse than the model pushed before"))
    return tuple(lines)


def floor(label: LabelChoice, tested: float) -> tuple[str, float, str]:
    """Metric, worst acceptable value, and what an answer without learning reaches, on so few rows also by chance.

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
        why = f"always answering {name!r} reaches {share:.3f}{_by_chance(share, chance, tested)}"
        return "accuracy", _above(share, chance), why
    numbers = column.numbers
    assert numbers is not None
    return "r2", 0.02, "always answering the mean reaches 0"


def _tested(rows: int) -> float:
    """Rows of the test split."""
    return rows / (5 if rows < FEW else 10)


def _above(guessed: float, chance: float) -> float:
    """A value that guessing does not reach, at most half way to 1."""
    return math.ceil(100 * min(guessed + max(0.02, chance), (guessed + 1) / 2)) / 100


def _by_chance(guessed: float, chance: float, tested: float) -> str:
    return f", and up to {min(1.0, guessed + chance):.2f} by chance on {tested:,.0f} rows" if chance > 0.02 else ""


def _slices(facts: Facts, entries: Sequence[Entry]) -> list[str]:
    tested = _tested(facts.rows)
    able = [
        facts[entry.column]
        for entry in entries
        if entry.role == "categorical" and facts[entry.column].distinct * SLICE_ROWS <= tested
    ]
    able = [column for column in able if column.distinct <= 12 and column.top[-1][1] >= SLICE_ROWS]
    return [column.name for column in sorted(able, key=lambda column: -column.distinct)[:2]]
