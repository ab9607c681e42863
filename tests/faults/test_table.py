"""The table of faults: every test names its row, and the document is written correctly."""

import ast
import re
from pathlib import Path

from .__main__ import lines
from .fault_table import ROWS

HERE = Path(__file__).parent


def test_every_test_of_a_fault_names_its_row():
    for path in HERE.glob("test_*.py"):
        if path.name != Path(__file__).name:
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    match = re.match(r"Fault (\d+):", ast.get_docstring(node) or "")
                    assert match, f"{path.name}: {node.name}: begin its docstring with 'Fault N:'"
                    assert int(match.group(1)) in ROWS, f"{path.name}: {node.name}"


def test_only_rows_whose_tests_ran_are_rewritten():
    rows = {1: ("a kill", "an end"), 2: ("a stop", "an end"), 3: ("half", "whole"), 4: ("twice", "two")}
    document = "| | injected |\n| --- | --- |\n| 2 | a stop | an end | yes | 3 s | 2020-01-01 | `make` |\n"
    records = [
        {"row": 1, "test": "tests/faults/test_a.py::test_x", "figure": "redone = 0"},
        {"row": 1, "test": "tests/faults/test_a.py::test_x", "outcome": "passed"},
        {"row": 3, "test": "tests/faults/test_b.py::test_y", "outcome": "passed"},
        {"row": 3, "test": "tests/faults/test_b.py::test_z", "outcome": "failed"},
    ]
    rewritten = lines(records, document, rows, "2020-01-02")
    command = '`make faults ARGS="tests/faults/test_a.py"`'
    assert rewritten[0] == f"| 1 | a kill | an end | yes | redone = 0 | 2020-01-02 | {command} |"
    assert rewritten[1] == "| 2 | a stop | an end | yes | 3 s | 2020-01-01 | `make` |"
    assert "| no: failed |" in rewritten[2]
    assert rewritten[3] == "| 4 | twice | two | no test yet | | | |"
