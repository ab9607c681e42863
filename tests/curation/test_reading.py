import gzip

import pytest

from curation import reading
from errors import UserError

ROWS = "a,b,c\n" + "1,x,2.5\n" * 20


@pytest.fixture
def read(tmp_path):
    """Reads a file of the given content, relative to its folder as the repository."""

    def run(content, name="data/t.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return reading.read(str(path), str(tmp_path))

    return run


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_any_dialect_is_found(read, delimiter, ending, mark):
    found = read(mark + ROWS.replace(",", delimiter).replace("\n", ending))
    assert found.table.to_pylist()[0] == {"a": "1", "b": "x", "c": "2.5"}
    assert found.table.num_rows == 20
    assert found.values["path"] == "data/t.csv"
    assert found.values.get("csv", {}).get("delimiter", ",") == delimiter


def test_a_comma_in_the_cells_is_not_the_delimiter(read):
    found = read("name;note;n\n" + "x;one, two, three;1\n" * 9)
    assert found.table.column_names == ["name", "note", "n"]


def test_a_packed_file_and_another_encoding(read):
    assert read(gzip.compress(ROWS.encode()), "data/t.csv.gz").table.num_rows == 20
    found = read("ort,n\nZürich,1\n".encode("cp1252"))
    assert found.values["csv"] == {"encoding": "cp1252"}
    assert found.table.to_pylist() == [{"ort": "Zürich", "n": "1"}]


def test_a_header_with_blanks_and_none_at_all(read):
    blanks = read("a, b , c\n" + "1, x, ?\n" * 5)
    assert blanks.table.to_pylist()[0] == {"a": "1", "b": "x", "c": None}
    assert blanks.values["csv"] == {"names": ["a", "b", "c"]}
    bare = read("1,2.5\n3,4.5\n")
    assert bare.values["csv"] == {"header": False, "names": ["column_1", "column_2"]}
    assert bare.table.num_rows == 2


def test_a_word_among_numbers_stands_for_a_missing_value_and_is_named(read):
    found = read("n,c\n" + "".join(f"{'-' if row % 4 == 0 else row},{'-' if row % 2 else 'u'}\n" for row in range(40)))
    assert "-" in found.values["blank"]
    assert found.table["n"].null_count == 10
    assert [line.why for line in found.lines if line.key == "blank"] == ["'-' among numbers means a missing value here"]


def test_a_column_of_two_words_has_no_tokens(read):
    assert "blank" not in read("c,n\nyes,1\nno,2\n" * 1 + "yes,3\n" * 9).values


def test_a_path_outside_the_repository_is_absolute_and_says_so(tmp_path):
    (tmp_path / "t.csv").write_text(ROWS)
    found = reading.read(str(tmp_path / "t.csv"), str(tmp_path / "repository"))
    assert found.values["path"] == str(tmp_path / "t.csv")
    assert "copy it to data/" in found.lines[0].why


def test_what_is_not_there_or_empty_is_refused(read, tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        reading.read(str(tmp_path / "none.csv"), str(tmp_path))
    with pytest.raises(UserError, match=r"t\.csv"):
        read("a,b\n")
    with pytest.raises(UserError, match="is empty"):
        read("")
