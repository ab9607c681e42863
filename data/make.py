"""Generates the synthetic tables of this folder, and the label of the taxi trips.

    .venv/bin/python data/make.py

The files are in the repository, so there is no need to run this; it documents their origin. Seeds are fixed.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
SEED = 1
POINTS = 1000
"""Rows of each data set of points."""
TIP = 0.2
"""Share of the fare above which TFX's example calls a tip big."""


def main() -> None:
    """Write all tables."""
    _points()
    _perceptron()
    _study_houses()
    _overfit()
    _taxi()


def _points() -> None:
    """Write points in two classes that are not linearly separable, but are with a product or a hidden layer."""
    from sklearn.datasets import make_circles, make_moons

    square = np.random.default_rng(SEED).uniform(-1.0, 1.0, (POINTS, 2))
    data_sets = {
        "xor": (square, square[:, 0] * square[:, 1] < 0),
        "circles": make_circles(POINTS, noise=0.08, factor=0.5, random_state=SEED),
        "moons": make_moons(POINTS, noise=0.1, random_state=SEED),
    }
    for name, (points, label) in data_sets.items():
        rows = [[f"{x1:.6f}", f"{x2:.6f}", int(y)] for (x1, x2), y in zip(points, label, strict=True)]
        _write(HERE / f"points_{name}.csv", ["x1", "x2", "y"], rows)


def _perceptron() -> None:
    """Write the truth tables of logic gates, and three programmers: pointer depth, litres of coffee, good or not."""
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    gates = {
        "and": [(x1, x2, x1 & x2) for x1, x2 in corners],
        "or": [(x1, x2, x1 | x2) for x1, x2 in corners],
        "not": [(x1, x2, 1 - x1) for x1, x2 in corners],
        "xor": [(x1, x2, x1 ^ x2) for x1, x2 in corners],
        "programmers": [(10, 365, 0), (3, 120, 0), (0, 1000, 1)],
    }
    for name, rows in gates.items():
        _write(HERE / f"perceptron_{name}.csv", ["x1", "x2", "y"], rows)


def _study_houses() -> None:
    """Write five houses with and without a study room; the price is in lakh."""
    rows = [
        (800, 2, 1, 0, 22.87, "cheap"),
        (1300, 3, 3, 1, 51.56, "affordable"),
        (400, 1, 1, 0, 17.56, "cheap"),
        (2100, 4, 4, 1, 80.8, "expensive"),
        (2700, 4, 4, 1, 100.12, "expensive"),
    ]
    columns = ["area", "bedrooms", "bathrooms", "study_room", "price", "tier"]
    _write(HERE / "study_houses.csv", columns, rows)


def _overfit() -> None:
    """Write few rows with many columns, of which four are informative, and noisy labels: easy to overfit."""
    from sklearn.datasets import make_classification

    features, label = make_classification(
        600, 20, n_informative=4, n_redundant=0, flip_y=0.15, class_sep=1.0, random_state=SEED
    )
    rows = [[*(f"{value:.6f}" for value in row), int(y)] for row, y in zip(features, label, strict=True)]
    _write(HERE / "overfit.csv", [*(f"x{number}" for number in range(1, 21)), "y"], rows)


def _taxi() -> None:
    """Write the sample of TFX's taxi example with a label column: whether the tip is more than a fifth of the fare."""
    import tfx

    source = Path(tfx.__path__[0]) / "examples/chicago_taxi_pipeline/data/simple/data.csv"
    columns, *rows = list(csv.reader(io.StringIO(source.read_text(encoding="utf-8"))))
    fare, tips = columns.index("fare"), columns.index("tips")
    labelled = [[*row, int(float(row[tips]) > TIP * float(row[fare]))] for row in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[*columns, "big_tip"], *labelled])
    (HERE / "taxi.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


if __name__ == "__main__":
    main()
