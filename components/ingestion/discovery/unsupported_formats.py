"""File formats and addresses that no reader supports, with the command that converts each."""

import contextlib
import importlib.util
import os
import re
import zipfile
from typing import Any, NamedTuple

import buckets
from components.ingestion.discovery import compression, json_documents, opening
from spec.rows import data_paths

HEAD_BYTES = 512
"""Number of first bytes that identify a format."""


class _Kind(NamedTuple):
    """One kind of file.

    Attributes:
        what: Name of the format, as it follows "is" in a message.
        magic: First bytes.
        ending: Extensions, used if the first bytes do not identify the format.
        convert: Command or config key, with the fields `{path}` and `{base}` (the path without its extension).
    """

    what: str
    magic: str
    ending: tuple[str, ...]
    convert: str


def pandas_command(read: str, needs: str = "", keys: str = "") -> str:
    """Return the template of a command that converts a file to CSV with pandas, for `convert`.

    Args:
        read: Function of pandas that reads the file.
        needs: Package that pandas needs for it.
        keys: Further arguments of the function, each after a comma.
    """
    more = f" (needs {needs})" if needs else ""
    code = f"import pandas as pd; pd.{read}('{{path}}'{keys}).to_csv('{{base}}.csv', index=False)"
    return f'convert it, as with `python -c "{code}"`{more}'


_PARQUET = (
    "convert it, as with `python -c \"import pandas as pd; pd.{read}('{{path}}').to_parquet('{{base}}.parquet')\"`"
)
JSON_LINES, JSON_ARRAY = _JSON = ("JSON lines", "a JSON array")
EXCEL = "an Excel workbook"
_EXCEL_97 = pandas_command("read_excel", "xlrd")
_KINDS = (
    _Kind(
        "an old Excel workbook", r"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", (".xls",), pandas_command("read_excel", "xlrd")
    ),
    _Kind("an Arrow or Feather file", r"ARROW1\0\0|FEA1", (".feather", ".arrow"), _PARQUET.format(read="read_feather")),
    _Kind("an ORC file", r"ORC([\0-\x08\x0e-\x1f\x80-\xff]|(?s:.*)\0)", (".orc",), _PARQUET.format(read="read_orc")),
    _Kind("an Avro file", r"Obj\x01", (".avro",), "convert it, as with `fastavro {path} > {base}.jsonl`"),
    _Kind(
        "a pickle, which can run any program when it is read",
        r"\x80[\x02-\x05][\x95cc}\](]",
        (".pkl", ".pickle"),
        f"{_PARQUET.format(read='read_pickle')} where you trust it",
    ),
    _Kind(
        "an SQLite database",
        r"SQLite format 3\0",
        (".sqlite", ".sqlite3", ".db"),
        "name a query of it, as with `python runner.py new NAME --sql 'SELECT * FROM TABLE' --database "
        "sqlite:///{path}`",
    ),
    _Kind("an HDF5 file", r"\x89HDF\r\n\x1a\n", (".h5", ".hdf5"), pandas_command("read_hdf", "tables")),
    _Kind(
        "a NumPy array",
        r"\x93NUMPY",
        (".npy",),
        'convert it, as with `python -c "import numpy, pandas as pd; '
        "pd.DataFrame(numpy.load('{path}')).to_csv('{base}.csv', index=False)\"`",
    ),
    _Kind("a Stata file", r"<stata_dta>", (".dta",), pandas_command("read_stata")),
    _Kind("an SPSS file", r"\$FL[23]@", (".sav",), pandas_command("read_spss", "pyreadstat")),
    _Kind(
        "data of R",
        r"RD[AX][23]\n|[XA]\n\0\0",
        (".rds",),
        "convert it, as with `Rscript -e \"write.csv(readRDS('{path}'), '{base}.csv', row.names=FALSE)\"`",
    ),
    _Kind(
        "an ARFF file of Weka",
        r"(?i)(\s|%[^\n]*\n)*@relation\s",
        (".arff",),
        "take its rows out, as with `sed '1,/^@data/Id' {path} > {base}.csv`; its @attribute lines name the columns, "
        "in order",
    ),
    _Kind(
        "a LIBSVM file",
        r"[+-]?\d[\d.]*( \d+:[+-]?[\d.][\d.eE+-]*){2}",
        (".svm", ".libsvm", ".svmlight"),
        'convert it, as with `python -c "from sklearn import datasets; import pandas as pd; rows, label = '
        "datasets.load_svmlight_file('{path}'); pd.DataFrame(rows.toarray()).assign(label=label)"
        ".to_csv('{base}.csv', index=False)\"`",
    ),
    _Kind(
        "a table drawn with lines, as MySQL prints it",
        r"\s*\+(-+\+)+\s",
        (),
        "print it with tabs between the cells, as with `mysql --batch`, or take its rows out, as with `grep '^|' "
        "{path} | sed 's/^| *//; s/ *|$//; s/ *| */|/g' > {base}.csv`",
    ),
    _Kind("Parquet", r"PAR1", (), 'write format = "parquet" under [data], or let its name end in .parquet'),
    _Kind("a PDF", r"%PDF-", (".pdf",), "export the table that it shows"),
    _Kind("a web page, no table", r"\s*<(!DOCTYPE html|html)", (".html", ".htm"), "download the file itself"),
    _Kind("XML", r"\s*<\?xml", (".xml",), pandas_command("read_xml", "lxml")),
    _Kind(JSON_ARRAY, r"\s*\[\s*[{\[]", (), "write one object per line"),
    _Kind(JSON_LINES, r'\s*\{\s*"', (), 'write format = "jsonl" under [data], or let its name end in .jsonl'),
    _Kind("a pointer of Git LFS, not the file", r"version https://git-lfs", (), "fetch it, as with `git lfs pull`"),
    _Kind("packed by Zstandard", r"\x28\xb5\x2f\xfd", (".zst",), "unpack it, as with `zstd -d {path}`"),
    _Kind("packed by LZ4", r"\x04\x22\x4d\x18", (".lz4",), "unpack it, as with `lz4 -d {path}`"),
    _Kind("a 7-Zip archive", r"7z\xbc\xaf\x27\x1c", (".7z",), "unpack it, as with `7z x {path}`"),
    _Kind("a RAR archive", r"Rar!\x1a\x07", (".rar",), "unpack it, as with `unrar x {path}`"),
    _Kind("a tar archive", r"(?s:.{257}ustar)", (".tar", ".tgz"), "unpack it, as with `tar -xf {path}`"),
)
_ARCHIVED = {
    "xl/workbook.xml": _Kind(EXCEL, "", (), 'write format = "xlsx" under [data], or let its name end in .xlsx'),
    "xl/workbook.bin": _Kind("a binary Excel workbook", "", (".xlsb",), pandas_command("read_excel", "pyxlsb")),
    "content.xml": _Kind("an OpenDocument spreadsheet", "", (".ods",), pandas_command("read_excel", "odfpy")),
}
"""File name in a zip archive -> format of the archive."""
_ADDRESSES = (
    (r"https?|ftp", "a web address: download it, as with `curl -L -o data/{name} '{path}'`"),
    (
        r"postgres(ql)?|sqlite",
        "a database: name a query of it, as with `python runner.py new NAME --sql 'SELECT * FROM TABLE' --database "
        "'{path}'`, with user and password in PGUSER and PGPASSWORD",
    ),
    (
        r"mysql|mssql|oracle|snowflake|bigquery|redshift|jdbc[^/]*",
        "a database that is not read here: export the query's result to a CSV or Parquet file, with its own tools",
    ),
    (r"s3[an]", "in a bucket: write its address as s3://BUCKET/NAME"),
    (r"gcs", "in a bucket: write its address as gs://BUCKET/NAME"),
    (r"file", "the address of a file of this machine: write its path without file://"),
)
"""Scheme -> what the address points to."""
_CLIENTS = {"hdfs": "hdfs"}
"""Scheme -> package with which Beam reads it; uv.lock does not contain these packages."""
_OTHER = "an address that nothing here reads: copy the file to this machine"


def refusal(path: str, but: str = "") -> str | None:
    """Return why a file cannot be a table in text form.

    Args:
        path: A local file, or a file in a bucket.
        but: A format that the caller supports.

    Returns:
        Message with the format and how to convert it; None if the file may be text.
    """
    head = opening.head(path, HEAD_BYTES)
    packed = compression.kind(head)
    if packed == "zip" and not data_paths.is_remote(path):
        with contextlib.suppress(*compression.FAULTS), zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            kinds = [kind for name, kind in _ARCHIVED.items() if name in names and kind.what != but]
            return _sentence(path, kinds[0]) if kinds else None
        return None
    if packed is not None:
        with contextlib.suppress(*compression.FAULTS), contextlib.closing(opening.open_unpacked(path)) as file:
            head = file.read(HEAD_BYTES)
    kind = next((kind for kind in _KINDS if re.match(kind.magic.encode("latin-1"), head)), None)
    if kind is None or kind.what == but:
        return None
    return (json_documents.refusal(path) if kind.what in _JSON else None) or _sentence(path, kind)


def by_name(path: str) -> str | None:
    """Return the message of `refusal` by the file's name alone, for a file whose bytes do not identify its format."""
    low = compression.bare(path)
    kinds = (*_KINDS, *_ARCHIVED.values())
    return next((_sentence(path, kind) for kind in kinds if kind.ending and low.endswith(kind.ending)), None)


def address(path: str, *, remote: bool = False) -> str | None:
    """Return why an address cannot be read.

    Args:
        path: A path, or an address such as s3://BUCKET/FILE.
        remote: Whether the file may be on one of Beam's file systems; buckets may always be named.

    Returns:
        Message; None for a path.
    """
    match = re.match(r"(\w[\w+.-]*)://", path)
    if match is None:
        return None
    scheme = match[1].lower().split("+")[0]
    template = next((text for schemes, text in _ADDRESSES if re.fullmatch(schemes, scheme)), None)
    if template is None and (remote or scheme in buckets.SCHEMES):
        return None
    name = os.path.basename(path.rstrip("/").split("?")[0]) or "table"
    # Keep passwords out of terminals and logs.
    public_path = re.sub(r"//[^@/]*@", "//", path)
    return f"{public_path} is {(template or _OTHER).format(path=public_path, name=name)}"


def no_file_system(path: str, error: Exception) -> str:
    """Return in a few words why Beam finds no file at an address.

    Args:
        path: The address.
        error: Exception from Beam, which contains the errors of its file system and of the client library.
    """
    scheme = path.partition("://")[0].lower()
    package = _CLIENTS.get(scheme)
    if package is not None and importlib.util.find_spec(package) is None:
        return f"the package {package} is not installed"
    if not isinstance(error, OSError):
        return f"Beam has no file system for {scheme}://"
    inner: Any = error
    while details := getattr(inner, "exception_details", None):
        inner = next(iter(details.values()))
    return (str(inner).strip().splitlines() or [type(inner).__name__])[0].rstrip(".")


def convert(path: str, template: str) -> str:
    """Return a command that converts a file, from a template with the fields `{path}` and `{base}`.

    The command never writes over the file: where the file has the name of the result, the result gets another one.
    """
    base, ending = os.path.splitext(path)
    if ending and f"{{base}}{ending}" in template:
        base += "_converted"
    return template.format(path=path, base=base)


def _sentence(path: str, kind: _Kind) -> str:
    return f"{path} is {kind.what}: {convert(path, kind.convert)}"
