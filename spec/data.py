"""Settings of [data]: source of the rows, which rows and values are dropped, and how rows are split."""

import codecs
import datetime
from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from spec.addresses import database_address
from spec.base import Strict
from spec.cells.cleaning import Cleaning
from spec.cells.date_format import DateFormat
from spec.cells.number_format import NumberFormat
from spec.rows.data_paths import flat, placeholders
from spec.rows.row_expression import Expression
from spec.rows.split import Split


class Csv(Strict):
    """Dialect of CSV files."""

    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Column separator, one ASCII character. Unset: a tab in .tsv files, else a comma."""
    quote: str = Field(default='"', max_length=1)
    """Quote character of cells that contain the delimiter or a line break; doubled inside a cell it stands for itself.
    "": no quoting."""
    escape: str = Field(default="", max_length=1)
    """Escape character: the character after it is taken literally. "": none."""
    header: bool = True
    """Whether the first line holds the column names."""
    names: tuple[str, ...] = ()
    """Column names in order: required without a header line, and used instead of its names with one."""
    skip_rows: int = Field(default=0, ge=0)
    """Number of lines to skip above the header, or above the first row if there is none: a title, `sep=;`."""
    skip_footer: int | None = Field(default=None, ge=0)
    """Number of rows to drop at the end, such as totals and notes; blank lines do not count. Unset: a last row that
    looks like a total is an error; 0: it is kept as a row."""
    long_cells: Literal["error", "cut", "skip"] = "error"
    """Texts of more than 131,072 bytes. error: stop, because a closing quote may be missing; cut: keep the first
    131,072 bytes; skip: drop the row. Both are counted."""
    comment: str = Field(default="", max_length=8)
    """Drop each line that starts with this text, such as "#". "": none."""
    encoding: str = "utf-8"
    """Text encoding by its Python name, such as latin-1 or cp1252."""
    decimal: Literal[".", ","] = "."
    """Decimal separator of numbers."""
    thousands: Literal["", ",", ".", " ", "'", "_"] = ""
    """Thousands separator of numbers; " " stands for any space character, including no-break spaces."""
    units: tuple[str, ...] = ()
    """Signs to remove before or after a number, such as ["$", "%", "EUR"]: 45 % is read as 45. "()": a number in
    parentheses is negative; "-": a sign may stand after its number, such as 12.50- and 12.50+; "\u2212": the
    typographic minus sign is a minus, as it is beside any of these keys."""
    plain: tuple[str, ...] = ()
    """Columns whose numbers are written as programs write them, such as 1234.5, whatever the three keys above say."""

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError("Python knows no such encoding; known are for example utf-8, latin-1 or cp1252") from None
        return encoding

    @model_validator(mode="after")
    def _fits(self) -> "Csv":
        if not self.header and not self.names:
            raise ValueError("header = false needs names = [...], the columns in order")
        if len(set(self.names)) != len(self.names):
            raise ValueError("a name stands twice in names")
        for key in ("delimiter", "quote", "escape"):
            value = getattr(self, key)
            if value and not (value.isascii() and value not in "\r\n"):
                raise ValueError(f"{key} must be one ASCII character, and no line's end")
        if (self.delimiter or ",") in (self.quote, self.escape):
            raise ValueError("delimiter must differ from quote and escape")
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must differ")
        if not all(unit.strip() and not any(sign.isdecimal() for sign in unit) for unit in self.units):
            raise ValueError('units are signs without digits, as ["$", "%", "EUR"]')
        return self


class Image(Strict):
    """Size of images, and how many may be broken."""

    height: int | None = Field(default=None, ge=1, le=4096)
    """Height in pixels, set together with width. idx, images: resize each image to this size; unset: keep its size.
    pixels: the shape that the columns make; unset: a square."""
    width: int | None = Field(default=None, ge=1, le=4096)
    """Width in pixels."""
    max_broken: float = Field(default=0, ge=0, le=1)
    """images: largest share of files that cannot be decoded. They are dropped, counted and named; a larger share is an
    error that names them."""

    @model_validator(mode="after")
    def _both(self) -> "Image":
        if (self.height is None) != (self.width is None):
            raise ValueError("height and width go together")
        return self


class Spans(Strict):
    """How a date column is cut into spans."""

    by: Literal["day", "week", "month"]
    """Length of one span of [columns] time."""


def _default(settings: Strict, key: str) -> Any:
    return type(settings).model_fields[key].get_default(call_default_factory=True)


def _spelled_out(split: Any) -> Any:
    return {"by": split} if isinstance(split, str) else split


def _written(span: Any) -> Any:
    return span.isoformat() if isinstance(span, datetime.date) else span


def _as_text(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


NullValue = Annotated[str, BeforeValidator(_as_text)]
"""A text, or a number that a config may write as one."""
Paths = str | tuple[str, ...]


class Data(Strict):
    """Where the rows come from."""

    renamed: ClassVar[Mapping[str, str]] = {
        "blank": "null_values",
        "trim": "strip_whitespace",
        "max_blank_label": "max_null_label",
    }
    path: Paths | dict[Literal["train", "eval", "test"], Paths] | None = None
    """A file, a folder, or a pattern such as data/*.csv, relative to --data-root; a list of them; or those of each
    split, with split.by = "files". {SPAN}, {VERSION}, {YYYY}, {MM} and {DD} in a path select spans. Required, unless
    `sql` is set."""
    sql: str | None = Field(default=None, min_length=1)
    """One SELECT statement, instead of path: its rows, in its order, are the data. It runs once before each run."""
    database: str | None = None
    """Database of `sql`: "sqlite:///FOLDER/FILE.db", relative to --data-root (with a fourth slash absolute), or
    "postgresql://HOST/DATABASE" with user and password from PGUSER and PGPASSWORD, or PGPASSFILE."""
    query_seconds: float = Field(default=3600, gt=0)
    """Time limit of `sql` in seconds."""
    format: str | None = Field(default=None, min_length=1)
    """File format: csv, jsonl, xlsx, parquet, tfrecord, idx, images, or pixels, which is CSV with columns pixel1,
    pixel2, ...; or a reader of your own, as the dotted path of its module, such as "my_reader". Unset: by file name, or
    images for a folder with one folder of images per class."""
    sheet: str | None = Field(default=None, min_length=1)
    """xlsx: name of the sheet to read. Unset: the first."""
    csv: Csv = Csv()
    image: Image = Image()
    null_values: tuple[str, ...] = ("", "?", "NA", "N/A", "null")
    """Texts that mean null, in every column of CSV and Parquet and in served rows. A number in this list matches every
    spelling of it in a numeric column."""
    strip_whitespace: bool = True
    """Strip whitespace, including no-break spaces, around texts and column names, before `null_values` is compared;
    also in served rows."""
    column_null_values: dict[str, tuple[NullValue, ...]] = Field(default_factory=dict)
    """Column -> further values that mean null in this column, such as {income = [-999]}; a number matches every
    spelling of it."""
    partitions: tuple[str, ...] = ()
    """Columns in the names of folders, KEY=VALUE as written by Hive and Spark: ["year", "month"] for
    year=2024/month=01/part.parquet. __HIVE_DEFAULT_PARTITION__ means null."""
    drop: tuple[str, ...] = ()
    """Tables: columns that are not read, such as a column of lists, or one of two columns with the same name. The
    schema does not list them; a column that the data does not have is an error."""
    vectors: dict[str, Annotated[int, Field(ge=1, le=4096)]] = Field(default_factory=dict)
    """Parquet and JSON lines: column of lists of numbers -> length of the lists, such as {embedding = 64}. It becomes
    the columns embedding.0 to embedding.63; a null list is null in each, and a list of another length an error."""
    dates: dict[str, str] = Field(default_factory=dict)
    """Column -> format of its dates, if it is not YYYY-MM-DD: "DD.MM.YYYY", "MON DD, YYYY", "epoch_ms" or
    "excel_days". They are converted to YYYY-MM-DD."""
    fold_case: tuple[str, ...] = ()
    """Columns whose texts are converted to lower case, also in served rows, so that Yes, YES and yes are one category.
    Categories, classes, `exclude` and the schema are then lower case too."""
    exclude: tuple[str, ...] = ()
    """Expressions for obviously wrong rows, such as "bedrooms > 20"; a row that matches one is dropped."""
    max_null_label: float = Field(default=0.05, ge=0, le=1)
    """Largest share of rows whose label is null. They are dropped; a larger share is an error. A clusters label may be
    null."""
    sample: int | None = Field(default=None, ge=1)
    """Read about this many rows only, for a quick run: an equal part of each file, or of each ready-made split by its
    share, sampled from its first rows."""
    spans: Spans | None = None
    """Cut [columns] time, a date column, into spans."""
    span: Annotated[int | str | None, BeforeValidator(_written)] = None
    """Newest span to read, by its number or date. Unset: the latest."""
    window: int | None = Field(default=None, ge=1)
    """Number of spans to read: the newest and those before it. Unset: one."""
    split: Annotated[Split, BeforeValidator(_spelled_out)] = Split()
    """How rows are divided; `split = "all"` is short for `split = {by = "all"}`."""

    @field_validator("dates")
    @classmethod
    def _date_formats(cls, dates: dict[str, str]) -> dict[str, str]:
        for column, text in dates.items():
            if fault := DateFormat(text).fault:
                raise ValueError(f"{column}: {text!r} is not a format: {fault}")
        return dates

    @property
    def paths(self) -> Paths | dict[Literal["train", "eval", "test"], Paths]:
        """`path`; rows of a query have one once they were taken, see `pipeline.query_config`."""
        assert self.path is not None, "the query was not run"
        return self.path

    @property
    def cleaning(self) -> Cleaning:
        """How the cells of all columns are cleaned."""
        numbers = NumberFormat(self.csv.decimal, self.csv.thousands, self.csv.units)
        nulls = self.column_null_values
        plain = self.csv.plain
        return Cleaning(self.strip_whitespace, self.null_values, nulls, self.fold_case, numbers, self.dates, plain)

    @field_validator("exclude")
    @classmethod
    def _understood(cls, exclude: tuple[str, ...]) -> tuple[str, ...]:
        for text in exclude:
            Expression(text)
        return exclude

    @model_validator(mode="after")
    def _one_source(self) -> "Data":
        if (self.path is None) == (self.sql is None):
            raise ValueError("path is needed, or sql with database: one of the two is the source of the rows")
        if (self.sql is None) != (self.database is None):
            raise ValueError("sql and database go together: the query, and where it is asked")
        if self.database is not None:
            database_address.check(self.database)
        return self

    @classmethod
    def idle(cls, section: Mapping[str, Any]) -> Collection[str]:
        """Keys of the other source of rows."""
        if "sql" in section or "database" in section:
            return ("path", "format", "sheet", "csv", "image", "partitions")
        return ("query_seconds",) if "path" in section else ()

    @property
    def span_unit(self) -> str:
        """What the numbers of its spans count from 1970: day, week or month; empty for numbers in names of files."""
        if self.spans is not None:
            return self.spans.by
        return "day" if any("YYYY" in placeholders(pattern) for _, pattern in flat(self.path or ())) else ""

    @model_validator(mode="after")
    def _acting(self) -> "Data":
        for key in self.idle(self.model_dump(exclude_none=True, include={"path", "sql"})):
            if getattr(self, key) != _default(self, key):
                raise ValueError(f"{key} has no effect with {'sql' if self.sql else 'path'}: take it out")
        return self

    @model_validator(mode="after")
    def _told_spans(self) -> "Data":
        names = {name for _, pattern in flat(self.path or ()) for name in placeholders(pattern)}
        dated = names & {"YYYY", "MM", "DD"}
        if dated and ("SPAN" in names or "YYYY" not in names or ("DD" in names and "MM" not in names)):
            raise ValueError("path: a span is {SPAN}, or a date: {YYYY}, {YYYY}{MM} or {YYYY}{MM}{DD}")
        if self.spans is not None and (dated or "SPAN" in names):
            raise ValueError("spans does nothing where path has {SPAN} or a date: take one of the two out")
        if self.split.by == "span" and (self.window or 1) < 2:
            raise ValueError(
                'split.by = "span" tests on the newest span and trains on those before it: set window = 2 or more'
            )
        for key in ("span", "window"):
            if getattr(self, key) is not None and self.spans is None and not dated and "SPAN" not in names:
                raise ValueError(
                    f"{key} needs spans: {{SPAN}} or {{YYYY}}{{MM}}{{DD}} in path, or spans = {{by = ...}}"
                )
        return self

    @model_validator(mode="after")
    def _ready_made(self) -> "Data":
        if isinstance(self.path, dict) != (self.split.by == "files"):
            raise ValueError(
                "split.by = 'files' and path = {train = ..., eval = ..., test = ...} go together: the files of each "
                "split"
            )
        if isinstance(self.path, dict) and not {"train", "test"} <= set(self.path):
            raise ValueError("path needs files for train and test; those of eval may be cut out of train's")
        return self
