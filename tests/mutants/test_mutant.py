import ast

import pytest

from . import contexts, report
from .mutant import mutants_of
from .mutant_runs import Result

TEXT = '''"""A module."""

import logging
from typing import Protocol

LIMIT = 3
__all__ = ["LIMIT", "work"]


class Shape(Protocol):
    def area(self) -> int:
        return 1


def work(rows: "list[int] | None", least: int = 0, *, size: int = 16) -> str:
    """Do it, in 5 steps."""
    logging.info("%d rows, at least %d", len(rows or []), 1 + 1)
    if not rows or least < LIMIT and size == 2:
        raise ValueError(f"ü {least + 1} rows: give {size * 2}")
    with lock:
        found = sorted(rows[least:], key=abs)
    try:
        rows.append(min(found, default=-1))
        self.seen = {"a": 1, "b": [x for x in found if x > 0]}
    except (OSError, KeyError):
        least += 2
    return str(call(found, least))
'''


@pytest.fixture(scope="module")
def mutants():
    return mutants_of("components/x.py", TEXT)


@pytest.mark.parametrize(
    ("operator", "edits"),
    [
        ("comparison", {("least < LIMIT", "(least <= LIMIT)"), ("size == 2", "(size != 2)"), ("x > 0", "(x >= 0)")}),
        (
            "logic",
            {
                ("not rows or least < LIMIT and size == 2", "(not rows and (least < LIMIT and size == 2))"),
                ("least < LIMIT and size == 2", "(least < LIMIT or size == 2)"),
            },
        ),
        ("negation", {("not rows", "rows"), ("-1", "1")}),
        ("condition", {("not rows or least < LIMIT and size == 2", value) for value in ("True", "False")}),
        ("filtering", {("x > 0", "True")}),
        ("augmented", {("least += 2", "least -= 2"), ("least += 2", "pass")}),
        ("deletion", {("rows.append(min(found, default=-1))", "pass")}),
        ("assignment", {('self.seen = {"a": 1, "b": [x for x in found if x > 0]}', "pass")}),
        ("returned", {("return str(call(found, least))", "return None")}),
        ("slicing", {("least:", "least + 1:")}),
        ("handler", {("(OSError, KeyError)", "(KeyError,)"), ("(OSError, KeyError)", "(OSError,)")}),
        ("manager", {("lock", '__import__("contextlib").nullcontext()')}),
        ("call", {("sorted(rows[least:], key=abs)", "list(rows[least:])"), ("min", "max")}),
        ("arguments", {("call(found, least)", "call(least, found)")}),
        (
            "keyword",
            {("sorted(rows[least:], key=abs)", "sorted(rows[least:])"), ("min(found, default=-1)", "min(found)")},
        ),
        (
            "entry",
            {
                ('{"a": 1, "b": [x for x in found if x > 0]}', "{'b': [x for x in found if x > 0]}"),
                ('{"a": 1, "b": [x for x in found if x > 0]}', "{'a': 1}"),
            },
        ),
        ("element", set()),
    ],
)
def test_what_changes_behaviour_is_edited_and_texts_are_not(mutants, operator, edits):
    assert {(mutant.old, mutant.new) for mutant in mutants if mutant.operator == operator} == edits


def test_numbers_of_defaults_and_of_constants_are_edited_where_they_take_effect(mutants):
    edits = {
        (mutant.line, mutant.old, mutant.new, mutant.called) for mutant in mutants if mutant.operator == "constant"
    }

    assert (6, "3", "4", False) in edits
    assert {(15, "0", "1", False), (15, "16", "17", False)} < edits
    assert {line for line, *_ in edits} == {6, 15, 18, 23, 24, 26}


def test_every_mutant_is_a_program_with_one_edit(mutants):
    for mutant in mutants:
        edited = mutant.apply(TEXT)
        assert ast.dump(ast.parse(edited)) != ast.dump(ast.parse(TEXT)), mutant
        assert edited.count("\n") == TEXT.count("\n")


def test_names_of_mutants_differ_and_stay_when_lines_move(mutants):
    keys = [mutant.key for mutant in mutants]

    assert len(set(keys)) == len(keys)
    assert [mutant.key for mutant in mutants_of("components/x.py", f"# moved\n{TEXT}")] == keys


def test_the_document_lists_what_was_not_noticed_and_keeps_its_reasons(mutants):
    killed, timed_out, survived, untested = mutants[:4]
    tried = [
        (killed, Result("killed", "tests/test_x.py::test_a", 3, 3, 1.0, {})),
        (timed_out, Result("timeout", None, 3, 3, 60.0, {})),
        (survived, Result("survived", None, 3, 2, 4.0, {})),
        (untested, Result("untested", None, 0, 0, 0.0, {})),
    ]
    empty_document = (
        "# Tests\n\n<!-- survivors of seed 1 -->\n<!-- end -->\n\n<!-- survivors of seed 2 -->\n<!-- end -->\nmore\n"
    )
    first_document = report.document(empty_document, 2, tried)
    assert "4 mutants of seed 2: 50.0% noticed (1 killed, 1 timeout, 1 survived, 1 untested)." in first_document
    assert first_document.startswith(
        "# Tests\n\n<!-- survivors of seed 1 -->\n<!-- end -->\n\n<!-- survivors of seed 2 -->\n4 mut"
    )
    assert first_document.endswith("<!-- end -->\nmore\n")
    rows = [line for line in first_document.splitlines() if line.startswith("| components/x.py")]
    assert len(rows) == 2
    second_document = report.document(
        first_document.replace(rows[0], rows[0][:-1] + "equivalent: so it is |"), 2, tried[2:3]
    )
    assert [line for line in second_document.splitlines() if line.startswith("| components/x.py")] == [
        rows[0][:-1].rstrip() + " equivalent: so it is |"
    ]


def test_lines_are_followed_through_an_edit():
    lines = ["a", "b", "c", "d", "e"]

    assert contexts.moved(lines, lines) == {number: [number] for number in range(1, 6)}
    mapping = contexts.moved(lines, ["new", "a", "b", "C", "D", "also", "e", "end"])
    assert mapping == {1: [1, 2], 2: [3, 4, 5, 6], 3: [4, 5, 6], 4: [4, 5, 6], 5: [7, 8]}
    assert contexts.moved(lines, ["a", "e"]) == {1: [1], 5: [2]}
