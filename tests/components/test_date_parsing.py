import pyarrow as pa
import pytest

from components.ingestion import sources
from components.ingestion.parsing import date_parsing
from errors import UserError
from spec.cells.date_format import DateFormat
from spec.data import Data

CHINESE = "YYYY\u5e74MM\u6708DD\u65e5"


@pytest.mark.parametrize(
    ("form", "text", "iso"),
    [
        ("DD.MM.YYYY", "05.01.2024", "2024-01-05"),
        ("DD.MM.YYYY", "5.1.2024 13:30", "2024-01-05 13:30"),
        ("DD.MM.YYYY", "31.12.1999T01:02:03.5+02:00", "1999-12-31 01:02:03.5+02:00"),
        ("DD.MM.YYYY", "2024-01-05", "2024-01-05"),
        ("DD.MM.YYYY", "32.01.2024", None),
        ("DD.MM.YYYY", "05.13.2024", None),
        ("DD.MM.YYYY", "05/01/2024", None),
        ("DD.MM.YYYY", "05.01.24", None),
        ("DD.MM.YYYY", "", None),
        ("MM/DD/YYYY", "1/5/2024 2:30 PM", "2024-01-05 2:30 PM"),
        ("MM/DD/YYYY", "13/05/2024", None),
        ("DD/MM/YYYY", "13/05/2024", "2024-05-13"),
        ("YYYY/MM/DD", "2024/1/5", "2024-01-05"),
        ("YYYY-MM-DD", "2024-1-5", "2024-01-05"),
        ("YYYYMMDD", "20240105", "2024-01-05"),
        ("YYYYMMDD", "20240105 10:00", "2024-01-05 10:00"),
        ("YYYYMMDD", "20241305", None),
        ("YYYYMMDD", "2024105", None),
        ("MON DD, YYYY", "Jan 5, 2024", "2024-01-05"),
        ("MON DD, YYYY", "September 15, 2023, 10:00", "2023-09-15 10:00"),
        ("MON DD, YYYY", "Mon, dec. 1, 2023", "2023-12-01"),
        ("MON DD, YYYY", "Foo 5, 2024", None),
        ("DD MON YYYY", "Fri, 05 Jan 2024 13:30:00 GMT", "2024-01-05 13:30:00 GMT"),
        ("DD. MON YYYY", "5. M\u00e4rz 2024", "2024-03-05"),
        ("DD-MON-YY", "05-JAN-24", "2024-01-05"),
        ("DD-MON-YY", "05-Mai-70", "1970-05-05"),
        ("DD.MM.YY", "05.01.68", "2068-01-05"),
        ("epoch_s", "1704461400", "2024-01-05 13:30:00"),
        ("epoch_ms", "1704461400250", "2024-01-05 13:30:00"),
        ("epoch_us", "+1704461400250000.0", "2024-01-05 13:30:00"),
        ("epoch_s", "-1", "1969-12-31 23:59:59"),
        ("epoch_s", "9999999999999", None),
        ("epoch_s", "soon", None),
        ("excel_days", "45296", "2024-01-05 00:00:00"),
        ("excel_days", "45296.5625", "2024-01-05 13:30:00"),
        ("excel_days", "+45296.", "2024-01-05 00:00:00"),
        ("excel_days", "36526", "2000-01-01 00:00:00"),
        ("excel_days", "9" * 18, None),
        ("excel_days", "soon", None),
        ("DD MON, YYYY", "5 Jan, 2024", "2024-01-05"),
        ("DD MON YYYY", "15 de marzo de 2024 10:00", "2024-03-15 10:00"),
        ("DD MON YYYY", "1 f\u00e9vrier 2024", "2024-02-01"),
        ("DD MON YYYY", "31 ao\u00fbt 2024", "2024-08-31"),
        ("DD MON YYYY", "2 giugno 2024", "2024-06-02"),
        ("DD MON YYYY", "2 luglio 2024", "2024-07-02"),
        ("DD MON YYYY", "7 de outubro de 2024", "2024-10-07"),
        ("YYYY,MM,DD", "2024,1,5", "2024-01-05"),
        ("DD/MM/YYYY", "05/01/2024 13.30.59", "2024-01-05 13:30:59"),
        ("DD/MM/YYYY", "5/1/2024 13h30", "2024-01-05 13:30"),
        ("DD/MM/YYYY", "5/1/2024 8 h 30", "2024-01-05 8:30"),
        ("YYYY-MM-DD", "2024-01-05 13.30", "2024-01-05 13:30"),
        ("DD MON YYYY", "5 janv. 2024 \u00e0 13:30", "2024-01-05 13:30"),
        ("MON DD, YYYY", "January 5, 2024 at 1:30 PM", "2024-01-05 1:30 PM"),
        ("DD. MON YYYY", "5. Januar 2024 um 13:30", "2024-01-05 13:30"),
        (CHINESE, "2024\u5e743\u67085\u65e5", "2024-03-05"),
        (CHINESE, "2024\u5e7403\u670805\u65e508:30", "2024-03-05 08:30"),
        (CHINESE, "2024\u5e743\u67085\u65e5\uff08\u706b\uff09 8\u664230\u520605\u79d2", "2024-03-05 8:30:05"),
        (CHINESE, "2024\u5e743\u67085\u65e5 \u661f\u671f\u4e8c", "2024-03-05"),
        (CHINESE, "2024\u5e743\u67085\u65e5 \u4e0b\u53483:30", None),
        (CHINESE, "2024/3/5", None),
        ("YYYY\ub144 MM\uc6d4 DD\uc77c", "2024\ub144 3\uc6d4 5\uc77c 13\uc2dc 30\ubd84", "2024-03-05 13:30"),
        ("DD/MON/YYYY", "05/Jan/2024:13:30:59 +0100", "2024-01-05 13:30:59 +0100"),
        ("DDMONYYYY", "05JAN2024:13:30:59", "2024-01-05 13:30:59"),
        ("DD MON YYYY", "1er janvier 2024", "2024-01-01"),
        ("MON DD, YYYY", "January 3rd, 2024", "2024-01-03"),
        ("DD MON YYYY", "5 maart 2024", "2024-03-05"),
        ("DD MON YYYY", "5 mei 2024", "2024-05-05"),
        ("DD MON YYYY", "5 maj 2024", "2024-05-05"),
        ("DD MON YYYY", "5 desember 2024", "2024-12-05"),
        ("DD/MM/YYYY", "05/01/2024 13:30:59.25", "2024-01-05 13:30:59.25"),
    ],
)
def test_a_date_is_read_in_its_format_only(form, text, iso):
    texts = pa.array([None, text])

    assert date_parsing.fits(texts, DateFormat(form)).to_pylist() == [None, iso is not None]
    if iso is not None:
        dates = date_parsing.iso(texts, DateFormat(form))
        assert dates.to_pylist() == [None, iso]
        assert date_parsing.iso(dates, DateFormat(form)).to_pylist() == [None, iso], "once more changes nothing"


@pytest.mark.parametrize("text", ["DD.MM", "DD.MM.YYYY.YY", "hh DD.MM.YYYY", "MM MON DD YYYY", "", "iso", "epoch"])
def test_a_format_that_lacks_a_part_is_refused(text):
    with pytest.raises(
        ValueError, match=r"d: '.*' is not a format: a format has YYYY or YY, MM or MON, and DD, each once"
    ):
        Data(path="x", dates={"d": text})


@pytest.fixture
def read(tmp_path):
    def run(cells, name="t.csv", **keys):
        (tmp_path / name).write_text("n,day\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells)))
        settings = Data(path="not read", **keys)
        kinds = {"n": "INT", "day": "BYTES"}
        return pa.Table.from_batches(sources.batches(str(tmp_path / name), settings, kinds)).to_pydict()

    return run


def test_dates_become_iso_and_null_values_are_those_of_either_form(read):
    cells = ["5.1.2024", " 06.01.2024 ", "?", "1.1.1900", "11.11.1111", "2024-01-07"]
    nulls = {"day": ["1900-01-01", "11.11.1111"]}

    assert read(cells, dates={"day": "DD.MM.YYYY"}, column_null_values=nulls) == {
        "n": [0, 1, 2, 3, 4, 5],
        "day": ["2024-01-05", "2024-01-06", None, None, None, "2024-01-07"],
    }


def test_another_date_stops_with_its_place_and_the_key(read):
    with pytest.raises(
        UserError,
        match=r"t\.csv: column 'day', row 4: .*invalid value '1/2/2024', where data\.dates says that dates are written "
        r"DD\.MM\.YYYY$",
    ):
        read(["5.1.2024", "6.1.2024", "1/2/2024"], dates={"day": "DD.MM.YYYY"})


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64()])
def test_numbers_of_parquet_are_dates_too(tmp_path, kind):
    import pyarrow.parquet as pq

    table = pa.table({"at": pa.array([1704461400250, None], kind), "day": pa.array([20240105, 20231231])})
    pq.write_table(table, tmp_path / "t.parquet")
    settings = Data(path="x", dates={"at": "epoch_ms", "day": "YYYYMMDD"})
    batches = sources.batches(str(tmp_path / "t.parquet"), settings, {"at": "BYTES", "day": "BYTES"})

    assert pa.Table.from_batches(batches).to_pydict() == {
        "at": ["2024-01-05 13:30:00", None],
        "day": ["2024-01-05", "2023-12-31"],
    }
