"""Checks `format` of [data]: its reader exists and loads, and the other keys of the section apply to it."""

import difflib

import project
from components.ingestion.discovery import formats
from components.ingestion.readers import Format
from errors import UserError
from pipeline import user_code
from spec.data import Data

OPTIONAL_KEYS = ("csv", "sheet", "image", "drop", "partitions", "vectors")
"""Keys of [data] that apply to some formats only."""
ATTRIBUTES = ("FORMAT", "batches", "types", "look")
"""What a reader defines."""


def check(data: Data) -> None:
    """Check that the reader of a format exists and that the keys of [data] apply to it.

    Args:
        data: [data] with a `format`.

    Raises:
        ValueError: the format is unknown, its module does not load or lacks an attribute, or a key has no effect.
    """
    name = str(data.format)
    form = find(name)
    for key in OPTIONAL_KEYS:
        default = Data.model_fields[key].get_default(call_default_factory=True)
        if key not in form.keys and getattr(data, key) != default:
            raise ValueError(f"data.{key} has no effect with format = {name!r}: remove it")


def find(name: str) -> Format:
    """Return a format by its name.

    Raises:
        ValueError: it is unknown, or its module does not load or lacks an attribute.
    """
    form: Format = formats.reader(name).FORMAT if name in formats.names() else _user_format(name)
    return form


def check_csv(data: Data) -> None:
    """Check that the keys of `csv` apply to the format, which may follow from the path's extension.

    Args:
        data: [data].

    Raises:
        ValueError: a key has no effect.
    """
    path = data.path if isinstance(data.path, str) else ""
    name = data.format or formats.format_of(path)
    applying = formats.known()[name].csv_keys if name in formats.names() else None
    if applying is None:
        return
    for key in sorted(data.csv.model_fields_set - set(applying)):
        if getattr(data.csv, key) != type(data.csv).model_fields[key].get_default(call_default_factory=True):
            raise ValueError(f"data.csv.{key} has no effect with format {name!r}: remove it")


def _user_format(name: str) -> Format:
    if project.source(name) is None:
        format_names = formats.names()
        close = difflib.get_close_matches(name, format_names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"data.format: {name!r} is not one of {', '.join(format_names)}.{hint} For a reader of your own: there is "
            f"no file {name.replace('.', '/')}.py in {project.folder()}"
        )
    try:
        module = user_code.load(name)
    except UserError as error:
        raise ValueError(f"data.format: {error}") from error
    missing = [attribute for attribute in ATTRIBUTES if not hasattr(module, attribute)]
    if missing:
        raise ValueError(
            f"data.format: {project.shown(str(project.source(name)))} defines no {missing[0]!r}: a reader defines "
            f"{', '.join(ATTRIBUTES)}; see components/ingestion/readers/__init__.py"
        )
    form = module.FORMAT
    if not isinstance(form, Format):
        raise ValueError(f"data.format: FORMAT of {name} is not a Format of components.ingestion.readers")
    return form
