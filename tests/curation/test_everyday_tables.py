from components.ingestion import sources
from spec.data import Data


def said(data, start):
    return [finding for finding in data.findings if finding.startswith(start)]


def test_amounts_of_a_fixed_width_are_numbers_and_codes_are_named(read, tmp_path):
    data = read("account,amount,zip\n" + "".join(f"{row:05},{row * 12.5:011.2f},0{row}134\n" for row in range(90)))

    assert said(data, "amounts of a") == [
        "amounts of a fixed width are read as numbers, without leading zeros: amount ('00000000.00')"
    ]
    assert said(data, "numbers with leading") == [
        "numbers with leading zeros are read as codes, which are texts: account ('00000'), zip ('00134'); if they are "
        "amounts, write them without the zeros"
    ]
    path = str(tmp_path / "data" / "t.csv")
    [batch] = sources.batches(path, Data(path=path), {"account": "BYTES", "amount": "FLOAT"})
    assert batch.to_pylist()[2] == {"account": "00002", "amount": 25.0, "zip": "02134"}


def test_an_export_of_datev_is_read_below_its_first_line(read):
    header = "Umsatz;Konto;Belegdatum;Buchungstext;" + ";".join(f"Beleginfo {number}" for number in range(40))
    rows = "".join(f'{row},50;1200;{1 + row % 28}{1 + row % 12:02};"Miete";{";" * 39}\n' for row in range(60))
    data = read('"EXTF";700;21;"Buchungsstapel";13;20240130;;"RE"\n' + f"{header}\n{rows}")

    assert data.values["csv"] == {"delimiter": ";", "skip_rows": 1, "decimal": ","}
    assert data.table.column_names[:4] == ["Umsatz", "Konto", "Belegdatum", "Buchungstext"]
    assert said(data, "Belegdatum") == [
        "Belegdatum holds days and months without a year, such as '101', which are read as numbers or codes: write "
        "them as YYYY-MM-DD"
    ]


def test_the_dates_of_a_statistic_are_names_of_columns(read):
    rows = "".join(f"0{number}001;Kreis {number};{number * 977};{number * 981}\n" for number in range(1, 9))
    data = read("Kreise;;;\n;;31.12.2020;31.12.2021\n" + rows)

    assert data.values["csv"] == {"delimiter": ";", "skip_rows": 1}
    assert data.table.column_names == ["column_1", "column_2", "31.12.2020", "31.12.2021"]
    first_row = read("31.12.2020;a\n" + "".join(f"{day}.01.2021;{'ab'[day % 2]}\n" for day in range(10, 30)))
    assert first_row.values["csv"]["header"] is False


def test_quoted_texts_and_names_of_rows_of_r_are_read(read):
    data = read('"mpg" "cyl" "name"\n' + "".join(f'"Mazda {n}" {n}.5 {n % 3} "x y"\n' for n in range(40)))

    assert data.values["csv"] == {"delimiter": " "}
    assert data.table.column_names == ["column_1", "mpg", "cyl", "name"]
    assert data.table["name"].to_pylist()[0] == "x y"
    assert "csv" not in read("name\nJohn Smith\nJane Doe\nMary Major\n").values


def test_totals_below_the_header_are_no_row(read):
    rows = "".join(f"v{row},{row % 7},{row * 1.5}\n" for row in range(30))
    data = read("Content,Views,Hours\nTotal,87,652.5\n" + rows)

    assert data.values["csv"] == {"skip_rows": 2, "header": False, "names": ["Content", "Views", "Hours"]}
    assert "line 2 holds totals of the rows below: 'Total,87,652.5'" in data.findings[0]
    assert data.table["Content"].to_pylist() == [f"v{row}" for row in range(30)]
    repeated = "".join(f"{name},{row}\n" for row in range(9) for name in ("Total", "Part"))
    assert "csv" not in read(f"kind,n\n{repeated}").values


def test_the_backslash_of_japanese_encodings_is_the_sign_of_the_yen(read):
    data = read("paid,kind\n" + "".join(f'"\\{row + 10},5{row % 10}0",{row % 2}\n' for row in range(40)))

    assert data.values["csv"] == {"thousands": ",", "units": ["\\"]}
    assert data.table["paid"].to_pylist()[0] == "10500"
