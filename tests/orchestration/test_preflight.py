import gzip
import os
import re
import tempfile
import tracemalloc

import pytest
from PIL import Image

from errors import ResourceError, UserError
from orchestration import preflight
from pipeline.variants import Name
from spec.data import Data

CONFIG = "configs/flats.toml"
COLUMNS = ["id", "area", "rent"]
TEXT = "id,area,rent,note\n1,80,2000,x\n"


@pytest.fixture
def check(tmp_path):
    """Checks a file of the given content; returns its path."""

    def run(content, name="flats.csv", **keys):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        preflight.check_data(str(path), Data(path=name, **keys), config=CONFIG, columns=COLUMNS, label="rent")
        return str(path)

    return run


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.rstrip("\n"),
        "\n\n" + TEXT,
        "rent,note,area,id\n2000,,80,1\n",
        'id,area,rent\n"1\n2",80,2000\n',
        TEXT + "2,90,1500,Zürich\n" * 10_000,
    ],
    ids=["plain", "BOM", "CRLF", "no last newline", "blank lines first", "other order", "quoted newline", "long"],
)
def test_a_table_with_its_columns_passes(check, content):
    assert os.path.isfile(check(content))
    assert os.path.isfile(check(gzip.compress(content.encode(), mtime=0), "flats.csv.gz"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: it needs a header line and rows"),
        ("\n\n", "is empty: it needs a header line and rows"),
        ("\ufeff", "is empty: it needs a header line and rows"),
        ("id,area,rent\n", "holds a header line and no rows"),
        ("id,area,rent", "holds a header line and no rows"),
        ("id,area,rent\n\n\n", "holds a header line and no rows"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_table_without_rows_is_rejected(check, content, message, packed):
    name = "flats.csv.gz" if packed else "flats.csv"
    with pytest.raises(UserError, match=rf"{re.escape(name)} {message}$"):
        check(gzip.compress(content.encode(), mtime=0) if packed else content, name)


def test_the_error_of_a_missing_file_names_config_and_key(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(UserError, match=r"^configs/flats\.toml: data\.path: there is no file .*\. Put it there"):
            preflight.check_data(str(path), Data(path="x"), config=CONFIG, columns=COLUMNS, label="rent")


def test_each_missing_or_duplicate_column_has_a_finding_with_the_closest_name(check):
    with pytest.raises(UserError) as caught:
        check("id,aera,note,note\n1,2,3,4\n")

    lines = [line.split("flats.csv: ")[1] for line in str(caught.value).splitlines()]
    assert lines == [
        "two columns are named 'note': rename one, or drop it with drop = [\"note\"] under [data]",
        "column 'area' of the schema is missing. Did you mean 'aera'?",
        "the label column 'rent' of the schema is missing. Known columns: id, aera, note, note.",
    ]


@pytest.mark.parametrize("start", [0, 3, 100, 8191, 8192, 20_000, 300_000])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "BOM"])
def test_the_error_of_text_that_is_not_utf8_names_the_byte(check, start, packed, mark):
    content = mark + b"x" * start + b"\xfc" + b"y" * 20_000 + b"\n1\n"
    name = "flats.csv.gz" if packed else "flats.csv"
    with pytest.raises(UserError, match=rf"not UTF-8 \(byte {len(mark) + start}\): convert it, as with iconv"):
        check(gzip.compress(content, mtime=0) if packed else content, name)


@pytest.mark.parametrize("start", [0, 1], ids=["", "one byte before them"])
def test_the_position_of_an_invalid_byte_is_counted_in_bytes(check, start):
    with pytest.raises(UserError, match=rf"not UTF-8 \(byte {start + 2 * 70_000}\)"):
        check(b"x" * start + "ü".encode() * 70_000 + b"\xff\n1\n")


def test_a_character_truncated_at_the_end_of_the_file_is_an_invalid_byte(check):
    with pytest.raises(UserError, match=r"not UTF-8 \(byte 15\)"):
        check(b"id,area,rent\n1,\xc3")


def test_utf16_is_rejected(check):
    with pytest.raises(UserError, match=r"flats\.csv is not UTF-8 \(byte 0\)"):
        check(TEXT.encode("utf-16"))


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT.encode(), mtime=0)[:15],
        gzip.compress(TEXT.encode(), mtime=0)[:-30] + b"\0" * 30,
    ],
)
def test_a_truncated_or_invalid_gzip_file_is_rejected(check, content):
    with pytest.raises(UserError, match=r"flats\.csv\.gz cannot be read: ."):
        check(content, "flats.csv.gz")


def test_an_unterminated_quote_is_rejected(check):
    with pytest.raises(UserError, match=r"flats\.csv, line 2: a quote is opened in this row and never closed"):
        check('id,area,rent\n1,"80,2000\n' + "1,80,2000\n" * 20_000)


def test_a_line_without_end_is_rejected_before_it_fills_the_memory(check):
    content = gzip.compress(b"id,area,rent\n" + b"0" * (1 << 25), mtime=0)
    tracemalloc.start()
    with pytest.raises(UserError, match=r"flats\.csv\.gz cannot be read: a line of over 16,777,216 characters"):
        check(content, "flats.csv.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 << 20


def test_a_writable_root_is_created_and_left_empty(tmp_path):
    preflight.check_root(str(tmp_path / "new" / "runs"))

    assert os.listdir(tmp_path / "new" / "runs") == []


def test_a_root_that_is_a_file_is_rejected(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(ResourceError, match=r"/runs cannot be written \(File exists\): choose another folder"):
        preflight.check_root(str(tmp_path / "runs"))


def test_a_read_only_root_is_rejected(tmp_path, monkeypatch):
    def refuse(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    with pytest.raises(ResourceError, match=r"cannot be written \(Read-only file system\): choose another folder"):
        preflight.check_root(str(tmp_path))


def test_every_file_of_a_pattern_is_checked_and_all_findings_are_reported_together(check, tmp_path):
    (tmp_path / "a.csv").write_text(TEXT)
    (tmp_path / "b.csv").write_text("id;area;rent\n1;2;3\n")
    (tmp_path / "c.csv").write_bytes(b"\xff")
    (tmp_path / "d.csv").write_text(TEXT.replace("area", "aera"))
    (tmp_path / "README.md").write_text("About these files")
    with pytest.raises(UserError) as caught:
        preflight.check_data(f"{tmp_path}/*", Data(path="x"), config=CONFIG, columns=COLUMNS, label="rent")

    pattern = re.compile(r".*?/(\w\.csv)(?:: (?:the label )?column '(\w+)')?")
    named = [pattern.match(line).groups() for line in str(caught.value).splitlines()]
    assert named == [("b.csv", "id"), ("b.csv", "area"), ("b.csv", "rent"), ("c.csv", None), ("d.csv", "area")]


def test_files_of_predefined_splits_must_exist(check, tmp_path):
    (tmp_path / "a.csv").write_text(TEXT)
    paths = {"train": f"{tmp_path}/a.csv", "test": f"{tmp_path}/b.csv"}
    data = Data(path=paths, split="files")
    with pytest.raises(UserError, match=r"^configs/flats\.toml: data\.path: there is no file .*/b\.csv\. Put it there"):
        preflight.check_data(paths, data, config=CONFIG, columns=COLUMNS, label="rent")
    (tmp_path / "b.csv").write_text(TEXT)
    preflight.check_data(paths, data, config=CONFIG, columns=COLUMNS, label="rent")


def test_a_folder_of_images_must_match_the_schema(tmp_path):
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    Image.new("L", (2, 2)).save(tmp_path / "pets" / "cat" / "a.png")
    path, data = f"{tmp_path}/pets", Data(path="x")
    preflight.check_data(path, data, config=CONFIG, columns=["image", "label"], label="label")
    with pytest.raises(
        UserError, match=r"pets: the label column 'kind' of the schema is missing\. Known columns: image"
    ):
        preflight.check_data(path, data, config=CONFIG, columns=["image", "kind"], label="kind")
    (tmp_path / "pets" / "cat" / "a.png").write_text("not an image")
    with pytest.raises(UserError, match=r"pets/cat/a\.png cannot be read as an image"):
        preflight.check_data(path, data, config=CONFIG, columns=["image", "label"], label="label")


def test_the_data_of_a_run_that_does_not_read_it_is_not_checked(tmp_path):
    name = Name("points", "xor_linear")
    checks = {
        rows: [check.name for check in preflight.look(name, root=str(tmp_path), rows=rows).checks]
        for rows in ("none", "first")
    }
    assert [name for name in checks["first"] if name not in checks["none"]] == ["data"]
    assert "code" in checks["none"]
