"""What comes from data is shown on a terminal and in logs, and never obeyed."""

import ast
import errno
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

import printing
from curation.propose import config_text
from curation.propose.choices import Line
from errors import ResourceError
from inspection.console import console
from orchestration.display.terminal import Terminal

from . import source_files

ROOT = Path(__file__).parents[1]
HOSTILE = "\x1b]0;pwned\x07\x1b[2J\r\nBlessed: fake\x85\x9b1m\u202e\u2028\u200b\x7f\ud800"
SHOWN = r"\x1b]0;pwned\x07\x1b[2J\r\nBlessed: fake\x85\x9b1m\u202e\u2028\u200b\x7f\ud800"


def controls(text):
    """Control characters that a text would send to a terminal, line breaks and tabs aside."""
    return sorted({char for char in text if not char.isprintable()} - {"\n", "\t"})


def test_control_characters_are_written_out():
    assert printing.visible(HOSTILE) == SHOWN
    assert printing.visible("Größe 5 µm 價格") == "Größe 5 µm 價格"
    assert printing.visible("a\tb\n", keep="\n") == "a\\tb\n"


def test_a_line_stays_one_line_and_an_error_s_others_are_indented(capsys):
    printing.line(f"column {HOSTILE}")
    printing.error(f"column {HOSTILE}\nwrite it so:\n[data]")
    out, err = capsys.readouterr()
    assert out == f"column {SHOWN}\n"
    # The line break of the data begins a line that cannot be taken for another message.
    first_line, second_line = SHOWN.split(r"\n")
    assert err.splitlines() == [
        f"error: column {first_line}",
        f"       {second_line}",
        "       write it so:",
        "       [data]",
    ]


def test_within_a_command_no_library_reaches_the_terminal_with_control_characters(capsys):
    with printing.guarded():
        print(HOSTILE)
        sys.stderr.writelines([HOSTILE, "\n"])
        print("a\tb")
        printing.block("a\nb\n")
        printing.block(printing.Styled("\x1b[1mbold\x1b[0m\n"))
    out, err = capsys.readouterr()
    first_line, second_line = SHOWN.split(r"\n")
    assert out == f"{first_line}\n{second_line}\na\tb\na\nb\n\x1b[1mbold\x1b[0m\n"
    assert err == f"{first_line}\n{second_line}\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_an_encoding_cannot_say_is_written_out(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    with printing.guarded():
        printing.line(f"價 {HOSTILE}")
    assert stream.buffer.getvalue().decode(encoding).endswith(f" {SHOWN}\n")


def outcome(**changes):
    return {
        # A name with a bracket is a class's, which the table leaves out.
        "metrics": {"example_count": 9, HOSTILE.replace("[", ""): 1.0},
        "intervals": {},
        "baseline": None,
        "split": HOSTILE,
        "worst_slices": [{"metric": HOSTILE, "slice": {HOSTILE: HOSTILE}, "value": 1.0, "interval": None, "count": 40}],
        "slices_left_out": [{"slicing": [HOSTILE], "slices": 9, "kept": 1, "rows_left": 5}],
        "rules": [{"ok": False, "text": HOSTILE, "edit": HOSTILE}],
        "blessed": False,
        "reason": HOSTILE,
        "pushed": HOSTILE,
        **changes,
    }


@pytest.mark.parametrize("plain", [True, False])
def test_an_outcome_has_no_line_of_the_data_s(plain):
    terminal = Terminal(plain=plain)
    file = io.StringIO()
    terminal.console = console(plain=plain, file=file, width=1000, force_terminal=not plain)
    with terminal:
        terminal.plan([HOSTILE])
        terminal.say(HOSTILE)
        terminal.warn(HOSTILE)
        terminal.node(HOSTILE, HOSTILE, 1.0, HOSTILE)
        terminal.progress(HOSTILE, HOSTILE)
        terminal.reached([HOSTILE], run_folder=HOSTILE)
        terminal.outcome(outcome(), run_folder=HOSTILE)
    text = file.getvalue()
    assert text.count("Blessed: fake") >= 12
    assert not [line for line in text.splitlines() if line.startswith("Blessed:")]
    if plain:
        assert controls(text) == []
    else:
        assert set(controls(text)) <= {"\x1b", "\r"}, "of rich's own alone"
        assert "\x1b]0" not in text
        assert "\x1b[2J" not in text


@pytest.mark.parametrize("width", [40, 47, 80])
def test_a_wrapped_line_is_indented(width):
    terminal = Terminal(plain=False)
    file = io.StringIO()
    terminal.console = console(plain=False, file=file, width=width, force_terminal=True)
    terminal.outcome(outcome(reason="x " * 50 + "Blessed: fake " * 9, split="test"), run_folder="/r")
    lines = file.getvalue().splitlines()
    assert " ".join(" ".join(lines).split()).count("Blessed: fake") >= 9
    assert not [line for line in lines if line.startswith("Blessed:")]


def test_a_reason_beside_a_choice_stays_a_comment():
    text = config_text.config([HOSTILE], {"data": [Line("path", HOSTILE[:-1], HOSTILE)]}, [])
    assert controls(text) == []
    assert tomli.loads(text)["data"] == {"path": HOSTILE[:-1]}
    assert [line for line in text.splitlines() if line.startswith("Blessed")] == []


def test_a_console_shows_uncleaned_text_without_control_characters():
    from rich.table import Table
    from rich.text import Text

    file = io.StringIO()
    terminal = console(plain=True, file=file, width=1000)
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    terminal.print(table)
    terminal.print(Text(HOSTILE, "bold red"))
    terminal.print(HOSTILE)
    assert controls(file.getvalue()) == []


# The one way

WRITES = {"print", "Console"}
ELSEWHERE = {
    "inspection/console.py": "it is the way of rich",
    "runner.py": "says that the packages are missing",
    "orchestration/setup/install.py": "runs before the packages are there",
    "orchestration/schedule/webhook_post.py": "answers its parent by standard output",
    "models/training/callbacks.py": "runs where our modules are not; its worker's streams are guarded",
    "benchmarks/__main__.py": "prints our own figures",
    "benchmarks/by_hand.py": "prints one figure of its own",
    "benchmarks/quality/__main__.py": "prints our own figures",
    "security/__main__.py": "prints our own list",
    "docs/tutorial/deliveries.py": "prints a table, and runs with any Python",
}


def ways(tree):
    """Names in a module that print, or write to a stream of the process."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRITES:
            yield node.func.id
        elif isinstance(node, ast.Attribute) and node.attr in ("write", "writelines", "buffer"):
            if ast.unparse(node.value).rpartition(".")[2] in ("stdout", "stderr", "__stdout__", "__stderr__"):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "rich.console":
            yield "rich.console"


def test_nothing_is_printed_another_way():
    violations = {name for name in source_files.modules() if list(ways(ast.parse((ROOT / name).read_text())))}
    assert violations - set(ELSEWHERE) == set(), "print through printing.py"
    assert set(ELSEWHERE) - violations == set(), "take it out of the list"


@pytest.mark.parametrize(
    "text",
    [
        "print(1)",
        "import sys\nsys.stdout.write('')",
        "sys.stderr.buffer.write(b'')",
        "from rich.console import Console",
    ],
)
def test_another_way_is_seen(text):
    assert list(ways(ast.parse(text)))


PROGRAMS = {
    "help": ["runner.py", "--help"],
    "short help": ["runner.py", "schedule", "--help"],
    "rich": [
        "-c",
        "import sys, printing\nfrom inspection.console import console\nwith printing.guarded():\n"
        "    [console(plain=True).print('x' * 999) for _ in range(999)]\n    printing.line('y')",
    ],
    "line": ["-c", "import printing\nprinting.line(*('x' * 999 for _ in range(999)))\nprinting.line('y')"],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_reader_that_goes_away_ends_no_command(program):
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [sys.executable, *PROGRAMS[program]], cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_stream_that_is_closed_from_the_start_ends_no_command(program):
    command = 'exec "$0" "$@" >&-'
    ended = subprocess.run(
        ["bash", "-c", command, sys.executable, *PROGRAMS[program]], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("command", [["--help"], ["schedule", "--help"]])
def test_a_full_standard_output_is_an_error(command):
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "runner.py", *command], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 5
    assert re.fullmatch(r"error: <stdout> cannot be written: .+\n", ended.stderr)


def test_a_log_on_a_full_disk_is_named_by_its_path(tmp_path):
    class Full(io.TextIOWrapper):
        name = "<stderr>"

        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    message = rf"^{tmp_path}/trainer\.log cannot be written: No space left on device$"
    with Full((tmp_path / "trainer.log").open("wb")) as log, pytest.raises(ResourceError, match=message):
        printing.line("epoch 1", to=log)
