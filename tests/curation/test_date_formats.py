import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation import new_config
from curation.facts import date_formats
from pipeline import load
from pipeline.variants import Name
from spec.cells.date_format import DateFormat

START = datetime.datetime(2023, 12, 20, 8, 30)
DAYS = [START + datetime.timedelta(hours=7 * row) for row in range(100)]
SHUFFLED = [DAYS[37 * row % 100] for row in range(100)]
FRAGMENTS = (
    *("1", "7", "03", "11", "12", "24", "29", "31", "99", "1999", "2024", "2024", "20240105", "T08:30"),
    *("/", ".", "-", ",", ":", " ", " ", "\n", "\u00a0", "x", "st", "rd", "er", "de", "of", "Mon, ", "Sonntag "),
    *("Jan", "fév.", "MÄRZ", "okt", "Dez.", "août", "(火)", "\uff08火\uff09", "星期一", "12時"),
    *("年", "月", "日", "년 ", "월 ", "일"),
)
EARLY = [datetime.datetime(2023, 1 + row % 12, 1 + 5 * row % 12) for row in range(100)]


def written(form, days=SHUFFLED):
    return [day.strftime(form) for day in days]


def detect(name="day", **columns):
    return date_formats.detect(pa.table(columns))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%d.%m.%Y", "DD.MM.YYYY"),
        ("%d.%m.%Y %H:%M", "DD.MM.YYYY"),
        ("%m/%d/%Y %I:%M %p", "MM/DD/YYYY"),
        ("%d/%m/%Y", "DD/MM/YYYY"),
        ("%d-%m-%Y", "DD-MM-YYYY"),
        ("%m/%d/%y", "MM/DD/YY"),
        ("%Y/%m/%d", "YYYY/MM/DD"),
        ("%Y%m%d", "YYYYMMDD"),
        ("%b %d, %Y", "MON DD, YYYY"),
        ("%d %B %Y", "DD MON YYYY"),
        ("%a, %d %b %Y %H:%M:%S GMT", "DD MON YYYY"),
        ("%d-%b-%y", "DD-MON-YY"),
        ("%d %b, %Y", "DD MON, YYYY"),
        ("%d de %B de %Y", "DD MON YYYY"),
        ("%Y,%m,%d", "YYYY,MM,DD"),
        ("%d,%m,%Y", "DD,MM,YYYY"),
        ("%d/%m/%Y %H.%M.%S", "DD/MM/YYYY"),
        ("%d/%m/%Y %Hh%M", "DD/MM/YYYY"),
        ("%Y-%m-%d %H.%M", "YYYY-MM-DD"),
        ("%d %B %Y \u00e0 %H:%M", "DD MON YYYY"),
        ("%Y\u5e74%m\u6708%d\u65e5", "YYYY\u5e74MM\u6708DD\u65e5"),
        ("%Y\u5e74%m\u6708%d\u65e5 %H\u6642%M\u5206", "YYYY\u5e74MM\u6708DD\u65e5"),
        ("%Y\ub144 %m\uc6d4 %d\uc77c", "YYYY\ub144 MM\uc6d4 DD\uc77c"),
        ("%d/%b/%Y:%H:%M:%S +0100", "DD/MON/YYYY"),
        ("%d%b%Y", "DDMONYYYY"),
        ("%B %dth, %Y", "MON DD, YYYY"),
    ],
)
def test_a_format_is_found(form, expected):
    assert detect(day=written(form)).formats == {"day": expected}
    assert detect(day=written(form)).ambiguous == {}


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
def test_iso_needs_no_key(form):
    formats = detect(day=written(form))

    assert (formats.formats, formats.odd, formats.mixed) == ({}, {}, {})


@pytest.mark.parametrize(("factor", "form"), [(1, "epoch_s"), (1000, "epoch_ms"), (1_000_000, "epoch_us")])
def test_unix_times_are_detected_by_the_column_s_name(factor, form):
    numbers = [int(day.replace(tzinfo=datetime.timezone.utc).timestamp()) * factor for day in SHUFFLED]

    assert detect(created_at=numbers, amount=numbers).formats == {"created_at": form}
    assert detect(created_at=[str(number) for number in numbers]).formats == {"created_at": form}


def test_days_as_excel_counts_them_are_detected_by_the_column_s_name():
    numbers = [(day.date() - datetime.date(1899, 12, 30)).days for day in SHUFFLED]

    assert detect(order_date=numbers, amount=numbers).formats == {"order_date": "excel_days"}
    assert detect(date=[f"{number}.25" for number in numbers]).formats == {"date": "excel_days"}
    assert detect(price_at_open=numbers, tag=numbers).formats == {}
    assert detect(Datum=numbers).formats == {"Datum": "excel_days"}
    assert detect(date=[number + 90_000 for number in numbers]).formats == {}


def test_day_and_month_that_may_be_either_are_named_unless_the_rows_are_in_order():
    assert detect(day=written("%m/%d/%Y", EARLY)).ambiguous == {"day": ["DD/MM/YYYY", "MM/DD/YYYY"]}
    assert detect(day=written("%m/%d/%Y", sorted(EARLY))).formats == {"day": "MM/DD/YYYY"}
    assert detect(day=written("%d.%m.%Y", EARLY)).formats == {"day": "DD.MM.YYYY"}


def test_texts_among_dates_stand_for_a_missing_one():
    formats = detect(day=[*written("%d.%m.%Y"), "unknown"], iso=[*written("%Y-%m-%d"), "n/a"])

    assert (formats.formats, formats.odd) == ({"day": "DD.MM.YYYY"}, {"day": ["unknown"], "iso": ["n/a"]})


def test_dates_in_two_formats_are_named():
    texts = [*written("%d.%m.%Y", SHUFFLED[:50]), *written("%Y/%m/%d", SHUFFLED[50:])]
    formats = detect(day=texts)

    assert formats.formats == {}
    assert formats.mixed == {"day": [(0, texts[0]), (50, texts[50])]}


@pytest.mark.parametrize(
    "texts",
    [
        [f"10.0.{row}.1" for row in range(99)],
        [f"{row}.{row}.5" for row in range(9)],
        [f"A-{row}-2024" for row in range(99)],
        [f"May {row} be" for row in range(99)],
        [str(20240101 + row) for row in range(99)],
        [f"0{row}0-1234567" for row in range(9)],
        ["a", "b"],
    ],
)
def test_other_texts_are_no_dates(texts):
    assert detect(day=texts) == date_formats.Dates()


def test_years_of_two_digits_that_are_read_as_years_to_come_are_named(propose):
    days = [f"{1 + row % 28:02d}.03.{55 + row % 30}" for row in range(90)]
    findings = propose(born=days, y=[row % 2 for row in range(90)])[0].findings
    said = [finding for finding in findings if finding.startswith("born: ")]
    assert said == [
        "born: 42 of 90 dates are read as dates to come, up to 2068-03-18, because 00 to 68 stand for 2000 to 2068: if "
        "they are past, write years with four digits"
    ]


def test_dates_of_one_form_that_is_not_read_are_named_as_such(propose):
    days = [f"{day:%d/%m/%Y} c. noon" for day in SHUFFLED]
    findings = propose(day=days, y=[row % 2 for row in range(100)])[0].findings

    assert f"day holds dates of a form that is not read, and is read as text: {days[0]!r} (row 2): write them " in (
        "\n".join(findings)
    )


@pytest.mark.parametrize("form", ["{:02}.{}", "{:02},{}", "{1}.{0:02}"])
def test_months_that_are_read_as_numbers_are_named(propose, form):
    months = [form.format(1 + row % 12, 2015 + row % 9) for row in range(90)]
    columns = {"period": [f'"{month}"' for month in months], "y": [row % 2 for row in range(90)]}
    findings = propose(**columns)[0].findings

    assert [finding for finding in findings if finding.startswith("period is read")] == [
        f"period is read as numbers: {months[0]!r} looks like a month; if it is one, write the first day of each as "
        "YYYY-MM-DD"
    ]


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("\u4ee4\u548c{1}\u5e74{0}\u6708{2}\u65e5", "dates that count years of an era"),
        ("2024\u5e74{0}\u6708{2}\u65e5 \u4e0b\u53483:30", "dates with texts behind them"),
        ("{2:02}.{0:02}.", "dates without a year"),
        ("{2} kwietnia 20{0:02}", "dates with names of months that are not known"),
        ("{2} \u043c\u0430\u0440\u0442\u0430 20{0:02} \u0433.", "dates with names of months that are not known"),
        ("2023\u5e74{0}\u6708", "weeks, months or quarters"),
        ("202{1}-W{2:02}-{1}", "weeks, months or quarters"),
        ("202{1}-3{2:02}", "years with a number of three digits"),
    ],
)
def test_dates_that_are_not_read_are_named_as_what_they_are(propose, form, kind):
    days = [form.format(1 + row % 12, 1 + row % 7, 1 + row % 28) for row in range(168)]
    findings = propose(day=days, x=[row % 5 for row in range(168)], y=[row % 2 for row in range(168)])[0].findings
    assert f"they are {kind} such as " in "\n".join(findings)


@pytest.fixture
def propose(tmp_path):
    for folder in ("configs", "schemas"):
        (tmp_path / folder).mkdir()

    def run(**columns):
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
        (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
        proposal = new_config.new(str(tmp_path), "made", str(tmp_path / "t.csv"), label="y", force=True)
        return proposal, load.reviewed(str(tmp_path), Name("made")).config

    return run


def test_dates_are_read_with_their_hour_and_reported(propose):
    y = [row % 7 for row in range(100)]
    proposal, config = propose(sold=written("%d.%m.%Y %H:%M"), seen=written("%m/%d/%Y", EARLY), y=y)
    text = "\n".join(proposal.findings)

    assert config.data.dates == {"sold": "DD.MM.YYYY"}
    [date] = config.features.of("date")
    assert date.parts == ("days", "month", "day_of_week", "hour")
    assert f"dates are read as YYYY-MM-DD: sold ({written('%d.%m.%Y %H:%M')[0]!r}) as DD.MM.YYYY" in text
    assert 'set data.dates = {seen = "DD/MM/YYYY"} or data.dates = {seen = "MM/DD/YYYY"}' in text
    assert '# dates = {sold = "DD.MM.YYYY", seen = "DD/MM/YYYY"}' in proposal.config


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d 00:00:00"])
def test_dates_without_a_time_of_day_have_no_hour(propose, form):
    [date] = propose(day=written(form), y=[row % 7 for row in range(100)])[1].features.of("date")

    assert "hour" not in date.parts


def test_one_reading_a_day_has_no_hour(propose):
    days = [datetime.datetime(2023, 1, 1, row % 24) + datetime.timedelta(days=row) for row in range(100)]
    [date] = propose(day=written("%Y-%m-%d %H:%M", days), y=[row % 7 for row in range(100)])[1].features.of("date")

    assert "hour" not in date.parts


@given(st.lists(st.lists(st.sampled_from(FRAGMENTS), max_size=9).map("".join), min_size=1, max_size=40))
def test_python_finds_each_date_that_arrow_finds(texts):
    for form in date_formats.FORMATS:
        found = pc.match_substring_regex(pa.array(texts), DateFormat(form).pattern).to_pylist()
        missed = [
            text
            for text, is_date in zip(texts, found, strict=True)
            if is_date and not date_formats._superset(form).match(text)
        ]
        assert missed == []


def test_a_long_column_of_several_formats_is_mixed_if_four_fifths_are_dates():
    forms = ("%d.%m.%Y", "%Y/%m/%d", "%d %B %Y")
    days = [(START + datetime.timedelta(days=row)).strftime(forms[row % 3]) for row in range(1000)]
    words = [f"day {row} or so" for row in range(250)]

    assert sorted(detect(day=[*words, *days]).mixed) == ["day"]
    assert detect(day=[*words, *(f"{row} or so" for row in range(10)), *days]).mixed == {}
