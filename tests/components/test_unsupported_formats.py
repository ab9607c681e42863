"""What a file or an address is that nothing here reads."""

import gzip
import importlib.util
import io
import pickle
import sqlite3
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet
import pytest
from apache_beam.io.filesystem import BeamIOError

from components.ingestion import sources
from components.ingestion.discovery import data_files, opening, unsupported_formats
from curation import new_config
from errors import ResourceError, UserError
from spec.data import Data

TABLE = pa.table({"a": [1, 2], "b": ["x", "y"]})


def written(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def archive(*names):
    def write(buffer):
        with zipfile.ZipFile(buffer, "w") as packed:
            for name in names:
                packed.writestr(name, "x")

    return written(write)


def tar(buffer):
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        packed.addfile(tarfile.TarInfo("a.csv"))


CASES = {
    "xlsx.csv": (
        archive("[Content_Types].xml", "xl/workbook.xml"),
        r'an Excel workbook: write format = "xlsx" under \[data\]',
    ),
    "xlsb": (archive("xl/workbook.bin"), r"a binary Excel workbook: .*read_excel\('\S*x\.xlsb'\).*needs pyxlsb"),
    "ods": (archive("mimetype", "content.xml"), r"an OpenDocument spreadsheet: .*needs odfpy"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, r"an old Excel workbook: .*read_excel"),
    "feather": (written(lambda made: pa.feather.write_feather(TABLE, made)), r"an Arrow or Feather file: .*x\.parquet"),
    "orc": (written(lambda made: pa.orc.write_table(TABLE, made)), r"an ORC file: .*read_orc"),
    "pkl": (pickle.dumps({"a": [1]}), r"a pickle, which can run any program .*read_pickle.*where you trust it"),
    "json": (b'[\n {"a": 1}]', r"a JSON array: .*`jq -c '\.\[\]' \S*x\.json > table\.jsonl`"),
    "arff": (
        b"% of us\n@RELATION x\n@attribute a real\n@DATA\n1\n",
        r"an ARFF file of Weka: .*`sed '1,/\^@data/Id'",
    ),
    "svm": (b"1 1:0.5 3:-2e-3\n0 2:1\n", r"a LIBSVM file: .*load_svmlight_file\('\S*x\.svm'\)"),
    "out": (
        b"+----+------+\n| id | name |\n+----+------+\n",
        r"a table drawn with lines, as MySQL prints it: .*`mysql --batch`.*> \S*x(_converted)?\.csv`",
    ),
    "html": (b"\n<!DOCTYPE html><html>", r"a web page, no table: download the file itself"),
    "tgz": (written(tar), r"a tar archive: unpack it, as with `tar -xf \S*x\.tgz`"),
    "zst": (b"\x28\xb5\x2f\xfd" + b"\0" * 9, r"packed by Zstandard: unpack it, as with `zstd -d"),
    "txt": (b"version https://git-lfs.github.com/spec/v1\noid x\n", r"a pointer of Git LFS, .*`git lfs pull`"),
    "h5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 9, r"an HDF5 file: .*read_hdf"),
    "jsonl.csv": (b'{"a": 1}\n', r'JSON lines: write format = "jsonl" under \[data\]'),
    "parquet.csv": (
        written(lambda made: pa.parquet.write_table(TABLE, made)),
        r'Parquet: write format = "parquet" under \[data\]',
    ),
}


@pytest.mark.parametrize("ending", CASES)
@pytest.mark.parametrize("called_csv", [False, True], ids=["by its name", "called .csv"])
def test_a_file_that_is_no_table_is_named_with_what_converts_it(tmp_path, ending, called_csv):
    content, message = CASES[ending]
    path = tmp_path / ("x.csv" if called_csv else f"x.{ending}")
    path.write_bytes(content)
    message = rf"{path.name} is {message.replace(f'x.{ending}', path.name)}"
    message = message.replace(rf"x\.{ending}", rf"{path.stem}\.{path.suffix[1:]}")
    settings = Data(path="x")
    with pytest.raises(UserError, match=message):
        new_config.new(str(tmp_path), "made", str(path))
    for ask in (sources.look, lambda path, settings: list(sources.batches(path, settings, {}))):
        with pytest.raises(UserError, match=message):
            ask(str(path), settings)


def test_a_database_is_named(tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("create table t (a)")
    with pytest.raises(UserError, match=r"x\.db is an SQLite database: .*--sql 'SELECT .*sqlite:////\S*x\.db`$"):
        new_config.new(str(tmp_path), "made", str(tmp_path / "x.db"))


def test_a_pickle_is_identified_by_its_name(tmp_path):
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"a": 1}, protocol=0))
    with pytest.raises(UserError, match=r"x\.pkl is a pickle"):
        new_config.new(str(tmp_path), "made", str(tmp_path / "x.pkl"))


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "1 9:05\n",
        "% n\n1\n",
        "[id],[name]\n1,x\n",
        "ORCHID,n\n1,2\n",
        "Object,n\n",
        "{name},n\nx,1\n",
        "<b>,n\n",
        "PK,n\n",
    ],
)
def test_a_table_is_none_of_these(tmp_path, text):
    for content in (text.encode(), gzip.compress(text.encode())):
        (tmp_path / "x.csv").write_bytes(content)
        assert unsupported_formats.refusal(str(tmp_path / "x.csv")) is None


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "https://x.org/a/t.csv?v=1",
            r"a web address: download it, as with `curl -L -o data/t\.csv 'https://x\.org/a/t",
        ),
        ("postgresql://me:secret@host/db", r"a database: name a query .*--sql .* --database 'postgresql://host/db'`"),
        ("sqlite:///data/x.db", r"a database: name a query .* --database 'sqlite:///data/x\.db'`"),
        ("mysql://me:secret@host/db", "a database that is not read here: export the query's result"),
        ("s3a://b/t.csv", r"in a bucket: write its address as s3://BUCKET/NAME"),
        ("file:///tmp/t.csv", "the address of a file of this machine: write its path without file://"),
    ],
)
def test_an_address_is_named_by_its_scheme(tmp_path, address, message):
    with pytest.raises(UserError, match=message) as raised:
        new_config.new(str(tmp_path), "made", address)
    assert "secret" not in str(raised.value)
    with pytest.raises(UserError, match=rf"^data\.path: .*{message}") as raised:
        data_files.resolve(address, Data(path="x"))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nosuch://b/t.csv", "Beam has no file system for nosuch://"),
        ("hdfs://b/t.csv", "the package hdfs is not installed"),
    ],
)
def test_the_error_of_an_unsupported_address_is_one_sentence(address, message, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *arguments: None if name == "hdfs" else find(name, *arguments)
    )
    copy = "an address that nothing here reads: copy the file to this machine"
    with pytest.raises(ResourceError, match=rf"^data\.path: {address} is {copy}; [^\n]*{message}$"):
        data_files.resolve(address, Data(path="x"))


def test_why_an_address_is_not_read_is_the_word_of_the_client_below(monkeypatch):
    class NoAccess:
        @staticmethod
        def match(patterns):
            inner = BeamIOError("List operation failed", {patterns[0]: ValueError("Forbidden: no access.\nTrace")})
            raise BeamIOError("Match operation failed", {patterns[0]: inner})

    monkeypatch.setattr(opening, "file_systems", lambda: NoAccess)
    with pytest.raises(ResourceError, match=r"^data\.path: az://b/t\.csv is an .*: Forbidden: no access$"):
        data_files.resolve("az://b/t.csv", Data(path="x"))
