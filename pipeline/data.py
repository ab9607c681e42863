"""Keys of [data]: where the rows come from, what is left out of them and how they are divided."""

import codecs
import datetime
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from components.ingestion.files import flat
from components.ingestion.filters import Filter
from components.ingestion.formats import TABLES
from components.ingestion.spans import placeholders
from components.query import address
from models.date_text import DateFormat
from models.strict import Strict
from pipeline.split import Split

SPLITS = ("train", "eval", "test")


class Csv(Strict):
    """The dialect of CSV files."""

    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """None: a tab in .tsv files, else a comma."""
    quote: str = Field(default='"', max_length=1)
    """Goes around a cell that holds the delimiter or a line's end; doubled it stands for itself. "": no quotes."""
    escape: str = Field(default="", max_length=1)
    """Stands before a character that is meant as such; "": none."""
    header: bool = True
    """Whether the first line names the columns."""
    names: tuple[str, ...] = ()
    """Names of the columns in order: needed without a header line, and instead of its names with one."""
    skip_rows: int = Field(default=0, ge=0)
    """Lines above the header, or above the first row where there is none, that are passed over: a title, `sep=;`."""
    skip_footer: int | None = Field(default=None, ge=0)
    """Rows at the end that are left out: totals, notes; a blank line is no row. None: a last row that looks like a
    total is an error; 0: it is a row."""
    long_cells: Literal["error", "cut", "skip"] = "error"
    """Texts of over 131,072 bytes. error: stop, as a quote may lack its end; cut: keep so many bytes; skip: leave the
    row out."""
    comment: str = Field(default="", max_length=8)
    """A line between rows that begins with this text is left out; "": none."""
    encoding: str = "utf-8"
    """As Python names it, such as latin-1 or cp1252."""
    decimal: Literal[".", ","] = "."
    """Stands before a number's fraction."""
    thousands: Literal["", ",", ".", " ", "'", "_"] = ""
    """Divides a number's groups of digits; " " for a blank of any kind, no-break ones among them."""
    units: tuple[str, ...] = ()
    """Signs before or after a number that are removed, as ["$", "%"]: 45 % is read as 45. "()": a number in
    parentheses is negative."""

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError("this is no encoding that Python knows, such as utf-8, latin-1 or cp1252") from None
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
        if not all(unit.strip() and not any(sign.isdigit() for sign in unit) for unit in self.units):
            raise ValueError('units are signs without digits, as ["$", "%", "EUR"]')
        return self


class Image(Strict):
    """The size of images."""

    height: int | None = Field(default=None, ge=1, le=4096)
    """Pixels; with width. idx and images: each is resized to it, else it stays as it is. pixels: what the columns make,
    else a square."""
    width: int | None = Field(default=None, ge=1, le=4096)
    max_broken: float = Field(default=0, ge=0, le=1)
    """images: files that are no images, or broken ones, are left out; more than this share of all is an error."""

    @model_validator(mode="after")
    def _both(self) -> "Image":
        if (self.height is None) != (self.width is None):
            raise ValueError("height and width go together")
        return self


class Spans(Strict):
    """How a column of dates is cut into spans."""

    by: Literal["day", "week", "month"]


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

    path: Paths | dict[Literal["train", "eval", "test"], Paths] | None = None
    """A file, or a pattern as data/*.csv, relative to the data root; or several; or those of each split. {SPAN},
    {VERSION}, {YYYY}, {MM} and {DD} in it tell spans. None: the rows are those of `sql`."""
    sql: str | None = Field(default=None, min_length=1)
    """One SELECT, instead of path: its rows, in its order, are the data; they are read once before each run."""
    database: str | None = None
    """Where `sql` is asked: "sqlite:///FOLDER/FILE.db", relative to the data root, or "postgresql://HOST/DATABASE",
    with user and password from PGUSER and PGPASSWORD or PGPASSFILE."""
    query_seconds: float = Field(default=3600, gt=0)
    """Most seconds that `sql` may take."""
    format: Literal["csv", "jsonl", "xlsx", "parquet", "tfrecord", "idx", "pixels", "images"] | None = None
    """None: as the files' names tell, or a folder of folders of images. pixels: CSV with columns pixel1, pixel2, ..."""
    sheet: str | None = Field(default=None, min_length=1)
    """xlsx: the sheet's name; None: the first."""
    csv: Csv = Csv()
    image: Image = Image()
    blank: tuple[str, ...] = ("", "?", "NA", "N/A", "null")
    """Texts that mean that the value is missing, in every column of CSV and Parquet, and of a row that is served."""
    trim: bool = True
    """Whether blanks around texts are taken away, also of a row that is served."""
    column_null_values: dict[str, tuple[NullValue, ...]] = Field(default_factory=dict)
    """Column -> values that mean that the value is missing in this column, besides `blank`; a number is that number
    however it is written."""
    partitions: tuple[str, ...] = ()
    """Columns that the names of folders hold, KEY=VALUE, as Hive and Spark write them."""
    drop: tuple[str, ...] = ()
    """Columns that are not read, such as one of lists, or one of two of a name; a schema does not name them."""
    dates: dict[str, str] = Field(default_factory=dict)
    """Column -> how its dates are written, as "DD.MM.YYYY", "MON DD, YYYY" or "epoch_ms"; they become YYYY-MM-DD."""
    fold_case: tuple[str, ...] = ()
    """Columns whose texts become lower case, also of a row that is served: Yes, YES and yes are one category."""
    exclude: tuple[str, ...] = ()
    """Expressions for obviously wrong rows, as "bedrooms > 20": a row that one of them names is left out."""
    max_blank_label: float = Field(default=0.05, ge=0, le=1)
    """Rows without a label are left out; more than this share of the rows is an error."""
    sample: int | None = Field(default=None, ge=1)
    """Take about this many rows only, for a quick run: an equal part of each file, or of ready-made splits by
    their shares, thinned out of its first rows."""
    spans: Spans | None = None
    """Cut [columns] time, a column of dates, into spans."""
    span: Annotated[int | str | None, BeforeValidator(_written)] = None
    """The newest span to take, by its number or date; None: the latest."""
    window: int | None = Field(default=None, ge=1)
    """Take this many spans, the newest and those before it; None: one."""
    split: Annotated[Split, BeforeValidator(_spelled_out)] = Split()

    @field_validator("dates")
    @classmethod
    def _date_formats(cls, dates: dict[str, str]) -> dict[str, str]:
        for column, text in dates.items():
            if fault := DateFormat(text).fault:
                raise ValueError(f"{column}: {text!r} is no format: {fault}")
        return dates

    @property
    def paths(self) -> Paths | dict[Literal["train", "eval", "test"], Paths]:
        """`path`; rows of a query have one once they were taken, see `pipeline.query`."""
        assert self.path is not None, "the query was not run"
        return self.path

    @field_validator("exclude")
    @classmethod
    def _understood(cls, exclude: tuple[str, ...]) -> tuple[str, ...]:
        for text in exclude:
            Filter(text)
        return exclude

    @model_validator(mode="after")
    def _one_source(self) -> "Data":
        if (self.path is None) == (self.sql is None):
            raise ValueError("path is needed, or sql with database: one of the two says where the rows come from")
        if (self.sql is None) != (self.database is None):
            raise ValueError("sql and database go together: the query, and where it is asked")
        if self.database is not None:
            address.check(self.database)
        return self

    @classmethod
    def idle(cls, given: Mapping[str, Any]) -> Collection[str]:
        """Keys of the other source of rows."""
        if "sql" in given or "database" in given:
            return ("path", "format", "sheet", "csv", "image", "partitions")
        return ("query_seconds",) if "path" in given else ()

    @model_validator(mode="after")
    def _acting(self) -> "Data":
        for key in self.idle(self.model_dump(exclude_none=True, include={"path", "sql"})):
            if getattr(self, key) != _default(self, key):
                raise ValueError(f"{key} does nothing beside {'sql' if self.sql else 'path'}: take it out")
        acting = {
            "csv": ("csv", "jsonl", "xlsx", "pixels"),
            "sheet": ("xlsx",),
            "drop": TABLES,
            "partitions": TABLES,
            "image": ("idx", "pixels", "images"),
        }
        for key, formats in acting.items():
            if self.format not in (None, *formats) and getattr(self, key) != _default(self, key):
                raise ValueError(f"{key} does nothing with format = {self.format!r}: take it out")
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
