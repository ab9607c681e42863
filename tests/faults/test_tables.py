"""Invalid tables and paths: errors of preflight."""

import gzip
import os
import re
import struct
import subprocess
import sys
import textwrap
import time

import pyarrow as pa
import pytest

from components.ingestion import sources
from components.ingestion.discovery import data_files
from components.ingestion.write.record_writer import masked_crc
from errors import UserError
from pipeline import load
from project import REPOSITORY
from spec.data import Data

HEADER = "area,city,rent\n"
ROWS = [f"{40 + row},Bern,{900 + row}" for row in range(40)]
TEXT = HEADER + "\n".join(ROWS) + "\n"
SETTINGS = Data(path="x")
COLUMNS = {"area": "FLOAT", "city": "BYTES", "rent": "INT"}
BOMB_BYTES = 1 << 30
MEMORY_BYTES = 2 << 30


@pytest.fixture
def refused(flats, figure):
    """Return a function that checks that preflight refuses a table within 2 s of CPU; it returns the findings."""
    # Its imports are paid for once.
    assert flats.errors() == []

    def run(row, case, content, name="flats.csv"):
        flats.data(content, name)
        # Not by the clock: other processes may be busy.
        start = time.process_time()
        findings = flats.errors(f"data.path=data/{name}")
        seconds = time.process_time() - start
        assert findings, case
        assert seconds < 2
        figure(row, f"{case}: {seconds:.2f} s")
        return findings

    return run


def test_a_table_without_rows_is_rejected_by_preflight(refused):
    """Fault 7: no bytes, a header alone, too few rows."""
    assert refused(7, "no bytes", "")[0].endswith("is empty: it needs a header line and rows")
    assert refused(7, "a header alone", HEADER)[0].endswith("holds a header line and no rows")
    assert refused(7, "two rows", HEADER + "1,a,2\n2,b,3\n")[0].endswith(": 2 rows for 3 splits: add rows")


FAULTS = {
    "a ragged row": ("1,Bern", "expected 3 columns, got 2"),
    "an open quote": ('1,"Bern,900', "a quote is opened in this row and never closed"),
    "a NUL": ("1,Be\0rn,900", "a NUL byte"),
    "a cell of 200 KB": (f"1,{'x' * 200_000},900", "a text of over 131,072 bytes"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_malformed_rows_are_reported_with_their_lines(refused, fault):
    """Fault 10: each is reported with its line, wherever it is, plain and compressed."""
    bad, message = FAULTS[fault]
    for place in (0, 20, 39):
        text = HEADER + "\n".join([*ROWS[:place], bad, *ROWS[place:]]) + "\n"
        for name, content in (("flats.csv", text), ("flats.csv.gz", gzip.compress(text.encode()))):
            findings = refused(10, fault, content, name)
            assert f"{name}, line {place + 2}: {message}" in findings[0], findings


def test_other_encodings_are_rejected_with_file_and_byte(refused):
    """Fault 11: Latin-1 and UTF-16, with file and byte."""
    text = TEXT.replace("Bern", "Zürich")
    findings = refused(11, "Latin-1", text.encode("latin-1"))
    assert re.search(rf"flats\.csv is not UTF-8 \(byte {len(HEADER) + 4}\): convert it", findings[0])
    late = TEXT * 20 + "1,Zürich,2\n"
    findings = refused(11, "Latin-1 at the end of a packed file", gzip.compress(late.encode("latin-1")), "flats.csv.gz")
    assert f"(byte {20 * len(TEXT) + 3})" in findings[0]
    findings = refused(11, "UTF-16", text.encode("utf-16"))
    assert "flats.csv is not UTF-8 (byte 0); it looks like UTF-16: convert it, as with iconv -f utf-16" in findings[0]


def test_bom_crlf_quotes_and_gzip_give_the_same_table(flats, figure):
    """Fault 12: a BOM, CRLF, a line break in quotes, gzip."""
    text = TEXT.replace("Bern", '"Be\nrn"')
    plain = pa.Table.from_batches(sources.batches(str(flats.data(text)), SETTINGS, COLUMNS))
    dresses = {"bom.csv": b"\xef\xbb\xbf" + text.encode(), "packed.csv.gz": gzip.compress(text.encode())}
    dresses["crlf.csv"] = re.sub(r"(?<!Be)\n", "\r\n", text).encode()
    differing = 0
    for name, content in dresses.items():
        path = flats.data(content, name)
        assert flats.errors(f"data.path=data/{name}") == []
        differing += not pa.Table.from_batches(sources.batches(str(path), SETTINGS, COLUMNS)).equals(plain)
    figure(12, f"tables that differ = {differing} of {len(dresses)}")
    assert differing == 0


def test_a_duplicate_name_in_the_header_is_rejected(refused):
    """Fault 13: refused."""
    findings = refused(13, "a name twice", TEXT.replace("city", "area"))
    assert findings[0].endswith(
        "two columns are named 'area': rename one, or drop it with drop = [\"area\"] under [data]"
    )


def test_null_out_of_range_and_constant_labels_are_rejected(refused):
    """Fault 14: blank, out of range, one value; before anything is started."""
    blank = re.sub(r",\d+$", ",", TEXT, flags=re.M)
    assert "is null in 40 of 40 rows" in refused(14, "blank", blank)[0]
    assert "the label column 'rent' of the schema is missing" in refused(14, "absent", TEXT.replace("rent", "cost"))[0]
    assert "line 41: the label 'rent' is 9390" in refused(14, "out of range", TEXT.replace(",939\n", ",9390\n"))[0]
    assert "is 900 in every row" in refused(14, "one value", re.sub(r",\d+$", ",900", TEXT, flags=re.M))[0]


def test_a_readme_and_another_order_of_columns_are_accepted_and_a_stray_file_is_named(flats, figure):
    """Fault 15: a README is skipped, another order is read by name, a stray file is named."""
    flats.data(TEXT, "parts/a.csv")
    flats.data("rent,area,city\n" + "".join(f"{800 + row},{row},Chur\n" for row in range(9)), "parts/b.csv")
    flats.data("About these files", "parts/README.txt")
    assert flats.errors("data.path=data/parts") == []
    files = [file.path for file in data_files.resolve(str(flats.root / "data" / "parts"), SETTINGS)]
    rows = [row for batch in sources.batches(files, SETTINGS, COLUMNS) for row in batch.to_pylist()]
    wrong = sum(not (row["rent"] >= 800 and row["city"] in ("Bern", "Chur")) for row in rows)
    figure(15, f"{len(rows)} rows of two orders, wrong = {wrong}")
    assert (len(rows), wrong) == (49, 0)
    flats.data("What was agreed\nand when\n", "parts/minutes.txt")
    *findings, fix = flats.errors("data.path=data/parts")
    assert findings
    assert all("parts/minutes.txt" in line for line in findings)
    assert fix.startswith("Fix the data; or, to accept it, ")
    assert flats.errors("data.path=data/parts")


BOMBS = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
from errors import UserError
from orchestration import preflight
from spec.data import Data
try:
    preflight.check_data(sys.argv[1], Data(path="x"), config="configs/x.toml", columns=["area"], label=None)
except UserError as error:
    print(str(error).splitlines()[0])
# Not ru_maxrss, which a process has from the one that started it.
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))
"""


def test_files_that_would_fill_the_memory_are_rejected(tmp_path, figure):
    """Fault 36: a gzip bomb and a TFRecord of a huge length, each read under a memory cap."""
    bomb = tmp_path / "bomb.csv.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(b"area\n")
        for _ in range(BOMB_BYTES >> 24):
            file.write(b"1" * (1 << 24))
    head = struct.pack("<Q", 1 << 60)
    record = tmp_path / "huge.tfrecord"
    record.write_bytes(head + struct.pack("<I", masked_crc(head)) + b"x" * 100)
    script = tmp_path / "look.py"
    script.write_text(textwrap.dedent(BOMBS).replace("MOST", str(MEMORY_BYTES)))
    for path, message in ((bomb, "a line of over 16,777,216 characters"), (record, "record 1 is broken")):
        completed = subprocess.run(
            [sys.executable, str(script), str(path)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": REPOSITORY},
        )
        assert completed.returncode == 0, completed.stderr
        line, megabytes = completed.stdout.splitlines()
        assert message in line
        figure(36, f"{path.name}: {megabytes} MB at its peak")
        assert int(megabytes) < 300


def test_unknown_config_keys_are_rejected_with_the_closest_key(flats, figure):
    """Fault 36: each unknown key of a config is refused, with the nearest right one."""
    flats.config(flats.CONFIG + 'colum = 1\n[gates]\ndrfit = "block"\nrows = {lest = 0.5}\n[gate]\n')
    findings = flats.errors()
    figure(36, f"{len(findings)} unknown keys, all told")
    assert [line.split(" is not")[0].split(": ")[1] for line in findings] == [
        "label.colum",
        "gates.rows.lest",
        "gates.drfit",
        "gate",
    ]
    assert "Did you mean 'drift'?" in findings[2]
    with pytest.raises(UserError):
        load.load(str(flats.root), "flats")
