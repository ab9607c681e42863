"""Escape sequences and line breaks in names, cells, paths and reasons, through every command that shows them."""

import csv
import io
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.cli import parser

from ..trees import copy_code

TESTS = Path(__file__).parents[1]
MADE = runpy.run_path(str(TESTS / "inspection/made.py"))
ESCAPES = "\x1b]0;pwned\x07\x1b[2J\r\nBlessed: fake\x85\x9b1m\u202e\u200b\x7f"
IN_A_NAME = "\x1b[2J\nBlessed: fake"
"""For what may be longer otherwise than a file's name."""
LOOK = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
from orchestration.cli import parser
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = parser.main(arguments)
        except SystemExit as error:
            code = error.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
"""Runs commands one after the other in one process, which imports once."""


def harm(text, allowed=""):
    """Return what a text would do to a terminal: control characters, and forged lines."""
    characters = {char for char in text if not char.isprintable()} - {"\n", "\t", *allowed}
    return [*sorted(characters), *(line for line in text.splitlines() if line.startswith("Blessed"))]


def test_escape_sequences_in_data_are_not_interpreted_by_the_terminal(tmp_path, figure):
    """Fault 43: a table whose file, columns and cells hold escape sequences and line breaks, by each command."""
    tree = tmp_path / "tree"
    copy_code(tree)
    for folder in ("configs", "schemas", "data"):
        (tree / folder).mkdir(exist_ok=True)
    data = tree / "data" / f"x{IN_A_NAME}.csv"
    with open(data, "w", newline="") as file:
        csv.writer(file).writerows(
            [
                [f"a{ESCAPES}", f"b{ESCAPES}", "rent", "constant"],
                *([number % 7, f"{ESCAPES}{number % 3}", number / 3, ESCAPES] for number in range(80)),
            ]
        )
    (tree / "configs" / "wrong.toml").write_text(
        '[data]\npath = "x\\u001b[2J\\nBlessed: fake"\n[features]\nnumeric = ["\\u001b[2J\\nBlessed: fake"]\n'
        '[label]\ncolumn = "y"\ntask = "\\u001b[2J\\nBlessed: fake"\n["\\u001b[2J\\nBlessed: fake"]\n'
    )
    commands = [
        (0, "new", "x", str(data), "--label", "rent"),
        (2, "new", "y", str(data), "--label", IN_A_NAME),
        (2, "new", "z", f"{data}{IN_A_NAME}"),
        (2, "new", IN_A_NAME, str(data)),
        (0, "schema", "infer", "x", "--print"),
        (0, "schema", "diff", "x"),
        (None, "doctor", "x", "--root", str(tree / IN_A_NAME)),
        (None, "doctor", "x", "--root", str(tree / IN_A_NAME), "--json"),
        (2, "doctor", "wrong", "--root", str(tree / "runs")),
        (2, "--local", "--pipeline", "wrong", "--root", str(tree / "runs")),
        (2, "--local", "--pipeline", IN_A_NAME),
        (2, "--local", "--pipeline", "x", "--set", f"{IN_A_NAME}=1"),
        (2, "inspect", "runs", "--root", str(tree / IN_A_NAME)),
        (2, "push", IN_A_NAME, "--root", str(tree / IN_A_NAME)),
        (2, "schedule", "next", IN_A_NAME),
        (2, IN_A_NAME),
        (2, "inspect", "runs", IN_A_NAME),
    ]
    completed = subprocess.run(
        [sys.executable, "-c", LOOK, str(tree)],
        input=json.dumps([arguments for _, *arguments in commands]),
        capture_output=True,
        text=True,
        cwd=tree,
        check=True,
    )
    answers = [json.loads(line) for line in completed.stdout.splitlines()]
    for (code, *arguments), (output, out, err) in zip(commands, answers, strict=True):
        assert code in (None, output), (arguments, out, err)
        assert harm(out + err) == [], (arguments, out, err)
        if "--json" in arguments:
            json.loads(out)
    assert r"\x1b[2J" in answers[0][1]
    proposed_files = [tree / "configs" / "x.toml", tree / "schemas" / "x.pbtxt"]
    assert [harm(path.read_text()) for path in proposed_files] == [[], []]
    figure(43, f"{len(commands)} commands on hostile data: 0 control characters, 0 lines that look like ours")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store in which every name that data can bring is hostile."""
    root = tmp_path_factory.mktemp("made") / "runs"
    # protobuf 3.20 does not read C1 controls as these files are written.
    names = "".join(char for char in ESCAPES if not "\x7f" <= char < "\xa0")
    MADE["make"].__globals__.update(SCRIPT=names, QUOTES=f"q{names}")
    MADE["make"](root, hostile=True)
    return root


COMMANDS = """
runs
show latest
artifacts
lineage latest
lineage latest --dot
lineage latest --mermaid
why latest
examples latest
statistics latest
anomalies latest
schema latest
clean
""".strip().splitlines()


def test_escape_sequences_in_a_store_are_not_interpreted_by_the_terminal(store, capsys, monkeypatch, figure):
    """Fault 43: a store whose runs, columns, values and reasons hold them, on a terminal, in a pipe and as JSON."""
    from inspection.run_history import list_runs
    from inspection.store.metadata_store import open_store

    runs = [run.run_id for run in list_runs(open_store(str(store), None))]
    commands = [
        *(words.split() for words in COMMANDS),
        *([word, run, *more] for run in runs for word, more in (("show", []), ("logs", ["trainer"]), ("why", []))),
        ["compare", runs[0], runs[-1]],
    ]
    escaped_texts, answers = 0, 0
    for words in commands:
        for terminal in (False, True):
            for options in ([], ["--json"]):
                # Styles are printed only to a stream whose isatty() is true.
                out = io.StringIO()
                out.isatty = lambda terminal=terminal: terminal
                monkeypatch.setattr(sys, "stdout", out)
                code = parser.main(["inspect", *words, *options, "--root", str(store)])
                err = capsys.readouterr().err
                text = out.getvalue()
                # Not every run has a model, a log and the like.
                assert code in (0, 2), (words, err)
                answers += code == 0
                assert harm(err) == []
                # A terminal's table has the table's styles and folds long cells; a log has lines of any kind.
                drawn = terminal and not options
                characters = harm(text, allowed="\x1b" if drawn else "")
                assert [
                    problem for problem in characters if len(problem) == 1 or not (drawn or words[0] == "logs")
                ] == [], words
                assert "\x1b[2J" not in text
                assert "\x1b]" not in text
                if options and code == 0:
                    json.loads(text)
                escaped_texts += r"\x1b[2J" in text or r"\u001b[2J" in text
    figure(
        43, f"{len(commands)} commands on a hostile store, on a terminal and in a pipe, as text and as JSON: the same"
    )
    assert escaped_texts > 10
    assert answers > 3 * len(commands), "most have something to show"
