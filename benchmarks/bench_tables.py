"""Generated tables of any length: prices of flats, from four numbers and two categories."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

CITIES = ("aarau", "basel", "bern", "chur", "geneva", "lausanne", "lugano", "zurich")
KINDS = ("attic", "flat", "loft", "studio")
BLOCK_ROWS = 500_000

CONFIG = """\
[data]
path = "{path}"
split = {{by = "hash", train = 8, eval = 1, test = 1}}

[features]
numeric = [{{column = "area"}}, {{column = "rooms"}}, {{column = "age"}}, {{column = "distance", scale = "log1p"}}]
categorical = [{{column = "city", oov = 1}}, {{column = "kind", oov = 1}}]
ignored = ["id"]

[label]
column = "price"
task = "regression"
transform = "log"

[network]
name = "mlp"
layers = [64, 32]
activation = "relu"

[training]
optimizer = {{name = "adam", learning_rate = 1e-3}}
batch_size = 1024
epochs = 3
seed = 1

[evaluation]
slices = ["city"]
floor = {{r2 = 0.5}}
"""
_TYPES = {
    "id": "INT",
    "area": "FLOAT",
    "rooms": "INT",
    "age": "INT",
    "distance": "FLOAT",
    "city": "BYTES",
    "kind": "BYTES",
    "price": "INT",
}
SCHEMA = "".join(
    f'feature {{ name: "{name}" type: {kind} presence {{ min_fraction: 1.0 min_count: 1 }} '
    "shape { dim { size: 1 } } }\n"
    for name, kind in _TYPES.items()
)


def write(path: Path, rows: int) -> None:
    """Write a table as CSV, block by block. A shorter table is a prefix of a longer one.

    Args:
        path: The file to write.
        rows: Number of rows.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        for number, start in enumerate(range(0, rows, BLOCK_ROWS)):
            block = _block(number, start, min(BLOCK_ROWS, rows - start))
            # Stock ExampleGen does not remove the quotes of a quoted header.
            text = pa.BufferOutputStream()
            pa_csv.write_csv(block, text, pa_csv.WriteOptions(include_header=not start))
            file.write(text.getvalue().to_pybytes().replace(b'"', b""))
    partial.rename(path)


def _block(number: int, start: int, rows: int) -> pa.Table:
    random = np.random.default_rng([7, number])
    area = np.round(random.gamma(6.0, 15.0, BLOCK_ROWS) + 15, 1)
    rooms = np.clip(np.round(area / 28 + random.normal(0, 0.7, BLOCK_ROWS)), 1, 9).astype(np.int64)
    age = random.integers(0, 121, BLOCK_ROWS)
    distance = np.round(random.exponential(6.0, BLOCK_ROWS), 2)
    city = random.choice(len(CITIES), BLOCK_ROWS, p=np.arange(1, 9) / 36)
    kind = random.choice(len(KINDS), BLOCK_ROWS, p=[0.1, 0.6, 0.1, 0.2])
    price_per_area = 3000 + 700 * city - 12 * age + np.array([200, 0, 900, -100])[kind]
    price = np.round(area * price_per_area * np.exp(-distance / 25 + random.normal(0, 0.15, BLOCK_ROWS)), 0)
    columns = {
        "id": np.arange(start, start + BLOCK_ROWS),
        "area": area,
        "rooms": rooms,
        "age": age,
        "distance": distance,
        "city": np.array(CITIES)[city],
        "kind": np.array(KINDS)[kind],
        "price": np.maximum(price, 1000).astype(np.int64),
    }
    return pa.table(columns).slice(0, rows)
