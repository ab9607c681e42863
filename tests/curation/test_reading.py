import datetime
import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from curation.look import reading
from errors import UserError

ROWS = "a,b,c\n" + "1,x,2.5\n" * 20


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_any_dialect_is_found(read, delimiter, ending, mark):
    data = read(mark + ROWS.replace(",", delimiter).replace("\n", ending))
    assert data.table.to_pylist()[0] == {"a": "1", "b": "x", "c": "2.5"}
    assert data.table.num_rows == 20
    assert data.values["path"] == "data/t.csv"
    assert data.values.get("csv", {}).get("delimiter", ",") == delimiter


def test_a_comma_in_the_cells_is_not_the_delimiter(read):
    data = read("name;note;n\n" + "x;one, two, three;1\n" * 9)
    assert data.table.column_names == ["name", "note", "n"]


def test_a_packed_file_and_another_encoding(read):
    assert read(gzip.compress(ROWS.encode()), "data/t.csv.gz").table.num_rows == 20
    data = read("ort,n\nZürich,1\n".encode("cp1252"))
    assert data.values["csv"] == {"encoding": "cp1252"}
    assert data.table.to_pylist() == [{"ort": "Zürich", "n": "1"}]


def test_a_header_with_blanks_and_none_at_all(read):
    blanks = read("a, b , c\n" + "1, x, ?\n" * 5)
    assert blanks.table.to_pylist()[0] == {"a": "1", "b": "x", "c": None}
    assert "csv" not in blanks.values
    bare = read("1,2.5\n3,4.5\n")
    assert bare.values["csv"] == {"header": False, "names": ["column_1", "column_2"]}
    assert bare.table.num_rows == 2


def test_a_word_among_numbers_stands_for_a_missing_value_and_is_named(read):
    data = read("n,c\n" + "".join(f"{'-' if row % 4 == 0 else row},{'-' if row % 2 else 'u'}\n" for row in range(40)))
    assert "-" in data.values["null_values"]
    assert data.table["n"].null_count == 10
    assert "'-' among numbers means null: data.null_values" in data.findings
    assert [line.reason for line in data.lines if line.key == "null_values"] == ["'-' among numbers means null"]


def test_a_column_of_two_words_has_no_tokens(read):
    assert "null_values" not in read("c,n\nyes,1\nno,2\n" * 1 + "yes,3\n" * 9).values


@pytest.fixture
def pictures(tmp_path):
    """Writes images of a size, CLASS/NUMBER.png or .jpg, below a folder."""

    def make(folder, classes, sizes, mode="RGB"):
        for name in classes:
            (tmp_path / folder / name).mkdir(parents=True)
            for number, size in enumerate(sizes):
                ending = "png" if number % 2 else "jpg"
                Image.new(mode, size, number).save(tmp_path / folder / name / f"{number}.{ending}")
        return tmp_path / folder

    return make


def test_a_folder_of_photos_has_classes_sizes_and_colours(pictures, tmp_path):
    folder = pictures("photos", ["cat", "dog"], [(200, 100), (300, 150), (90, 80)])
    (folder / "README.md").write_text("")
    data = reading.read(str(folder), str(tmp_path))
    assert data.format_name == "images"
    assert sorted(data.table["label"].to_pylist()) == ["cat"] * 3 + ["dog"] * 3
    assert (data.pictures.height, data.pictures.width, data.pictures.same, data.pictures.channels) == (
        100,
        200,
        False,
        3,
    )
    assert data.pictures.target == (64, 64)


def test_small_grey_images_of_one_size_are_kept(pictures, tmp_path):
    data = reading.read(str(pictures("grey", ["a", "b"], [(20, 28)] * 2, mode="L")), str(tmp_path))
    assert data.pictures.target == (28, 20)
    assert data.pictures.channels == 1


def test_folders_of_splits_are_not_classes(pictures, tmp_path):
    pictures("photos/train", ["cat", "dog"], [(90, 90)])
    pictures("photos/val", ["cat", "dog"], [(90, 90)])
    pictures("photos/test", ["cat", "dog"], [(90, 90)])
    data = reading.read(str(tmp_path / "photos"), str(tmp_path))
    assert data.values["path"] == {"train": "photos/train", "eval": "photos/val", "test": "photos/test"}
    assert set(data.table["label"].to_pylist()) == {"cat", "dog"}
    assert data.ready_made


def test_columns_of_pixels_are_images(read):
    names = ",".join(f"pixel{number}" for number in range(1, 17))
    data = read(f"label,{names}\n" + "".join(f"{row % 3},{','.join(['7'] * 16)}\n" for row in range(9)))
    assert data.values["format"] == "pixels"
    assert data.table.column_names == ["label"]
    assert data.pictures.target == (4, 4)


def test_parquet_has_its_own_types(tmp_path):
    day = [datetime.date(2020, 1, 1 + row) for row in range(9)]
    pq.write_table(
        pa.table({"day": day, "n": [1, None] * 4 + [2], "yes": [True, False, None] * 3}), tmp_path / "t.parquet"
    )
    data = reading.read(str(tmp_path / "t.parquet"), str(tmp_path))
    assert data.table.to_pylist()[1] == {"day": "2020-01-02", "n": None, "yes": 0}
    assert data.format_name == "parquet"


def test_several_files_are_one_table(read, tmp_path):
    read(ROWS, "data/a.csv")
    read(ROWS.replace("x", "z"), "data/b.csv")
    data = reading.read(str(tmp_path / "data/*.csv"), str(tmp_path))
    assert data.values["path"] == "data/*.csv"
    assert data.table.num_rows == 40
    assert set(data.table["b"].to_pylist()) == {"x", "z"}


def test_a_text_file_of_unknown_ending_is_read_as_csv(read):
    assert read(ROWS, "data/t.dat").values["format"] == "csv"


def test_a_path_outside_the_repository_is_absolute_and_reported(tmp_path):
    (tmp_path / "t.csv").write_text(ROWS)
    data = reading.read(str(tmp_path / "t.csv"), str(tmp_path / "repository"))
    assert data.values["path"] == str(tmp_path / "t.csv")
    assert "copy it to data/" in data.lines[0].reason


def test_what_is_not_there_or_empty_is_refused(read, tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        reading.read(str(tmp_path / "none.csv"), str(tmp_path))
    with pytest.raises(UserError, match=r"t\.csv"):
        read("a,b\n")
    with pytest.raises(UserError, match="is empty"):
        read("")


@pytest.mark.parametrize(
    ("encoding", "texts"),
    [
        ("cp1252", ["B\u00fcro", "Stra\u00dfe \u2013 5 \u20ac"]),
        ("cp850", ["B\u00fcro", "M\u00fcll", "\u00c4rzte"]),
        ("shift_jis", ["\u6674\u308c", "\u96e8", "\u30ab\u30b5"]),
    ],
)
def test_the_encoding_of_old_programs_is_found(read, encoding, texts):
    rows = "".join(f"{number},{texts[number % len(texts)]}\n" for number in range(30))
    data = read(f"n,kind\n{rows}".encode(encoding))
    assert data.values["csv"] == {"encoding": encoding}
    assert f"the file is not UTF-8, and {encoding} is a guess: check letters such as those of " in data.findings[0]
    assert set(data.table["kind"].to_pylist()) == set(texts)


def test_names_that_may_be_shifted_are_named(read):
    shifted = read("sku;name;n\n" + "".join(f"A{number};T &amp; {number % 3};{number}\n" for number in range(30)))
    assert shifted.values["csv"] == {"delimiter": ";"}
    assert shifted.table.column_names == ["column_1", "sku", "name", "n"]
    unnamed, finding = sorted(shifted.findings)
    assert unnamed == "column 1 has no name in the header, and is called column_1"
    assert "the header has 3 names and each row 4 cells: the first ones are names of rows, as R writes them" in finding
    trailing = read("a;b\n" + "".join(f"{number};2;\n" for number in range(9)))
    assert not any("R writes" in finding for finding in trailing.findings)


def test_a_unit_may_hold_a_raised_digit(read):
    data = read("area\n" + "".join(f"{number}.5 m\u00b2\n" for number in range(30)))
    assert data.values["csv"] == {"units": ["m\u00b2"]}
    assert data.table["area"].to_pylist()[:2] == ["0.5", "1.5"]


def test_a_heading_above_a_footer_is_one(read):
    data = read("a;b;c\n" + "1;x;2\n" * 20 + "\nDisclaimer:\nThis is no statement of the bank.\n")
    assert data.values["csv"] == {"delimiter": ";", "skip_footer": 2}
    assert data.table.num_rows == 20
