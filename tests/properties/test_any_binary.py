"""Damaged files of formats that are not text: images, IDX, TFRecord, and Parquet with lists; see test_any_file.py.

BYTES=2000 make test ARGS="tests/properties/test_any_binary.py -s"
"""

import gzip
import io
import random
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from components.ingestion.write import example_encoding, record_writer

from .test_any_file import ends, folder, mutated, read, repeatable

SIZE, COUNT = 8, 40
IMAGES = "t-images-idx3-ubyte"


def _picture(kind: str, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def _idx() -> dict[str, bytes]:
    pixels = np.random.default_rng(1).integers(0, 256, (COUNT, SIZE, SIZE)).astype(np.uint8)
    labels = (np.arange(COUNT) % 3).astype(np.uint8)
    return {
        IMAGES: struct.pack(">HBBIII", 0, 8, 3, COUNT, SIZE, SIZE) + pixels.tobytes(),
        "t-labels-idx1-ubyte": struct.pack(">HBBI", 0, 8, 1, COUNT) + labels.tobytes(),
    }


def _records() -> bytes:
    columns = [list(range(COUNT)), [b"a", b"b"] * (COUNT // 2), [row / 7 for row in range(COUNT)]]
    examples = example_encoding.examples(pa.record_batch([pa.array(column) for column in columns], ["n", "s", "x"]))
    return gzip.compress(bytes(record_writer.frame(examples.to_pylist())), mtime=0)


def _vectors(lists: pa.DataType) -> bytes:
    table = pa.table(
        {
            "v": pa.array([[row / 3, 2.0, row % 5] for row in range(COUNT)], lists),
            "of": pa.array([b"red", b"blue"] * (COUNT // 2), pa.binary()),
            "y": [row % 2 for row in range(COUNT)],
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


PARQUET = {"lists": _vectors(pa.list_(pa.float64())), "of a size": _vectors(pa.list_(pa.float32(), 3))}
RECORDS, IDX = _records(), _idx()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
@given(seed=st.integers(0, 2**32))
@repeatable
def test_folders_with_damaged_images_are_read_or_refused_by_name(kind, seed, tmp_path_factory):
    root, rng = folder(tmp_path_factory), random.Random(seed)
    for name, number in ((name, number) for name in ("up", "down") for number in range(4)):
        path = root / "photos" / name / f"{number}.{kind.lower()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = _picture(kind, number + 9 * (name == "up"))
        path.write_bytes(mutated(content, rng) if number < 2 else content)
    ends(root / "photos", lambda: read(root / "photos", root, None))


@pytest.mark.parametrize("damaged", sorted(IDX))
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
@given(seed=st.integers(0, 2**32))
@repeatable
def test_damaged_idx_files_are_read_or_refused_by_name(damaged, pack, seed, tmp_path_factory):
    root, ending = folder(tmp_path_factory), "" if pack is bytes else ".gz"
    for name, content in IDX.items():
        packed = pack(content)
        changed = mutated(packed, random.Random(seed)) if name == damaged else packed
        (root / f"{name}{ending}").write_bytes(changed)
    # Either of the two files may be named.
    ends(root / "t-", lambda: read(root / f"{IMAGES}{ending}", root, "label"))


@pytest.mark.parametrize("pack", [bytes, gzip.decompress], ids=["packed", "plain"])
@given(seed=st.integers(0, 2**32))
@repeatable
def test_damaged_records_are_read_or_refused_by_name(pack, seed, tmp_path_factory):
    root, name = folder(tmp_path_factory), "t.tfrecord.gz" if pack is bytes else "t.tfrecord"
    (root / name).write_bytes(mutated(pack(RECORDS), random.Random(seed)))
    ends(root / name, lambda: read(root / name, root, "s"))


@pytest.mark.parametrize("kind", sorted(PARQUET))
@given(seed=st.integers(0, 2**32))
@repeatable
def test_damaged_parquet_with_lists_is_read_or_refused_by_name(kind, seed, tmp_path_factory):
    root = folder(tmp_path_factory)
    (root / "v.parquet").write_bytes(mutated(PARQUET[kind], random.Random(seed)))
    ends(root / "v.parquet", lambda: read(root / "v.parquet", root, "y" if seed % 2 else None))


def test_whole_files_are_read(tmp_path_factory):
    """So that what the tests above damage would be read."""
    root = folder(tmp_path_factory)
    (root / "v.parquet").write_bytes(PARQUET["of a size"])
    read(root / "v.parquet", root, "y")
    (root / "t.tfrecord.gz").write_bytes(RECORDS)
    read(root / "t.tfrecord.gz", root, "s")
    for name, content in IDX.items():
        (root / name).write_bytes(content)
    read(root / IMAGES, root, "label")
