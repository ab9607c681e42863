"""Findings of gates, from a stage to the terminal and the run's folder."""

import json

from errors import GateError, RunError
from orchestration.display.terminal import Terminal
from orchestration.local import worker
from orchestration.local.supervision import Followed, _take
from orchestration.records import run_record

FOUND = [
    {"gate": "drift", "column": "area", "action": "warn", "line": "drift: column 'area': moved"},
    {"gate": "rows", "column": None, "action": "block", "line": "rows: 3 rows"},
]


def test_warnings_stay_on_the_terminal_in_run_json_and_all_findings_in_a_file(tmp_path, capsys):
    book, terminal = run_record.Record(str(tmp_path / "run"), {}), Terminal(plain=True)
    _take({"event": "gates", "node": "validation", "findings": FOUND}, Followed(), terminal, book)
    book.close("COMPLETE", "")

    assert capsys.readouterr().out == "warning: drift: column 'area': moved\n"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["warnings"] == ["drift: column 'area': moved"]
    assert json.loads((tmp_path / "run" / "gates.json").read_text()) == FOUND


def test_omissions_are_printed_and_stored_for_an_unchanged_run(tmp_path, capsys):
    book, terminal = run_record.Record(str(tmp_path / "run"), {}), Terminal(plain=True)
    lines = ["skipped 1 file: hidden (.x)", "converted 2 files: GIF to PNG"]
    _take({"event": "omissions", "node": "ingestion", "lines": lines}, Followed(), terminal, book)
    book.close("COMPLETE", "")

    assert capsys.readouterr().out == "".join(f"  {line}\n" for line in lines)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["omissions"] == lines


def test_the_error_of_a_stage_contains_the_findings_of_its_gate():
    def failed():
        try:
            try:
                raise GateError("stopped", FOUND)
            except GateError as error:
                raise ValueError("the launcher's own") from error
        except ValueError as error:
            return error

    assert worker._findings(failed()) == FOUND
    assert worker._findings(RunError("another")) == []
    assert worker._findings(GateError("the model is not blessed")) == []


def test_progress_is_a_line_where_the_output_is_no_terminal(capsys):
    terminal = Terminal(plain=True)
    terminal.plan(["trainer"])
    terminal.node("trainer", "RUNNING")
    terminal.progress("trainer", "epoch 3 of 9")
    assert capsys.readouterr().out.split() == ["trainer", "running", "epoch", "3", "of", "9"]


def test_lines_are_not_wrapped_where_the_output_is_no_terminal(capsys):
    Terminal(plain=True).say("word " * 100)
    assert capsys.readouterr().out.split("\n") == ["word " * 100, ""]
