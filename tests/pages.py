"""Runs the pages under docs/tutorial and docs/how-to as their reader would, block by block.

A fenced block is run by its language:

- `console`: a line that begins with `$ ` is a command, and the lines below it are its output. A command must end with
  exit code 0, unless `$ echo $?` follows, whose output is the code. In the output a line `...` stands for any lines and
  ` ... ` for any text; numbers that differ from run to run (decimals, times, run ids, versions) are not compared.
- `toml` below `<!-- edit: FILE -->`: its keys are set in that file.
- any language below `<!-- write: FILE -->`: the block becomes that file.
- any language below `<!-- not run: WHAT IT NEEDS -->`: commands must parse, TOML and Python too.

Commands start in the repository, `~/pipeline` in the pages; `cd` and `export` hold for the rest of a page.

Below its title a page may say `<!-- begins: where the tutorial ends -->`, `<!-- with: PostgreSQL -->` or
`<!-- slow: REASON -->`. To write today's output into the pages: `PAGES=write pytest tests/e2e/test_docs_pages.py`.
"""

import ast
import dataclasses
import difflib
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import tomli

from . import warm
from .toml_edits import merged

HOME = "/home/ada"
"""The home folder in the pages' output; the repository is its folder `pipeline`."""
_NOTE = re.compile(r"<!-- (begins|with|slow|edit|write|not run): (.*) -->")
_VARYING = (
    (r"\b\d{8}-\d{6}-[0-9a-f]{4}\b", "RUN"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+\d\d:\d\d|Z)?", "TIME"),
    (r"\b1[789]\d{8}\b", "VERSION"),
    (r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7,}\b", "DIGEST"),
    (r"-?\b\d[\d,]*\.\d+(e-?\d+)?", "NUMBER"),
    (r"\bepoch \d+ of \d+", "epoch N of N"),
    (r"\bCES?T\b", "ZONE"),
    (r"\b\d+ (s|min|h|kB|MB|GB)\b", r"NUMBER \1"),
    (r"\bNUMBER (B|kB|MB|GB)\b", "SIZE"),
    (r"-{3,}|[─━]{3,}", "---"),
)
"""What differs between two runs of a command -> what stands for it in the comparison."""
_PROGRESS = re.compile(r"^(starting TensorFlow and TFX|\S+ +running .*)$")
"""Lines that depend on how long a stage takes."""


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: Number of its first line in the page, from 1.
        note: Kind and text of the comment above it.
    """

    language: str
    lines: tuple[str, ...]
    line: int
    note: tuple[str, str] | None

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of a console block, with the output that the page shows."""

    text: str
    shown: tuple[str, ...]
    line: int


class Page:
    """A Markdown file with its notes and blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines()
        notes = [match.groups() for line in lines if (match := _NOTE.fullmatch(line))]
        self.notes = {kind: text for kind, text in notes if kind in ("begins", "with", "slow")}
        self.blocks = list(_blocks(lines))


def _blocks(lines: list[str]) -> Iterator[Block]:
    note: tuple[str, str] | None = None
    opened: int | None = None
    for number, line in enumerate(lines):
        if opened is not None:
            if line == "```":
                yield Block(lines[opened][3:], tuple(lines[opened + 1 : number]), opened + 2, note)
                opened, note = None, None
        elif line.startswith("```"):
            opened = number
        elif match := _NOTE.fullmatch(line):
            note = (match[1], match[2])
        elif line.strip():
            note = None
    assert opened is None, f"line {opened}: the block is not closed"


def commands(block: Block) -> list[Command]:
    """Return the commands of a console block."""
    listed: list[Command] = []
    for number, line in enumerate(block.lines, block.line):
        if line.startswith("$ "):
            listed.append(Command(line[2:], (), number))
            continue
        assert listed, f"line {number}: the block does not begin with a command"
        last_command = listed[-1]
        if last_command.text.endswith("\\") and not last_command.shown:
            listed[-1] = dataclasses.replace(last_command, text=f"{last_command.text[:-1].rstrip()} {line.strip()}")
        else:
            listed[-1] = dataclasses.replace(last_command, shown=(*last_command.shown, line))
    return listed


def normalized(line: str) -> str:
    """Return a line without what differs from run to run."""
    for pattern, stand_in in _VARYING:
        line = re.sub(pattern, stand_in, line)
    return " ".join(line.split())


def mismatch(shown: tuple[str, ...], lines: list[str]) -> str | None:
    """Return the first shown line that the output lacks, or what the output has beyond; None where they match."""
    place, anywhere = 0, False
    for line in shown:
        if line.strip() == "...":
            anywhere = True
            continue
        end = len(lines) if anywhere else min(place + 1, len(lines))
        hits = [number for number in range(place, end) if _fits(line, lines[number])]
        if not hits:
            return line
        place, anywhere = hits[0] + 1, False
    return None if anywhere or place == len(lines) else f"(nothing more) before: {lines[place]}"


def updated(shown: tuple[str, ...], lines: list[str]) -> tuple[str, ...]:
    """Return the shown lines, those that the output lacks replaced by its most similar lines."""
    refreshed: list[str] = []
    place = 0
    for line in shown:
        hits = [number for number in range(place, len(lines)) if _fits(line, lines[number])]
        if line.strip() == "...":
            refreshed.append(line)
        elif hits:
            refreshed.append(line)
            place = hits[0] + 1
        else:
            refreshed += difflib.get_close_matches(line, lines[place:], 1, 0.5)
    return tuple(refreshed) if mismatch(tuple(refreshed), lines) is None else tuple(lines)


def _fits(shown: str, line: str) -> bool:
    """Whether a line is the shown one but for what differs from run to run."""
    return bool(re.fullmatch(".*".join(map(re.escape, normalized(shown).split("..."))), normalized(line)))


def check_unrun(block: Block) -> None:
    """Assert that a block that is not run parses."""
    if block.language == "toml":
        tomli.loads(block.text)
        return
    if block.language == "python":
        ast.parse(block.text)
        return
    assert block.language == "console", f"line {block.line}: a block that is not run is console, toml or python"
    for command in commands(block):
        _, start, arguments = command.text.partition("python runner.py ")
        if start:
            from orchestration.cli.parser import parser

            parser().parse_args(shlex.split(arguments.replace("--beam ", "--beam=")))
        subprocess.run(["bash", "-n", "-c", command.text], check=True)


class Reader:
    """Follows pages in a copy of the repository.

    Args:
        tree: The copy; its parent is the reader's home folder.
        replaced: Text of the pages -> what stands for it here, as the address of a server.
    """

    def __init__(self, tree: Path, replaced: Mapping[str, str] | None = None) -> None:
        self.tree, self._folder = tree, tree
        self._replaced = {"~/": f"{tree.parent}/", **(replaced or {})}
        self._environment = {"COLUMNS": "110", "PATH": f"{tree}/.venv/bin:{os.environ['PATH']}"}
        self._code = 0

    def follow(self, page: Page) -> None:
        """Run the blocks of a page; with PAGES=write, write their output into the page."""
        for block in page.blocks:
            kind, detail = block.note or ("", "")
            if kind == "not run":
                check_unrun(block)
            elif kind == "write":
                (self.tree / detail).parent.mkdir(parents=True, exist_ok=True)
                (self.tree / detail).write_text(block.text)
            elif kind == "edit":
                path = self.tree / detail
                path.write_text(merged(path.read_text(), block.text))
            else:
                assert block.language == "console", f"{page.path.name}:{block.line}: nothing runs this block"
                self._console(page, block)

    def _console(self, page: Page, block: Block) -> None:
        listed = commands(block)
        for number, command in enumerate(listed):
            location = f"{page.path.name}:{command.line}: {command.text}"
            lines = self._run(command.text)
            if command.text != "echo $?":
                checked = number + 1 < len(listed) and listed[number + 1].text == "echo $?"
                assert checked or self._code == 0, f"{location}\nexit code {self._code}\n" + "\n".join(lines)
            if command.shown and os.environ.get("PAGES") == "write":
                _rewrite(page.path, command, updated(command.shown, lines))
                continue
            missing = mismatch(command.shown, lines) if command.shown else None
            assert missing is None, f"{location}\nnot printed: {missing}\nprinted:\n" + "\n".join(lines)

    def _run(self, text: str) -> list[str]:
        """Run a command, and return what it printed, as the pages show it."""
        for documented, real in self._replaced.items():
            text = text.replace(documented, real)
        if text == "echo $?":
            return [str(self._code)]
        words = shlex.split(text)
        if words[0] == "cd":
            self._folder = Path(words[1])
            return []
        if words[0] == "export":
            self._environment |= dict(word.split("=", 1) for word in words[1:])
            return []
        if words[0] == "python" and words[1].endswith("runner.py") and not {"|", ">", "&&"} & set(words):
            ended = warm.shared().run(*words[2:], tree=self.tree, cwd=self._folder, **self._environment)
            self._code, out = ended.code, ended.out + ended.err
        else:
            completed = subprocess.run(
                ["bash", "-c", text],
                cwd=self._folder,
                env={**os.environ, "NO_COLOR": "1", **self._environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self._code, out = completed.returncode, completed.stdout
        out = out.replace(str(self.tree.parent), HOME)
        for documented, real in self._replaced.items():
            out = out.replace(real, documented)
        return [line.rstrip() for line in out.splitlines() if not _PROGRESS.match(line)]


def _rewrite(path: Path, command: Command, new_lines: tuple[str, ...]) -> None:
    """Replace the output of a command in its page, which other commands may have moved."""
    text = path.read_text().splitlines()
    old_lines = list(command.shown)
    place = next(
        number
        for number in sorted(range(len(text)), key=lambda number: abs(number + 1 - command.line))
        if text[number].startswith("$ ")
        and any(text[n : n + len(old_lines)] == old_lines for n in range(number + 1, number + 4))
    )
    first_line = next(n for n in range(place + 1, place + 4) if text[n : n + len(old_lines)] == old_lines)
    text[first_line : first_line + len(old_lines)] = new_lines
    path.write_text("\n".join(text) + "\n")
