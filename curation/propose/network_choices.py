"""Choice of the network and of its training from rows, columns and cardinalities: all rules are here."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.facts.column_facts import Facts
from curation.propose.choices import Entry, Line
from curation.propose.split_shares import FEW

TINY = 300
"""Rows below which a network with a hidden layer mostly overfits."""
WIDE_STRENGTH = 30
WIDE_CLIP = 3.0
"""L2 penalty of a linear model with more numbers than train rows, as a multiple of that of other linear models, and its
`smooth_clip`. Errors of scikit-learn's linear models with z-scores and about 10 times the penalty, then with the clip
and about 30 times: 750 numbers of voices in 121 rows, 1 - AUC .200 and .143 (with 90 times .138, LightGBM .139); of
molecules, 370 numbers in 225 rows, .493 and .460, and 357 numbers in 132 rows, RMSE 1.56 and 1.26; of cells, 56 numbers
in 45 rows, .187 and .167; of a chemical process, 57 numbers in 45 rows, 3.83 and 1.38. Worse: 100 neighbouring
wavelengths in 60 rows, 1.96 and 2.30. A hard clip of the voices at the 5 and 95 % quantiles reached .156; normal
quantiles .155 on folds on which this clip reached .144."""
MANY = 100_000
WIDE = 1000
"""Number of one-hot inputs from which they are connected directly to the output (wide and deep)."""
BATCHES = ((4_000, 64), (10_000, 128), (50_000, 256), (200_000, 512), (math.inf, 1_024))
"""Train rows below which a batch of an ensemble has so many rows: 10 to 400 steps per epoch."""
LARGE_BATCH = 512
"""Rows of a batch from which the learning rate of an ensemble is higher."""
STEPS = 1_200
"""Steps of the training of an ensemble, if the bounds of the epochs allow it: about as many for any number of rows, so
that time grows with the batch, and more slowly than the rows."""
EPOCHS = (12, 40)
"""Fewest and most epochs of an ensemble. 120 epochs were worse than 40 on the test rows of a table of 392 rows. Other
lower bounds were not measured."""
NUMBERS = ("numeric", "date")
"""Roles whose features are numbers."""


@dataclass(frozen=True)
class Plan:
    """The sections [network] and [training], as lines."""

    network: tuple[Line, ...]
    training: tuple[Line, ...]


def plan(facts: Facts, entries: Sequence[Entry], train: float) -> Plan:
    """Choose network and training.

    Args:
        facts: Facts of the table.
        entries: Roles of the columns.
        train: Expected number of rows of the train split.
    """
    rows = facts.rows
    roles = {entry.role for entry in entries}
    image = next((entry.values for entry in entries if entry.role == "image"), None)
    if image is not None:
        return Plan(_convolutions(rows, image), _images(rows, train))
    numbers = sum(entry.role in NUMBERS for entry in entries)
    if "text" in roles and roles <= {"text", "categorical", "ignored"}:
        why = "a bag of words is wide and sparse: one weight for each word, as in logistic regression"
        return _linear(rows, train, why, 0.0)
    if rows < TINY or numbers > train:
        wide = numbers > train
        why = f"{numbers:,} numbers and {train:,.0f} train rows" if wide else f"{rows} rows"
        return _linear(rows, train, f"{why}: a larger network would overfit", 1 / (2 * max(train, 1)), wide=wide)
    wide_inputs = width(facts, entries)
    if wide_inputs >= WIDE and roles & {"numeric", "hashed", "text"}:
        why = f"{wide_inputs:,} one-hot inputs go directly to the output, the others through hidden layers"
        return _dense(rows, entries, Line("name", "wide_deep", why))
    if rows < FEW or "text" in roles or wide_inputs >= WIDE:
        return _dense(rows, entries, Line("name", "mlp", "hidden layers learn interactions of features"))
    return _ensemble(train)


def width(facts: Facts, entries: Sequence[Entry]) -> int:
    """Return the number of one-hot inputs of categories and buckets."""
    whole = 0
    for entry in entries:
        if entry.role == "categorical":
            whole += facts[entry.column].distinct
        elif entry.role == "bucketized":
            whole += entry.values.get("quantiles") or len(entry.values.get("edges", ())) + 1
    return whole


def _linear(rows: int, train: float, why: str, strength: float, *, wide: bool = False) -> Plan:
    network = [Line("name", "linear", why)]
    if wide:
        strength *= WIDE_STRENGTH
        network.append(Line("smooth_clip", WIDE_CLIP, "one outlier among so many numbers decides less"))
    if strength:
        network.append(Line("l2", float(f"{strength:.1g}"), "keeps weights small; more of it with fewer rows"))
    return Plan(tuple(network), _stopped(rows, train, 1e-2))


def _ensemble(train: float) -> Plan:
    """Choose an ensemble in one network with embeddings of numbers, with its default size."""
    size = next(size for below, size in BATCHES if train < below)
    steps = max(1, math.ceil(train / size))
    fewest, most = EPOCHS
    epochs = min(max(math.ceil(STEPS / steps), fewest), most)
    network = (Line("name", "tabm", "an ensemble in one network, with embeddings of numbers"),)
    training = (
        Line(
            "optimizer",
            {
                "name": "adamw",
                "learning_rate": 6e-3 if size >= LARGE_BATCH else 4e-3,
                "weight_decay": 3e-4,
                "schedule": "cosine",
            },
            "learning rate falls to zero over all epochs",
        ),
        Line("clip", {"global_norm": 1.0}, "one batch with a large gradient changes little"),
        Line("batch_size", size, f"about {steps:,} steps per epoch"),
        Line("epochs", epochs, f"about {epochs * steps:,} steps"),
        Line("early_stopping", False, "the learning rate needs all epochs; the best one is kept"),
        Line("seed", 1),
    )
    return Plan(network, training)


def _dense(rows: int, entries: Sequence[Entry], name: Line) -> Plan:
    layers = [32] if rows < FEW else [64, 32] if rows < 20_000 else [128, 64]
    small = 3e-3 if rows < 20_000 else 1e-3 if rows < MANY else 3e-4
    network = (
        name,
        Line("layers", layers, f"sized for {rows:,} rows"),
        Line("l2", small, "weight decay against overfitting; stronger with fewer rows"),
    )
    # Embeddings of many values overfit after an epoch or two at a larger learning rate.
    rate = 1e-3 if any(entry.role == "hashed" for entry in entries) else 3e-3
    return Plan(network, _stopped(rows, rows * 0.8, rate))


def _stopped(rows: int, train: float, rate: float) -> tuple[Line, ...]:
    """Train until the eval loss stops improving."""
    size = 32 if rows < FEW else 128 if rows < 50_000 else 512
    epochs, patience = (200, 20) if rows < FEW else (80, 8) if rows < MANY else (30, 4)
    return _until(size, rate, epochs, patience, train)


def _images(rows: int, train: float) -> tuple[Line, ...]:
    epochs, patience = (60, 10) if rows < FEW else (30, 5)
    return _until(32 if rows < FEW else 64, 1e-3, epochs, patience, train)


def _until(size: int, rate: float, epochs: int, patience: int, train: float) -> tuple[Line, ...]:
    slower = {"name": "plateau", "patience": max(1, patience // 3), "factor": 0.3}
    return (
        Line(
            "optimizer",
            {"name": "adam", "learning_rate": rate, "schedule": slower},
            "lower learning rate when the eval loss stops improving",
        ),
        Line("batch_size", size, f"about {max(1, round(train / size)):,} steps per epoch"),
        Line("epochs", epochs, "maximum"),
        Line("early_stopping", {"patience": patience}, "stop after this many epochs without a lower eval loss"),
        Line("seed", 1),
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
