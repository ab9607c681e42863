import argparse

import pytest

from curation import curation_parser
from errors import UserError


def test_files_stay_and_are_named_if_the_last_check_fails(tmp_path, capsys):
    for folder in ("configs", "schemas"):
        (tmp_path / folder).mkdir()
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row % 7},{row % 2}\n" for row in range(60)))
    arguments = argparse.Namespace(
        path=str(tmp_path / "t.csv"), sql=None, database=None, name="made", label="y", force=False
    )

    def check(name, of_all_rows):
        raise UserError(f"configs/{name}.toml: a cell is wrong")

    with pytest.raises(UserError) as raised:
        curation_parser.run_new(arguments, str(tmp_path), check, "")
    assert str(raised.value) == (
        "configs/made.toml: a cell is wrong; configs/made.toml and schemas/made.pbtxt stay: edit them and run "
        "`python runner.py doctor made`, or change the data and repeat `new` with --force"
    )
    assert "wrote configs/made.toml and schemas/made.pbtxt" in capsys.readouterr().out
    assert (tmp_path / "configs/made.toml").exists()
    assert (tmp_path / "schemas/made.pbtxt").exists()
