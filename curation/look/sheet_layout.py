"""Layout of an Excel sheet: titles above its table, totals and notes below, and whether there is a header row."""

import collections
from typing import Any

from components.ingestion.parsing import csv_edges
from components.ingestion.parsing.csv_text import Record
from components.ingestion.readers import xlsx
from curation.look import table_layout
from curation.propose.choices import Line
from spec.data import Data


def lines(path: str) -> list[Line]:
    """Propose the keys of [data] for a sheet whose table does not start in its first row, or has rows below.

    Args:
        path: The workbook; its first sheet is looked at.

    Raises:
        UserError: it cannot be read.
    """
    head: list[Record] = []
    last_records: collections.deque[Record] = collections.deque(maxlen=table_layout.LOOKED_AT)
    for number, cells in xlsx.texts(path, Data(path=path)):
        record = Record(number, cells, [", ".join(filter(None, cells))])
        if len(head) < table_layout.LOOKED_AT:
            head.append(record)
        last_records.append(record)
    if not head:
        return []
    width = collections.Counter(len(record.cells) for record in head).most_common(1)[0][0]
    keys: dict[str, Any] = {}
    reasons = []
    table_start = table_layout.first_row(head, width)
    if table_start:
        keys["skip_rows"] = head[table_start].line - 1
        reasons.append(f"the table starts in row {head[table_start].line}, below {csv_edges.shown(head[0].text[0])}")
    body = [record for record in last_records if record.line > head[table_start].line]
    below = table_layout.footer([_padded(record, width) for record in body], width) if width > 1 else []
    if below:
        keys["skip_footer"] = len(below)
        reasons.append(table_layout.why_below(below))
    rows = [
        _padded(record, width)
        for record in head[table_start:]
        if record.line not in {footer_record.line for footer_record in below}
    ]
    header_keys, reason = table_layout.header_keys(rows, "row")
    if reason:
        keys |= header_keys
        reasons.append(reason)
    return [Line("csv", keys, "; ".join(reasons))] if keys else []


def _padded(record: Record, width: int) -> Record:
    return record._replace(cells=[*record.cells, *[""] * (width - len(record.cells))])
