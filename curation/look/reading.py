"""Detection of the kind of data, and reading it for a proposal."""

import functools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from components.ingestion import sources
from components.ingestion.discovery import (
    data_files,
    empty_files,
    formats,
    hive_partitions,
    image_folders,
    unsupported_formats,
)
from components.ingestion.omissions import Omissions, short
from components.ingestion.parsing import csv_text, vectors
from components.ingestion.readers import images
from curation.facts import number_formats
from curation.look import dated_names, file_keys, image_facts, path_choices, several_files
from curation.look.image_facts import Pictures
from curation.propose import cell_rules, config_text
from curation.propose.choices import Line
from errors import UserError
from spec.data import Data
from spec.rows import data_paths

MOST_ROWS = 2_000_000
"""Largest number of rows that are read."""
MAX_IMAGES = 20_000
"""Largest number of images that are read from IDX and pixel files."""
_ADDED = "the path of the image file, whose folder is the class: an id, never a feature"


class Cells(NamedTuple):
    """Rows of the data of a config.

    Attributes:
        table: The cells, as strings if the format is untyped.
        is_complete: Whether all rows were read.
        kinds: Column -> type, if the format defines it.
        omissions: What was skipped, dropped or converted.
        columns_of: File -> its columns; empty unless there are several files of a table.
        not_numbers: Columns of numbers that are texts, because data.csv says that numbers have another format.
    """

    table: pa.Table
    is_complete: bool
    kinds: Mapping[str, str]
    omissions: Omissions
    columns_of: Mapping[str, list[str]] = {}
    not_numbers: Sequence[str] = ()

    def typed(self, types: Mapping[str, str]) -> dict[str, str]:
        """Return the columns' types, from those of a schema."""
        return {**self.kinds, **types, **dict.fromkeys(self.not_numbers, "BYTES")}


@dataclass(frozen=True)
class LoadedData:
    """Data of a proposal, as it was read.

    Attributes:
        table: The cells; CSV columns are strings, and images are empty.
        lines: Keys of [data] except `split`.
        is_complete: Whether all rows were read.
        format_name: The format, or "rows of a query".
        pictures: Size and color of the images; None for a table.
        kinds: Column -> type, if the format or data.csv defines it.
        added: Column that the reader adds to identify a row -> why it is not a feature.
        findings: Findings in the choice of the paths, one sentence each.
        omissions: What was skipped, dropped or converted.
    """

    table: pa.Table
    lines: tuple[Line, ...]
    is_complete: bool
    format_name: str
    pictures: Pictures | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    omissions: Omissions = field(default_factory=Omissions)

    @property
    def values(self) -> dict[str, Any]:
        """The keys' values."""
        return _active(self.lines)

    @property
    def where(self) -> str:
        """The data's path, in a message."""
        path = self.values.get("path") or self.values["database"]
        if not isinstance(path, Mapping):
            return str(path)
        return os.path.dirname(path["train"] if isinstance(path["train"], str) else path["train"][0])

    @property
    def ready_made(self) -> bool:
        """Whether each file belongs to a ready-made split."""
        return isinstance(self.values.get("path"), Mapping)


def read(path: str, root: str, label: str | None = None) -> LoadedData:
    """Read data that has no config yet.

    Args:
        path: A file, a pattern of files or a folder, relative to the working directory.
        root: The project folder: a path inside it is written relative to it.
        label: Label that the user has chosen; None if it is guessed later.

    Raises:
        UserError: the data does not exist or cannot be read.
    """
    if refusal := unsupported_formats.address(path):
        raise UserError(refusal)
    paths, reason, findings = path_choices.proposed(os.path.abspath(path), root)
    lines = [Line("path", paths, reason)]
    if isinstance(paths, str) and os.path.isfile(os.path.join(root, paths)) and (dated := dated_names.pattern(paths)):
        lines.append(
            Line("path", dated[0], f"for a new file each week: a run reads the newest {dated[1]}", active=False)
        )
        findings.append(
            f"the file's name holds a {dated[1]}: data.path = {config_text.toml(dated[0])} reads the newest file of "
            "this form in each run (docs/how-to/new-data-every-week.md)"
        )
    first_path = _first(paths, root)
    format_name = data_files.format_of(first_path)
    if format_name is None and image_folders.is_image(first_path):
        raise UserError(image_folders.no_classes(first_path))
    if format_name is None and (refusal := unsupported_formats.by_name(first_path)):
        raise UserError(unsupported_formats.refusal(first_path) or refusal)
    lines, file_findings = file_keys.of(first_path, format_name, lines)
    findings += file_findings
    format_name = _active(lines).get("format", format_name)
    if format_name == "images":
        return _folder(lines, findings, root)
    if keys := _partitions(lines, root):
        lines.append(Line("partitions", keys, "folders named KEY=VALUE: each key becomes a column"))
        findings.append(f"{', '.join(keys)}: columns from the names of folders, data.partitions")
    if lists := _vectors(lines, root):
        reason = "lists of numbers, all of one length: each number becomes a column"
        lines.append(Line("vectors", lists, reason))
        findings += [
            f"{name}: {reason}, {name}.0 to {name}.{length - 1}: data.vectors" for name, length in lists.items()
        ]
    if unread := _unreadable(lines, root):
        reasons = [f"{short(name)} is dropped: {reason}" for name, reason in unread.items()]
        lines.append(Line("drop", list(unread), "; ".join(reasons)))
        findings += reasons
    cells_read, lines, cut = _cut(root, lines, format_name)
    findings += cut
    table, is_complete = cells_read.table, cells_read.is_complete
    form = formats.of(first_path, format_name)
    if form is not None and form.is_cleaned and "image" not in form.keys:
        plain = _active(lines)
        reread = functools.partial(lambda further_keys, keys: cells(root, {**keys, **further_keys}).table, keys=plain)
        settled, cell_findings = cell_rules.propose(table, lines, first_path, str(format_name), reread, label)
        findings = [*findings, *cell_findings]
        if settled != lines:
            lines = settled
            cells_read = cells(root, _active(lines))
            table, is_complete = cells_read.table, cells_read.is_complete
    pictures, kinds = None, cells_read.typed({})
    if form is not None and "image" in form.keys:
        pictures, kinds, table = image_facts.of(table["image"].to_pylist()), {}, table.drop(["image"])
    looked = (table, tuple(lines), is_complete, str(format_name), pictures, kinds)
    return LoadedData(*looked, findings=tuple(findings), omissions=cells_read.omissions)


def _active(lines: Sequence[Line]) -> dict[str, Any]:
    return {line.key: line.value for line in lines if line.active}


def _cut(root: str, lines: list[Line], format_name: str | None) -> tuple[Cells, list[Line], list[str]]:
    """Read the data; cut text that is too long, and return the key for it and a sentence."""
    data = _active(lines)
    form = formats.reader(format_name).FORMAT if format_name else None
    most = MOST_ROWS if form is not None and form.is_untyped else None
    if format_name != "csv":
        return cells(root, data, most), lines, []
    csv = {**data.get("csv", {}), "long_cells": "cut"}
    sample = cells(root, {**data, "csv": csv}, most)
    long = [omission.line() for omission in sample.omissions if omission.reason == csv_text.TOO_LONG]
    if not long:
        return sample, lines, []
    reason = f"{'; '.join(long)}: a closing quote may be missing"
    csv_reason = next((line.reason for line in lines if line.key == "csv"), "")
    line = Line("csv", csv, f"{csv_reason}; {reason}" if csv_reason else reason)
    return sample, [*(entry for entry in lines if entry.key != "csv"), line], [reason]


def cells(root: str, data: Mapping[str, Any], max_rows: int | None = None, texts: Sequence[str] = ()) -> Cells:
    """Read the data of a section [data].

    Args:
        root: Folder that its paths are relative to.
        data: The section.
        max_rows: Maximum number of rows to read; None for the default of the format.
        texts: Columns that are read as text; their type is not inferred.

    Returns:
        The rows; for a folder of images a cell of `image` holds only the first bytes.

    Raises:
        UserError: it cannot be read.
    """
    parsed, omissions = _parsed(root, data), Omissions()
    paths = _filled(parsed, omissions)
    format_name = parsed.format or data_files.format_of(paths[0])
    if format_name == "images":
        table, _ = image_facts.table(paths, omissions, parsed)
        return Cells(table, True, dict(images.COLUMNS), omissions)
    form = formats.of(paths[0], parsed.format)
    max_rows = max_rows or (MOST_ROWS if form is not None and "image" not in form.keys else MAX_IMAGES)
    # As strings: which values mean null is not known yet.
    columns_of = several_files.columns(paths, parsed, root)
    names = dict.fromkeys(name for file_columns in columns_of.values() for name in file_columns)
    names = names if form is not None and form.is_untyped else dict.fromkeys(parsed.dates)
    columns = {name: "BYTES" for name in names if name not in parsed.partitions}
    batches, rows = [], 0
    for batch in sources.batches(paths, parsed, columns, omissions):
        batches.append(batch)
        rows += len(batch)
        if rows >= max_rows:
            break
    if not rows:
        raise UserError(f"{data['path']} holds no rows")
    table, not_numbers = number_formats.as_read(several_files.together(batches), parsed.cleaning, texts)
    return Cells(table, rows < max_rows, {}, omissions, columns_of if len(paths) > 1 else {}, not_numbers)


def _partitions(lines: Sequence[Line], root: str) -> list[str]:
    """Return the keys of folders named KEY=VALUE below the data's folder."""
    data, names = _parsed(root, _active(lines)), list[str]()
    for _, pattern in data_paths.flat(data.paths):
        folder = pattern if os.path.isdir(pattern) else os.path.dirname(re.split(r"[*?{[]", pattern)[0])
        file_paths = [file.path for file in data_files.resolve(pattern, data)]
        keys = hive_partitions.keys(os.path.relpath(path, folder) for path in file_paths)
        names = keys if not names else [key for key in names if key in keys]
    return names


def _vectors(lines: Sequence[Line], root: str) -> dict[str, int]:
    """Return the columns of lists of numbers that have one length in all files."""
    data = _parsed(root, _active(lines))
    return vectors.shared(sources.lengths(path, data) for path in _filled(data, Omissions()))


def _unreadable(lines: Sequence[Line], root: str) -> dict[str, str]:
    """Return columns that cannot be read or that some files lack, with the reason."""
    data = _parsed(root, _active(lines))
    paths = _filled(data, Omissions())
    reasons = {name: reason for path in paths for name, reason in sources.unreadable(path, data).items()}
    return reasons | several_files.uncommon(paths, data.model_copy(update={"drop": tuple(reasons)}))


def _parsed(root: str, data: Mapping[str, Any]) -> Data:
    """Parse [data] with paths below a folder."""
    return Data.model_validate({**data, "path": data_files.under(root, data["path"])})


def _filled(data: Data, omissions: Omissions, paths: Any = None) -> list[str]:
    """Return the files that hold rows, of the given paths or the data's."""
    files = data_files.resolve(paths or data.paths, data, omissions)
    return [file.path for file in empty_files.without(files, data, omissions)]


def _folder(lines: Sequence[Line], findings: Sequence[str], root: str) -> LoadedData:
    """Describe a folder of images: sizes from a few images, classes from folder names."""
    [line] = [line for line in lines if line.key == "path"]
    folders = [path for _, path in data_paths.flat(data_files.under(root, line.value))]
    omissions = Omissions()
    table, paths = image_facts.table(folders, omissions)
    classes = table["label"].unique().to_pylist()
    if len(classes) < 2:
        raise UserError(image_folders.one_class(folders[0], classes[0], table["file"].to_pylist(), omissions))
    contradiction = image_facts.contradictions(paths, table["label"].to_pylist())
    return LoadedData(
        table.drop(["image"]),
        tuple(lines),
        True,
        "images",
        image_facts.of(image_facts.some(paths)),
        images.COLUMNS,
        dict.fromkeys(images.FORMAT.added_columns, _ADDED),
        (*findings, *([contradiction] if contradiction else [])),
        omissions,
    )


def _first(paths: Any, root: str) -> str:
    """Return one file of the data, or one folder of images."""
    pattern = os.path.join(root, paths) if isinstance(paths, str) else data_files.under(root, paths["train"])
    return _filled(Data(path="."), Omissions(), pattern)[0]
