"""Reader of one sheet of an Excel workbook (.xlsx, .xlsm): a header row, and data rows."""

import contextlib
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from components.ingestion.discovery import opening, unsupported_formats
from components.ingestion.omissions import Omissions, short
from components.ingestion.parsing import casting, csv_edges, csv_header, csv_text, sheet_cells
from components.ingestion.parsing.typed_columns import typed
from components.ingestion.readers import Format, NoRowsError
from components.ingestion.rows import left_out_columns
from errors import ResourceError, UserError
from spec.data import Data
from spec.rows import data_paths

FORMAT = Format(
    extensions=(".xlsx", ".xlsm"),
    keys=("csv", "sheet", "drop", "partitions"),
    csv_keys=("decimal", "thousands", "units", "plain", "header", "names", "skip_rows", "skip_footer"),
    is_cleaned=True,
    is_untyped=True,
)
BATCH_CELLS = 250_000
"""Cells decoded per batch: limits memory."""
MAX_ROWS = 1_048_576
"""Largest number of rows of a sheet that Excel allows."""
LOOKED_AT = 100
"""Rows that `look` reads."""
LAST_ROWS = 20
"""Rows at the end among which the last one is compared with the others, to find a total."""
INSTALL = "run `make set-up`, which installs the dependency group `excel`"
ERRORS = "an error such as #N/A, as a missing value"
EMPTY = "empty"
MERGED = "merged cells, of which the first alone has the value: unmerge and fill them if the others have it too"
_MERGE = re.compile(rb"""<(?:\w{1,20}:)?mergeCell\s+ref=["']([A-Z0-9:$]{0,29}[0-9])["']""")
_LETTERS = re.compile("[A-Z:$]+")
SCAN_BYTES, _MAX_TAG_LENGTH = 1 << 20, 80
"""Bytes of a sheet that are searched for merged cells at once, and those of a merged cell's tag up to its range."""


class _Block(NamedTuple):
    """A block of rows.

    Attributes:
        rows: Row numbers in the sheet, from 1.
        columns: Column -> cells as strings; None for null.
    """

    rows: list[int]
    columns: dict[str, list[str | None]]

    def place(self, row: int) -> str:
        """Return the location in the sheet of a row of the block, from 0."""
        return f"row {self.rows[row]}"


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a sheet of a workbook in batches; arguments, result and errors as in `sources.batches`.

    Dates become strings YYYY-MM-DD, with hh:mm:ss unless midnight, booleans `true` and `false`, durations seconds; a
    formula is read as its stored value.
    """
    cleaning = data.cleaning
    for block in _blocks(path, data, omissions):
        texts = ((name, pa.array(block.columns.get(name) or [None] * len(block.rows), pa.string())) for name in columns)
        cleaned = ((name, casting.clean(column, cleaning.rules(name))) for name, column in texts)
        yield typed(path, cleaned, columns, cleaning, block.place)


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """Return the type of each column: the given type, else the narrowest that fits; see `sources.types`."""
    cleaning, looks = data.cleaning, dict[str, str | None]()
    for block in _blocks(path, data):
        for name, texts in block.columns.items():
            looks.setdefault(name, None)
            if name not in columns:
                cleaned = casting.clean(pa.array(texts, pa.string()), cleaning.rules(name))
                looks[name] = casting.looks_like(cleaned, looks[name], cleaning.rules(name).numbers)
    return {
        name: columns.get(name) or looks[name] or "BYTES"
        for name in left_out_columns.read_columns(looks, data, omissions)
    }


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that a sheet can be read and contains a row, and return its column names."""
    first_block = next(_blocks(path, data, omissions, LOOKED_AT), None)
    if first_block is None:
        raise NoRowsError(f"{path}: the sheet has no row below its header")
    return left_out_columns.read_columns(first_block.columns, data, omissions)


def header(path: str, data: Data) -> csv_header.Header:
    """Read the column names of a sheet."""
    with _sheet(path, data, Omissions()) as sheet:
        for number, row in enumerate(_rows(path, sheet), 1):
            if number > data.csv.skip_rows and any(cell.value is not None for cell in row):
                return _header(row, data)
    return csv_header.Header([], [], has_rows=False)


def texts(path: str, data: Data) -> Iterator[tuple[int, list[str]]]:
    """Read the cells of a sheet as texts, titles and header among them.

    Yields:
        Number of a row with a value, from 1, and its cells up to the last value; "" for null.
    """
    with _sheet(path, data, Omissions()) as sheet:
        for number, row in enumerate(_rows(path, sheet), 1):
            cells = ["" if cell.value is None else sheet_cells.text(cell) or "" for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield number, cells


def _blocks(path: str, data: Data, omissions: Omissions | None = None, most: int | None = None) -> Iterator[_Block]:
    """Read the rows below the header in blocks; `omissions` records skipped and converted parts."""
    omitted = Omissions() if omissions is None else omissions
    footer = data.csv.skip_footer or 0
    kept_back = max(footer, LAST_ROWS)
    with _sheet(path, data, omitted) as sheet:
        names: list[str] = []
        rows: list[tuple[int, Sequence[Any]]] = []
        for number, row in enumerate(_rows(path, sheet), 1):
            if number <= data.csv.skip_rows:
                continue
            if all(cell.value is None for cell in row):
                if names:
                    omitted.add("row", EMPTY, f"{number:,}", action="skipped")
                continue
            if not names:
                names, header = _header(row, data).names, number
                left_out_columns.check_names(path, left_out_columns.read_columns(names, data))
                if data.csv.header:
                    continue
            rows.append((number, row))
            if len(rows) >= (most or max(1, BATCH_CELLS // len(names))) + kept_back:
                yield _block(path, names, header, rows[:-kept_back], omitted)
                rows = rows[-kept_back:]
        if footer and names:
            omitted.add("row", csv_text.BELOW, action="skipped", count=min(footer, len(rows)))
            rows = rows[:-footer]
        elif data.csv.skip_footer is None:
            _check_total(path, rows)
        if rows:
            yield _block(path, names, header, rows, omitted)


def _check_total(path: str, rows: Sequence[tuple[int, Sequence[Any]]]) -> None:
    """Check that the last row is not a total of the others, of which a few are enough.

    Raises:
        UserError: it is; names the file and the row.
    """
    texts = [[None if cell.value is None else sheet_cells.text(cell) for cell in row] for _, row in rows[-LAST_ROWS:]]
    cell = csv_edges.total(texts)
    if cell is not None:
        raise UserError(csv_edges.refusal(f"{path}, row {rows[-1][0]}", None, cell))


def _header(row: Sequence[Any], data: Data) -> csv_header.Header:
    texts = ["" if cell.value is None else sheet_cells.text(cell) or "" for cell in row]
    while texts and not texts[-1].strip():
        texts.pop()
    return csv_header.of(texts, data)


def _check_width(path: str, names: Sequence[str], number: int, row: Sequence[Any], header: int) -> None:
    beyond = next((cell for cell in row[len(names) :] if cell.value is not None), None)
    if beyond is not None:
        raise UserError(
            f"{path}: cell {beyond.coordinate} holds a value, and the header in row {header} names {len(names)} "
            f"column(s): {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}. Name the column, or say how many "
            f"rows stand above the header, as in csv.skip_rows = {header}"
        )


def _block(
    path: str, names: Sequence[str], header: int, rows: Sequence[tuple[int, Sequence[Any]]], omissions: Omissions
) -> _Block:
    for number, row in rows:
        _check_width(path, names, number, row, header)
    columns: dict[str, list[str | None]] = {}
    for place, name in enumerate(names):
        cells = [row[place] if place < len(row) else None for _, row in rows]
        if errors := sum(cell is not None and cell.data_type == "e" for cell in cells):
            omissions.add("cell", f"{ERRORS}, in column {short(name)!r}", action="read", count=errors)
        columns[name] = [None if cell is None or cell.value is None else sheet_cells.text(cell) for cell in cells]
    return _Block([number for number, _ in rows], columns)


@contextlib.contextmanager
def _sheet(path: str, data: Data, omissions: Omissions) -> Iterator[Any]:
    """Open the sheet that data.sheet names, or the first."""
    try:
        import openpyxl
    except ImportError as error:
        raise ResourceError(
            f"{path} is an Excel workbook, which the package openpyxl reads, and {error}: {INSTALL}, or save the sheet "
            "as CSV"
        ) from error
    with contextlib.ExitStack() as streams:
        with _damage(path):
            local = streams.enter_context(_workbook(path))
            file = streams.enter_context(open(local, "rb"))
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            streams.enter_context(contextlib.closing(book))
            sheet = _chosen(path, book.worksheets, data.sheet, omissions)
            # The sheet size stored by the writing program may be wrong.
            sheet.reset_dimensions()
            for cells in _merged(local, sheet._worksheet_path):
                # A title above the table is often merged.
                if int(_LETTERS.split(cells)[-1]) > data.csv.skip_rows:
                    omissions.add("range", MERGED, cells, action="read")
        yield sheet


def _rows(path: str, sheet: Any) -> Iterator[Sequence[Any]]:
    """Iterate over rows, with empty ones where the sheet leaves out numbers; a damaged number would yield millions."""
    rows = iter(sheet.iter_rows())
    for _ in range(MAX_ROWS + 1):
        with _damage(path):
            row = next(rows, None)
        if row is None:
            return
        yield row
    raise UserError(f"{path}: the sheet names a row above {MAX_ROWS:,}, the last one of Excel: it is damaged")


@contextlib.contextmanager
def _damage(path: str) -> Iterator[None]:
    """Raise parser errors on damaged bytes as UserError with the file; ignore its warnings, which concern styles."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} cannot be read as an Excel workbook: {reason}") from error


def _chosen(path: str, sheets: Sequence[Any], name: str | None, omissions: Omissions) -> Any:
    titles = [sheet.title for sheet in sheets]
    if not sheets:
        raise UserError(f"{path} has no sheet with cells")
    if name not in (None, *titles):
        listed = ", ".join(map(repr, titles))
        raise UserError(f"{path}: there is no sheet {name!r}: set data.sheet to one of: {listed}")
    if name is not None:
        return sheets[titles.index(name)]
    for title in titles[1:]:
        omissions.add("sheet", "data.sheet names none, so the first is read", title)
    return sheets[0]


@contextlib.contextmanager
def _workbook(path: str) -> Iterator[str]:
    """Yield a local path of a workbook; a remote or additionally compressed one is copied to a temporary file."""
    remote = data_paths.is_remote(path)
    if not remote and (refusal := unsupported_formats.refusal(path, but=unsupported_formats.EXCEL)):
        raise UserError(refusal)
    if not remote and unsupported_formats.refusal(path):
        yield path
        return
    source = opening.open_binary(path) if remote else opening.open_unpacked(path)
    with contextlib.closing(source), opening.copied(source) as local:
        yield local


def _merged(path: str, part: str) -> Iterator[str]:
    """Yield the ranges of merged cells of a sheet without parsing it, which would take as long as reading it."""
    overlap = b""
    with zipfile.ZipFile(path) as archive, archive.open(part.lstrip("/")) as file:
        while block := file.read(SCAN_BYTES):
            text = overlap + block
            for match in _MERGE.finditer(text):
                if match.end() > len(overlap):
                    yield match[1].decode()
            overlap = text[-_MAX_TAG_LENGTH:]
