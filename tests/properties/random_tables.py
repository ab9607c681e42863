"""Made tables of every supported type: nulls, unicode and extreme numbers included, with or without a usable label."""

import csv
import datetime
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import assume
from hypothesis import strategies as st

WORDS = ["red", "green", "été", "日本語", "a b", "it's", 'say "hi"', "<b>x</b>", "-", "0", "x,y", "Ünï\u0301", "ß" * 40]
NAMES = ["x", "größe", "sq ft", "1st", "naïve?", "a.b", "x-y", "名前", "select", "Class_2", "per cent %"]
LABELS = ["target", "label", "outcome"]
KINDS = ("float", "int", "huge", "tiny", "word", "date", "constant", "id", "text", "empty", "bool", "code")
USABLE = ("binary", "classes", "number", "counts")
UNUSABLE = ("one class", "all blank", "unique text")


@dataclass(frozen=True)
class Table:
    """One case.

    Attributes:
        columns: Name -> cells; None is missing.
        label: The label's name.
        usable: Whether the label can be learnt, from a column that tells the rows apart.
        form: csv, csv.gz or parquet.
        described: What it is made of, for a failure's message.
    """

    columns: dict[str, list[object]]
    label: str
    usable: bool
    form: str
    described: str

    def write(self, folder: Path) -> Path:
        """Write the file that a user would bring."""
        path = folder / f"table.{self.form}"
        if self.form == "parquet":
            pq.write_table(pa.table({name: pa.array(cells) for name, cells in self.columns.items()}), path)
            return path
        opened = gzip.open if self.form.endswith("gz") else open
        with opened(path, "wt", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(self.columns)
            for row in zip(*self.columns.values(), strict=True):
                writer.writerow(["" if cell is None else cell for cell in row])
        return path


def _cells(kind: str, rows: int, random: np.random.Generator) -> list[object]:
    if kind == "float":
        return [float(value) for value in random.normal(50, 20, rows)]
    if kind == "int":
        return [int(value) for value in random.integers(-1000, 1000, rows)]
    if kind == "huge":
        return [float(value) for value in random.normal(0, 1, rows) * 10.0 ** float(random.integers(20, 37))]
    if kind == "tiny":
        return [float(value) for value in random.normal(0, 1, rows) * 10.0 ** -float(random.integers(20, 37))]
    if kind == "word":
        words = random.choice(WORDS, int(random.integers(2, 8)), replace=False)
        return [str(value) for value in random.choice(words, rows)]
    if kind == "date":
        first_day = datetime.date(1999, 12, 1)
        return [str(first_day + datetime.timedelta(days=int(days))) for days in random.integers(0, 4000, rows)]
    if kind == "constant":
        return [random.choice([7, 1.5]).item()] * rows
    if kind == "id":
        return [f"K{place:05d}" for place in random.permutation(rows)]
    if kind == "text":
        return [" ".join(random.choice(WORDS, int(random.integers(3, 12)))) for _ in range(rows)]
    if kind == "empty":
        return [None] * rows
    if kind == "bool":
        return [str(value) for value in random.choice(["yes", "no"], rows)]
    return [int(value) for value in random.choice([98001, 98002, 98115, 98199], rows)]


def _label(kind: str, rows: int, random: np.random.Generator) -> list[object]:
    if kind == "binary":
        return [str(value) for value in random.choice(["yes", "no"], rows)]
    if kind == "classes":
        return [str(value) for value in random.choice(["low", "mid", "high"], rows)]
    if kind == "number":
        return [float(value) for value in random.normal(100, 30, rows)]
    if kind == "counts":
        return [int(value) for value in random.poisson(300, rows)]
    if kind == "one class":
        return ["yes"] * rows
    if kind == "all blank":
        return [None] * rows
    return [f"only {place}" for place in range(rows)]


@st.composite
def tables(draw: st.DrawFn, *, usable_only: bool = False) -> Table:
    """Any table; its label is its last column."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    names = draw(st.permutations(NAMES))[: len(kinds)]
    label_kind = draw(st.sampled_from(USABLE if usable_only else (*USABLE, *USABLE, *UNUSABLE)))
    rows = draw(st.integers(60, 200))
    blanks = draw(st.lists(st.sampled_from([0.0, 0.0, 0.05, 0.4]), min_size=len(kinds), max_size=len(kinds)))
    form = draw(st.sampled_from(["csv", "csv.gz", "parquet"]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns: dict[str, list[object]] = {}
    for name, kind, share in zip(names, kinds, blanks, strict=True):
        cells = _cells(kind, rows, random)
        missing = random.random(rows) < share
        columns[name] = [None if gone else cell for gone, cell in zip(missing, cells, strict=True)]
    label = draw(st.sampled_from(LABELS))
    columns[label] = _label(label_kind, rows, random)
    described = (
        f"{dict(zip(names, zip(kinds, blanks, strict=True), strict=True))}, label {label_kind}, {rows} rows, {form}"
    )
    learnable = any(kind not in ("empty", "constant", "id") for kind in kinds)
    assume(learnable or not usable_only)
    return Table(columns, label, learnable and label_kind in USABLE, form, described)
