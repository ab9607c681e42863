"""Text with several lines in tables."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from inspection import inspect_parser
from inspection.text_output import in_a_line


@pytest.mark.parametrize(
    ("text", "most", "line"),
    [(None, 5, None), ("a\n  b", None, "a b"), ("abcdef", 6, "abcdef"), ("abc\ndef", 6, "abc...")],
)
def test_a_text_becomes_a_line(text: str | None, most: int | None, line: str | None) -> None:
    assert in_a_line(text, most) == line


@pytest.mark.parametrize(("command", "end"), [(["runs"], "x..."), (["show", "latest"], "x" * 300)])
def test_a_reason_of_many_lines_is_one_line_cut_in_the_list(
    writer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], end: str
) -> None:
    reason = "the data:\n  column 'a' " + "x" * 300
    writer.run("2026-11-02T10", run_folder=str(tmp_path)).end("BLOCKED", reason=reason)
    parser = argparse.ArgumentParser(prog="inspect")
    inspect_parser.add_arguments(parser)

    assert inspect_parser.run(parser.parse_args([*command, "--root", str(tmp_path)])) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if "the data: column 'a' xx" in line]
    assert line.endswith(end)
