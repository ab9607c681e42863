"""Makes the small tables of this folder that are not real data, and the taxi trips' label.

    .venv/bin/python data/make.py

The files are kept with the code, so nobody needs to run this; it shows where they come from. Seeds are fixed.
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
"""Points of each figure."""
TIP = 0.2
"""Share of the fare from which TFX's own example calls a tip a big one."""


def main() -> None:
    """Write all of them."""
    _points()
    _perceptron()
    _study_houses()
    _overfit()
    _taxi()


def _points() -> None:
    """Two classes in the plane: what a line cannot part, a product or a hidden layer can."""
    from sklearn.datasets import make_circles, make_moons

    square = np.random.default_rng(SEED).uniform(-1.0, 1.0, (POINTS, 2))
    figures = {
        "xor": (square, square[:, 0] * square[:, 1] < 0),
        "circles": make_circles(POINTS, noise=0.08, factor=0.5, random_state=SEED),
        "moons": make_moons(POINTS, noise=0.1, random_state=SEED),
    }
    for name, (places, label) in figures.items():
        rows = [[f"{x1:.6f}", f"{x2:.6f}", int(y)] for (x1, x2), y in zip(places, label, strict=True)]
        _write(HERE / f"points_{name}.csv", ["x1", "x2", "y"], rows)


def _perceptron() -> None:
    """The truth tables of three gates, and three programmers: pointer depth, litres of coffee, good or not."""
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
    """Five houses with and without a study room; the price in lakh."""
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
    """Few rows, many columns of which four tell something, and one label in seven wrong: easy to learn by heart."""
    from sklearn.datasets import make_classification

    features, label = make_classification(
        600, 20, n_informative=4, n_redundant=0, flip_y=0.15, class_sep=1.0, random_state=SEED
    )
    rows = [[*(f"{value:.6f}" for value in row), int(y)] for row, y in zip(features, label, strict=True)]
    _write(HERE / "overfit.csv", [*(f"x{number}" for number in range(1, 21)), "y"], rows)


def _taxi() -> None:
    """The sample of TFX's taxi example, with its label as a column: whether the tip is over a fifth of the fare."""
    import tfx

    source = Path(tfx.__path__[0]) / "examples/chicago_taxi_pipeline/data/simple/data.csv"
    columns, *rows = list(csv.reader(io.StringIO(source.read_text(encoding="utf-8"))))
    fare, tips = columns.index("fare"), columns.index("tips")
    marked = [[*row, int(float(row[tips]) > TIP * float(row[fare]))] for row in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[*columns, "big_tip"], *marked])
    (HERE / "taxi.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


if __name__ == "__main__":
    main()
