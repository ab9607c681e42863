import pyarrow as pa

from components.ingestion import sources
from components.ingestion.omissions import Omissions
from spec.data import Data

TEXT = 'n,day,paid,note\n"1,234",5.1.2024,Yes,a\n7,6.1.2024,NO,b\n'
KINDS = {"n": "INT", "day": "BYTES", "paid": "BYTES", "note": "BYTES"}


def read(path, **keys):
    omissions = Omissions()
    settings = Data(path="not read", **keys)
    table = pa.Table.from_batches(sources.batches(str(path), settings, KINDS, omissions))
    return table.to_pydict(), omissions.lines()


def test_converted_columns_are_reported_with_the_conversion(tmp_path):
    (tmp_path / "t.csv").write_text(TEXT)
    keys = {"csv": {"thousands": ","}, "dates": {"day": "DD.MM.YYYY"}, "fold_case": ["paid"]}
    table, omissions = read(tmp_path / "t.csv", **keys)

    assert table == {"n": [1234, 7], "day": ["2024-01-05", "2024-01-06"], "paid": ["yes", "no"], "note": ["a", "b"]}
    assert omissions == [
        'converted 1 column: numbers written with decimal = ".", thousands = "," (n)',
        "converted 1 column: dates written DD.MM.YYYY, to YYYY-MM-DD (day)",
        "converted 1 column: texts, to lower case (data.fold_case) (paid)",
    ]


def test_plain_columns_are_not(tmp_path):
    (tmp_path / "t.csv").write_text(TEXT.replace('"1,234"', "1234"))

    assert read(tmp_path / "t.csv")[1] == []
