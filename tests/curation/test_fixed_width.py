"""Texts whose columns are separated by blanks: read with one blank as delimiter, else named with a command."""

import shlex
import subprocess
import sys

import pytest

from components.ingestion.discovery import unsupported_formats
from curation.look import dialect, fixed_width
from errors import UserError

ROWS = [(20 + row, ("New York", "Bonn", "Los Angeles")[row % 3], row / 8, ("no", "yes")[row % 2]) for row in range(30)]
ALIGNED = "".join(f"{age:<5}{city:<13}{hours:<8}{bought}\n" for age, city, hours, bought in ROWS)
RIGHT = "".join(f"{age:>4}{city.replace(' ', '-'):>13}{hours:>8}{bought:>5}\n" for age, city, hours, bought in ROWS)


def command(message):
    """Returns the arguments of the command that a message shows between backquotes."""
    python, *arguments = shlex.split(message.split("`")[1])
    assert python == "python"
    return [sys.executable, *arguments]


@pytest.mark.parametrize(
    ("header", "rows", "reader"),
    [
        ("age  city         hours   bought\n", ALIGNED, "read_fwf"),
        ("", ALIGNED, "read_fwf"),
        (f"{'age':>4}{'city':>13}{'hours':>8}{'buys':>5}\n", RIGHT, "read_csv"),
        ("", RIGHT, "read_csv"),
    ],
    ids=["names with blanks", "names with blanks, no header", "aligned on the right", "on the right, no header"],
)
def test_the_command_that_the_error_shows_converts_every_row(header, rows, reader, tmp_path):
    path = tmp_path / ("t.txt" if header else "t.csv")
    path.write_text(header + rows)
    with pytest.raises(UserError, match=r"t\.\w+ has columns of a fixed width, .*: convert it") as error:
        dialect.lines(str(path))
    assert reader in str(error.value)
    subprocess.run(command(str(error.value)), check=True, capture_output=True, timeout=100)
    assert path.read_text() == header + rows
    [converted] = set(tmp_path.iterdir()) - {path}
    lines = converted.read_text().splitlines()
    assert len(lines) == 1 + len(ROWS)
    assert [len(line.split(",")) for line in lines] == [4] * len(lines)
    assert lines[0].split(",")[0] == ("age" if header else "0")


def test_a_table_with_one_blank_between_its_cells_is_read(tmp_path):
    (tmp_path / "t.txt").write_text("age city\n" + "".join(f'{age} "{city}"\n' for age, city, *_ in ROWS))
    [line] = dialect.lines(str(tmp_path / "t.txt"))
    assert (line.key, line.value) == ("csv", {"delimiter": " "})


@pytest.mark.parametrize(
    "text",
    [
        "review\nvery good\nquite bad\nnever again  or\n",
        "review\n" + "two words\n" * 9,
        "n\n1\n2\n3\n",
        "only two\nlines of  words\n",
        "name, first  age\n" + "Li, Bo       20\n" * 5,
    ],
)
def test_other_texts_are_not_taken_for_a_table_of_blanks(text, tmp_path):
    (tmp_path / "t.txt").write_text(text)
    assert fixed_width.delimiter(text) is None
    assert fixed_width.refusal(str(tmp_path / "t.txt"), text, ",") is None


def test_no_command_writes_over_the_file_that_it_converts():
    template = unsupported_formats.pandas_command("read_xml")
    assert "to_csv('a/t_converted.csv'" in unsupported_formats.convert("a/t.csv", template)
    assert "to_csv('a/t.csv'" in unsupported_formats.convert("a/t.xml", template)
