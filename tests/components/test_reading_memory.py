"""Reading holds blocks in memory, not files: four times the rows need no more memory, in each format."""

import bz2
import gzip
import json
import lzma
import sqlite3
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingestion import sources
from components.ingestion.parsing import csv_text
from components.ingestion.readers import csv, jsonl, parquet, xlsx
from components.query import snapshot
from components.query.query_rows import Query
from spec.data import Data

COLUMNS = {"a": "INT", "b": "FLOAT", "c": "BYTES"}
TIMES = 4
GROWTH = 1.3
"""Limit of the ratio of memory for TIMES as many rows."""
ROW_BYTES = {"t.xlsx": 120}
"""Bytes that openpyxl keeps for each row, of which Excel allows 1,048,576: at most 126 MB."""
_pools: list[pa.MemoryPool] = []
"""Pools must outlive what was allocated from them."""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Make the blocks so small that few rows fill several."""
    monkeypatch.setattr(csv, "BLOCK_BYTES", 1 << 14)
    monkeypatch.setattr(csv_text, "_BLOCK", 1 << 14)
    monkeypatch.setattr(jsonl, "BATCH_CHARACTERS", 1 << 14)
    monkeypatch.setattr(xlsx, "BATCH_CELLS", 600)
    monkeypatch.setattr(xlsx, "SCAN_BYTES", 1 << 14)
    monkeypatch.setattr(parquet, "BATCH_ROWS", 500)
    monkeypatch.setattr(snapshot, "BATCH_CELLS", 1_500)
    monkeypatch.setattr(snapshot, "MOST_ROWS", 500)


def _measured(act: Callable[[], int]) -> tuple[int, int]:
    """Return the result, and the largest number of bytes that Python and Arrow hold together."""
    before = pa.default_memory_pool()
    _pools.append(pa.proxy_memory_pool(before))
    pa.set_memory_pool(_pools[-1])
    tracemalloc.start()
    try:
        result = act()
        return result, int(tracemalloc.get_traced_memory()[1] + _pools[-1].max_memory())
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)


def _csv(rows: int) -> str:
    return "a,b,c\n" + "".join(f"{row},{row / 8},{'text ' * 12}{row % 7}\n" for row in range(rows))


def _lines(rows: int) -> str:
    return "".join(json.dumps({"a": row, "b": row / 8, "c": "text " * 12}) + "\n" for row in range(rows))


def _zip(path: Path, text: str) -> None:
    # Stored, so that few rows already fill the blocks of packed bytes.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("t.csv", text)


def _xlsx(path: Path, rows: int) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(COLUMNS))
    for row in range(rows):
        sheet.append([row, row / 8, row % 7])
    book.save(path)


def _vectors(path: Path, rows: int) -> None:
    group = pa.table({"v": pa.array([[row / 3] * 16 for row in range(1000)], pa.list_(pa.float64()))})
    with pq.ParquetWriter(path, group.schema) as writer:
        for _ in range(rows // 1000):
            writer.write_table(group)


# Arrow's reader of CSV holds up to about 40 blocks; 20,000 rows fill more.
WRITERS: dict[str, tuple[int, Callable[[Path, int], object]]] = {
    "t.csv": (20_000, lambda path, rows: path.write_text(_csv(rows))),
    "t.csv.gz": (20_000, lambda path, rows: path.write_bytes(gzip.compress(_csv(rows).encode(), 1))),
    "t.csv.bz2": (20_000, lambda path, rows: path.write_bytes(bz2.compress(_csv(rows).encode(), 1))),
    "t.csv.xz": (20_000, lambda path, rows: path.write_bytes(lzma.compress(_csv(rows).encode(), preset=0))),
    "t.zip": (60_000, lambda path, rows: _zip(path, _csv(rows))),
    "utf16.csv": (20_000, lambda path, rows: path.write_bytes(_csv(rows).encode("utf-16"))),
    "t.jsonl": (1_000, lambda path, rows: path.write_text(_lines(rows))),
    "t.jsonl.xz": (1_000, lambda path, rows: path.write_bytes(lzma.compress(_lines(rows).encode(), preset=0))),
    "t.xlsx": (1_000, _xlsx),
    "t.parquet": (4_000, _vectors),
}


@pytest.mark.parametrize("name", WRITERS)
def test_more_rows_of_a_file_need_no_more_memory(tmp_path, name):
    few, write = WRITERS[name]
    keys = {"utf16.csv": {"csv": {"encoding": "utf-16"}}, "t.parquet": {"vectors": {"v": 16}}}.get(name, {})
    path, settings = str(tmp_path / name), Data(path="x", **keys)
    columns = {} if name == "t.parquet" else COLUMNS

    def peak(rows: int) -> int:
        write(tmp_path / name, rows)
        num_read, most = _measured(lambda: sum(map(len, sources.batches(path, settings, columns))))
        assert num_read == rows
        return most

    # Loads what is loaded once.
    peak(few)
    assert peak(TIMES * few) < GROWTH * peak(few) + ROW_BYTES.get(name, 0) * TIMES * few


def test_more_rows_of_a_query_need_no_more_memory(tmp_path):
    sqlite3.connect(tmp_path / "x.db").close()

    def peak(rows: int) -> int:
        sql = (
            f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows}) "
            "select i as a, i / 8.0 as b, 'text ' || (i % 7) as c from n"
        )
        query = Query(sql, "sqlite:///x.db", 60.0)
        taken, most = _measured(lambda: snapshot.take(query, str(tmp_path), str(tmp_path / "queries")).rows)
        assert taken == rows
        return most

    peak(4_000)
    assert peak(TIMES * 4_000) < GROWTH * peak(4_000)
