"""A cell means the same in ingestion and in a served row."""

import datetime
import types

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from components.ingestion import sources
from components.ingestion.parsing import casting, date_parsing
from models.training import run_fn
from models.transform_graph import dates, served_cells
from spec.cells.cleaning import WHITESPACE, Cleaning, Rules, folded, section
from spec.cells.date_format import DateFormat
from spec.data import Data

NULL_VALUES = ("", "?", "NA", "n.a. [x]", "-999", "1e2", "7.50")
TEXTS = [
    *("", " ", "?", " ?\t", "NA", "na", "NA.", "a NA", "n.a. [x]", "n-a. [x]", "-999", "-999.0", "Zürich ", " a b "),
    *("\u00a0\u2003NA\u3000", "x\ny\n", "\u200bx", "?\n?", "+", "(", "日本 ", f"{WHITESPACE}x{WHITESPACE}"),
]
INTEGERS = [0, -999, 100, 7, 75, 2**62]
FLOATS = [0.0, -999.0, 100.0, 7.5, 7.0, float("nan"), float("inf"), -0.0]


def sparse(values, dtype):
    indices = [[row, 0] for row in range(len(values))]
    return tf.SparseTensor(indices, tf.constant(values, dtype), [len(values), 1])


def served(raw, size):
    """Cells of a column that may be missing, after cleaning: None where one is."""
    actual = dict.fromkeys(range(size))
    for (row, _), value in zip(raw.indices.numpy().tolist(), raw.values.numpy().tolist(), strict=True):
        actual[row] = value.decode() if isinstance(value, bytes) else value
    return list(actual.values())


@pytest.mark.parametrize("strip", [True, False])
@pytest.mark.parametrize("null_values", [NULL_VALUES, ("",), ()])
def test_texts_are_cleaned_alike(strip, null_values):
    rules = Rules(strip, null_values)
    ingested = [text or None for text in casting.cast(pa.array(TEXTS), "BYTES", rules).to_pylist()]

    assert served(served_cells.column(sparse(TEXTS, tf.string), rules), len(TEXTS)) == ingested
    dense = served_cells.column(tf.constant([[text] for text in TEXTS]), rules).numpy()[:, 0]
    assert [text.decode() or None for text in dense] == ingested
    assert (None in ingested, "Zürich" in ingested) == (True, strip)


@pytest.mark.parametrize(
    ("kind", "values", "dtype"), [("INT", INTEGERS, tf.int64), ("FLOAT", FLOATS, tf.float32)], ids=["INT", "FLOAT"]
)
def test_numbers_are_cleaned_alike(kind, values, dtype):
    rules = Rules(True, NULL_VALUES)
    ingested = casting.cast(pa.array(values), kind, rules).to_pylist()
    of_texts = casting.cast(pa.array([f" {value} " for value in values]), kind, rules).to_pylist()
    expected = [None if value is None or not np.isfinite(value) else value for value in ingested]

    assert served(served_cells.column(sparse(values, dtype), rules), len(values)) == expected
    np.testing.assert_equal(of_texts, ingested)
    assert (ingested[0], ingested[1], ingested[2]) == (0, None, None)


@pytest.mark.parametrize("fold", [False, True])
def test_case_is_folded_alike(fold):
    texts = ["Yes", "YES", "\u0391\u03a3", "\u0391\u03c2", "İstanbul", "STRASSE", "Straße", "ÖL", "NA", "na", " Ä "]
    rules = Rules(True, ("NA",), fold)
    ingested = casting.cast(pa.array(texts), "BYTES", rules).to_pylist()

    assert served(served_cells.column(sparse(texts, tf.string), rules), len(texts)) == ingested
    expected = ["yes", "yes", "\u03b1\u03c3", "\u03b1\u03c3", "istanbul", "strasse", "straße", "öl", None, "na", "ä"]
    assert ingested == (expected if fold else [*texts[:8], None, "na", "Ä"])
    assert [folded(text) for text in texts if fold and text != "NA"] == [
        text if text != "ä" else " ä " for text in ingested if fold and text is not None
    ]


def test_letters_of_common_scripts_are_folded_alike():
    letters = [chr(code) for code in range(1, 0x2C00) if not 0xD800 <= code <= 0xDFFF]
    rules = Rules(False, (), True)
    ingested = casting.cast(pa.array(letters), "BYTES", rules).to_pylist()
    lower = [text.decode() for text in served_cells.column(tf.constant(letters)[:, tf.newaxis], rules).numpy()[:, 0]]

    assert lower == ingested == [folded(letter) for letter in letters]


DATES = {
    "DD.MM.YYYY": ["05.01.2024", "5.1.2024 13:30", "1.1.1900", "2024-01-05", "?"],
    "MON DD, YYYY": ["Jan 5, 2024", "Mon, dec. 1, 2023 10:00", "5. M\u00e4rz"],
    "DD-MON-YY": ["05-JAN-24", "05-Mai-70"],
    "YYYYMMDD": ["20240105", "20240105 10:00", "x"],
    "DD/MM/YYYY": ["5/1/2024 13.30.59", "05/01/2024 8h30", "05/01/2024 08 h 30", "05/01/2024 1.5", "x"],
    "DD MON YYYY": [
        "5 janv. 2024",
        "5 de Enero de 2024 10:00",
        "5 de enero de 2024 a las 10:00",
        "1 f\u00e9vrier 2024",
        "31 ao\u00fbt 2023",
    ],
    "excel_days": ["45296", "45296.5625", "+45296.", "-1", "0", "2958465.99999", "45296.999999", "x", "", "9" * 18],
    "epoch_ms": [
        "1704461400250",
        "-1",
        "-62135596800000",
        "951782400000",
        "4102444799999.9",
        "0",
        "2024-01-05",
        "",
        "9" * 18,
    ],
}


@pytest.mark.parametrize(("form", "texts"), DATES.items())
def test_dates_are_read_alike(form, texts):
    rules = Rules(True, ("", "?", "1900-01-01"), date=DateFormat(form))
    read = [
        text
        for text in texts
        if text in rules.null_values or date_parsing.fits(pa.array([text]), rules.date)[0].as_py()
    ]
    ingested = casting.cast(pa.array(read), "BYTES", rules).to_pylist()
    ingested_by_text = dict(zip(read, ingested, strict=True))

    assert served(served_cells.column(sparse(texts, tf.string), rules), len(texts)) == [
        ingested_by_text.get(text, text) for text in texts
    ]
    assert (
        served(served_cells.column(sparse([text or "" for text in ingested], tf.string), rules), len(read)) == ingested
    )
    assert any(text and text.startswith("2024-01-05") for text in ingested)


def test_days_since_1970_are_dates_and_back():
    days = [-719_162, -1, 0, 11_016, 19_782, 2_932_896, *range(-40_000, 60_000, 997)]
    parts = [part.numpy().tolist() for part in dates.civil(tf.constant(days, tf.int64))]
    epoch = datetime.date(1970, 1, 1)

    assert [datetime.date(*date) - epoch for date in zip(*parts, strict=True)] == [
        datetime.timedelta(days=day) for day in days
    ]


def test_whitespace_is_what_arrow_trims():
    characters = [chr(code) for code in range(0x11000) if not 0xD800 <= code <= 0xDFFF]
    trimmed = casting.clean(pa.array([f"x{character}" for character in characters]), Rules())

    assert {character for character, text in zip(characters, trimmed.to_pylist(), strict=True) if text == "x"} == set(
        WHITESPACE
    )


def test_a_number_that_no_integer_is_stands_for_none():
    assert Rules(null_values=("1e30", "-1", "x", "nan", "0.5", "9223372036854775808")).null_integers() == (-1,)


ROWS = """size,rooms,country,note,y
3.5, 2 ,NA,a red house,1
?,3,?,?,2
 ,, ZA ,  ,3
-999.0,-1,BW,two houses ,4
7,4,unknown, red,5
,NA,,"",6
12,5,ZA,NA,7
8,6,BW,a house,8
"""
RAW = [line.split(",") for line in ROWS.replace('""', "").splitlines()[1:]]
LAST = np.iinfo(np.int64).min


@pytest.fixture(scope="module")
def trained(tmp_path_factory, analyze, pack):
    """Ingests the table, trains on it, and loads the signatures."""
    folder = tmp_path_factory.mktemp("cleaned")
    path = folder / "table.csv"
    path.write_text(ROWS)
    data = Data(path=str(path), column_null_values={"size": [-999], "rooms": ["-1"], "country": ["unknown"]})
    kinds = {"size": "FLOAT", "rooms": "INT", "country": "BYTES", "note": "BYTES", "y": "FLOAT"}
    table = pa.Table.from_batches(sources.batches(str(path), data, kinds)).to_pydict()
    sections = {
        "features": {
            "numeric": [{"column": "size", "missing": "mean"}, {"column": "rooms", "missing": 40}],
            "bucketized": [{"column": "size", "quantiles": 2, "missing": "category"}],
            "categorical": [{"column": "country", "missing": "category"}],
            "text": [{"column": "note", "vocabulary_size": 5, "missing": "nothing"}],
        },
        "label": {"column": "y"},
        "network": {"name": "mlp", "layers": [4]},
        "training": {"epochs": 3, "batch_size": 4},
        "cleaning": section(data.model_dump(mode="json")),
    }
    packed = pack(**sections)
    arguments = types.SimpleNamespace(
        transform_output=analyze(folder, table, packed, folder / "made.gz"),
        train_files=[str(folder / "made.gz")],
        eval_files=[str(folder / "made.gz")],
        serving_model_dir=str(folder / "model"),
        model_run_dir=str(folder / "run"),
        custom_config={**packed, "raw_files": [str(folder / "raw.gz")]},
    )
    run_fn.run_fn(arguments)
    rows = tf.constant([record.numpy() for record in tf.data.TFRecordDataset(str(folder / "raw.gz"), "GZIP")])
    return table, rows, tf.saved_model.load(str(folder / "model")).signatures


def test_a_raw_row_gets_the_answer_of_the_row_as_trained(trained):
    table, rows, signatures = trained
    size, rooms, country, note, _ = zip(*RAW, strict=True)
    predictions = signatures["serving_default"](
        size=tf.constant([float(cell) if cell.strip(" ?") else np.nan for cell in size]),
        rooms=tf.constant([int(cell) if cell.strip(" NA") else LAST for cell in rooms], tf.int64),
        country=tf.constant(country),
        note=tf.constant(note),
    )["prediction"].numpy()

    assert table["size"] == [3.5, None, None, None, 7, None, 12, 8]
    assert table["rooms"] == [2, 3, None, None, 4, None, 5, 6]
    assert table["country"] == [None, None, "ZA", "BW", None, None, "ZA", "BW"]
    assert table["note"] == ["a red house", None, None, "two houses", "red", None, None, "a house"]
    trained_on = signatures["serving_examples"](examples=rows)["prediction"].numpy()
    np.testing.assert_array_equal(predictions, trained_on)
    assert len(set(predictions.tolist())) > 5


def test_a_pasted_row_gets_the_answer_of_the_row_as_trained(trained):
    _, rows, signatures = trained
    size, room_counts, country, note, _ = zip(*RAW, strict=True)
    predictions = signatures["serving_rows"](
        size=tf.constant(size), rooms=tf.constant(room_counts), country=tf.constant(country), note=tf.constant(note)
    )
    trained_on = signatures["serving_examples"](examples=rows)

    np.testing.assert_array_equal(predictions["prediction"], trained_on["prediction"])


def test_examples_of_raw_cells_are_cleaned_too(trained):
    _, rows, signatures = trained

    def bytes_of(text):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))

    def number(value):
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    row = {"size": number(-999), "country": bytes_of(" BW"), "note": bytes_of("two houses\n")}
    example = tf.train.Example(features=tf.train.Features(feature=row)).SerializeToString()
    actual = signatures["transform_features"](examples=tf.constant([example]))
    expected = signatures["transform_features"](examples=rows[3:4])

    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


def test_data_without_rules_of_a_column_has_those_of_all():
    data = Data(path="x", column_null_values={"age": (-1,)}).model_dump(mode="json")

    assert Cleaning.of(data).rules("age").null_values == (*data["null_values"], "-1")
    assert Cleaning.of(data).rules("size").null_values == tuple(data["null_values"])
