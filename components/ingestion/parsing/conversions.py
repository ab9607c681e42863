"""Columns whose values are converted when they are read."""

from collections.abc import Mapping

from components.ingestion.omissions import Omissions
from spec.data import Data


def record(data: Data, columns: Mapping[str, str], omissions: Omissions) -> None:
    """Record which columns are converted.

    Args:
        data: [data].
        columns: Column name -> INT, FLOAT or BYTES.
        omissions: Records them.
    """
    cleaning = data.cleaning
    for name, kind in columns.items():
        rules = cleaning.rules(name)
        if kind != "BYTES" and not rules.numbers.plain:
            omissions.add("column", f"numbers written with {rules.numbers}", name, action="converted")
        if kind == "BYTES" and rules.date is not None:
            omissions.add("column", f"dates written {rules.date.text}, to YYYY-MM-DD", name, action="converted")
        if kind == "BYTES" and rules.fold_case:
            omissions.add("column", "texts, to lower case (data.fold_case)", name, action="converted")
