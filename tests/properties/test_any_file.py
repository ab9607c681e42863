"""Any bytes as a data file end in a result or in an error that names the file: never in a traceback, never for ever.

    BYTES=2000 make test ARGS="tests/properties/test_any_file.py -s"

Real files of each text format are cut, mutated and mixed with random bytes; each goes through the proposal of a config,
the checks before a run and ingestion's reader. `BYTES` says how many cases, 12 of each kind without it.
"""

import bz2
import collections
import gzip
import io
import json
import lzma
import os
import random
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from components.ingestion import sources
from components.ingestion.discovery import data_files
from components.ingestion.parsing import csv_text
from curation import new_config
from errors import PipelineError, UserError
from orchestration import preflight
from pipeline import load
from pipeline.variants import Name
from spec.data import Data

CASES = int(os.environ.get("BYTES", "12"))
MEMORY = 32 << 20
"""Bytes in a small file that are never in memory together."""
outcomes: collections.Counter[str] = collections.Counter()


def _rows() -> list[dict[str, object]]:
    generator = np.random.default_rng(3)
    words = ["red", 'say "hi"', "x,y", "two\nlines", "Zürich", "", "?", " a "]
    return [
        {
            "age": int(generator.integers(18, 80)),
            "of": words[row % 8],
            "at": f"2024-01-{1 + row % 28:02d}",
            "y": row % 2,
        }
        for row in range(40)
    ]


def _csv(delimiter: str = ",", ends: str = "\n") -> str:
    rows = _rows()
    quoted = [[f'"{str(cell).replace(chr(34), chr(34) * 2)}"' for cell in row.values()] for row in rows]
    return ends.join([delimiter.join(rows[0]), *map(delimiter.join, quoted), ""])


def _xlsx() -> bytes:
    buffer, book = io.BytesIO(), openpyxl.Workbook()
    book.active.append(list(_rows()[0]))
    for row in _rows():
        book.active.append(list(row.values()))
    book.save(buffer)
    return buffer.getvalue()


def _seeds() -> dict[str, bytes]:
    rows = _rows()
    units = "person,,when,bought\n" + _csv().replace("\n", "\nyears,,day,\n", 1)
    plain, lines = _csv(), "".join(json.dumps(row) + "\n" for row in rows)
    zipped, parquet = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", plain)
    pq.write_table(pa.Table.from_pylist(_rows()), parquet)
    return {
        "t.csv": plain.encode(),
        "semicolons.csv": _csv(";", "\r").encode("cp1252"),
        "framed.csv": ("Title\n\n# note\n" + plain + "Total,,,\n" + plain).encode(),
        "headers.csv": units.replace('""', r"\"").encode(),
        "aligned.txt": "".join(f"{row['age']:<6}{row['at']:<14}{row['y']}\n" for row in rows).encode(),
        "wide.tsv": _csv("\t").encode("utf-16"),
        "t.csv.gz": gzip.compress(plain.encode(), mtime=0),
        "t.csv.bz2": bz2.compress(plain.encode()),
        "t.csv.xz": lzma.compress(plain.encode()),
        "t.zip": zipped.getvalue(),
        "t.jsonl": lines.encode(),
        "t.json.gz": gzip.compress(lines.encode(), mtime=0),
        "t.xlsx": _xlsx(),
        "t.parquet": parquet.getvalue(),
    }


SEEDS = _seeds()
SIGNS = [b'"', b",", b"\n", b"\r", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"#", b"{", b";", b"9" * 400]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """A file that was cut, damaged or put together wrongly."""
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 2)):
        at, end = sorted(rng.choices(range(len(damaged) + 1), k=2))
        kind = rng.randrange(6)
        if kind == 0:
            del damaged[at:]
        elif kind == 1:
            damaged[at:at] = rng.choice(SIGNS) * rng.choice([1, 1, 2, 50])
        elif kind == 2:
            damaged[at : min(end, at + 20)] = rng.randbytes(min(end - at, 20))
        elif kind == 3:
            damaged[at:at] = damaged[at : min(end, at + 400)]
        elif kind == 4:
            del damaged[at : min(end, at + 40)]
        elif damaged:
            damaged[min(at, len(damaged) - 1)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def read(path: Path, root: Path, label: str | None) -> None:
    """All that reads a file: `new`, `doctor`, ingestion."""
    new_config.new(str(root), "made", str(path), label=label, force=True)
    reviewed = load.reviewed(str(root), Name("made"))
    data, label = reviewed.config.data, reviewed.config.label.column
    paths = data_files.under(str(root), data.path)
    preflight.check_data(paths, data, config="configs/made.toml", columns=reviewed.columns, label=label)
    assert sum(map(len, sources.batches(str(path), data, reviewed.columns)))


def run(path: Path, columns: dict[str, str], keys: dict[str, object]) -> None:
    """What a run reads."""
    data = Data.model_validate({"path": path.name, **keys})
    collections.deque(sources.batches(str(path), data, columns), maxlen=0)


def ends(path: Path, act: Callable[[], None]) -> None:
    """Check that it succeeds, or fails with a PipelineError that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            act()
    except PipelineError as error:
        outcomes["refused"] += 1
        message = str(error)
    else:
        outcomes["read"] += 1
        return
    assert any(word in message for word in (path.name, "column", "--label")), f"names no place: {message}"


def folder(factory: pytest.TempPathFactory) -> Path:
    path = factory.mktemp("any")
    for name in ("configs", "schemas"):
        (path / name).mkdir()
    return path


repeatable = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("name", SEEDS)
@given(seed=st.integers(0, 2**32))
@repeatable
def test_a_damaged_file_is_read_or_refused_by_name(name, seed, tmp_path_factory):
    root = folder(tmp_path_factory)
    (root / name).write_bytes(mutated(SEEDS[name], random.Random(seed)))
    ends(root / name, lambda: read(root / name, root, "y" if seed % 2 else None))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet", "t.dat"])
@given(content=st.binary(max_size=600))
@repeatable
def test_random_bytes_are_read_or_refused_by_name(name, content, tmp_path_factory):
    root = folder(tmp_path_factory)
    (root / name).write_bytes(content)
    ends(root / name, lambda: read(root / name, root, None))


@pytest.mark.parametrize("name", [name for name in SEEDS if name != "t.parquet"])
@given(seed=st.integers(0, 2**32))
@repeatable
def test_a_run_reads_a_damaged_file_or_refuses_it_by_name(name, seed, tmp_path_factory):
    """With a config that was made of a whole file."""
    root = folder(tmp_path_factory)
    (root / name).write_bytes(mutated(SEEDS[name], random.Random(seed)))
    keys = ({"comment": "#", "skip_footer": 1}, {"long_cells": "skip", "skip_rows": 3}, {})[seed % 3]
    columns = {"age": "INT", "of": "BYTES", "at": "BYTES", "y": "INT"}
    kind = "jsonl" if "json" in name else "xlsx" if "xlsx" in name else "csv"
    ends(root / name, lambda: run(root / name, columns, {"format": kind, "csv": keys}))


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"]
)
@given(seed=st.integers(0, 2**32))
@repeatable
def test_a_workbook_with_a_damaged_part_is_read_or_refused_by_name(part, seed, tmp_path_factory):
    path = folder(tmp_path_factory) / "t.xlsx"
    with zipfile.ZipFile(io.BytesIO(SEEDS["t.xlsx"])) as sound, zipfile.ZipFile(path, "w") as damaged:
        for name in sound.namelist():
            content = sound.read(name)
            damaged.writestr(name, mutated(content, random.Random(seed)) if name == part else content)
    ends(path, lambda: run(path, {"age": "INT", "of": "BYTES", "at": "BYTES", "y": "INT"}, {}))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_line_without_end_in_a_small_file_does_not_fill_the_memory(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_text, "LINE_LENGTH", 1 << 20)
    (tmp_path / "t.csv").write_bytes(pack(b"age,y\n" + b"x" * MEMORY))
    tracemalloc.start()
    with pytest.raises(UserError, match=r"t\.csv"):
        run(tmp_path / "t.csv", {"age": "INT", "y": "INT"}, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY


def test_both_ends_were_reached():
    """Counts what the cases of the tests above came to."""
    print(dict(outcomes))
    if not outcomes:
        pytest.fail("run it together with the tests above")
    assert outcomes["read"] > 10
    assert outcomes["refused"] > 10
