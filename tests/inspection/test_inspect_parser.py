import argparse
import json
import os
import pty
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from errors import ResourceError, UserError
from inspection import inspect_parser, text_output

from .inspect_process import MAIN

REPOSITORY = Path(__file__).parents[2]


def _process(*arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-c", MAIN, *map(str, arguments)]
    return subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, check=False, **options)


def _run(*arguments: object) -> int:
    parser = argparse.ArgumentParser(prog="inspect")
    inspect_parser.add_arguments(parser)
    return inspect_parser.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def two_runs(writer: Any, tmp_path: Path) -> Path:
    """A root with a run that a gate blocked and an earlier one, whose data it took from the cache."""
    complete_run = writer.run("2026-11-01T10")
    [examples] = complete_run.node("ingestion", outputs=[("examples", "Examples")], uri="/data/" + "long/" * 60)
    complete_run.end("COMPLETE")
    (tmp_path / "run.json").write_text('{"nodes": ["ingestion", "validation", "trainer"]}')
    blocked_run = writer.run("2026-11-02T10", run_folder=str(tmp_path))
    blocked_run.node("ingestion", state="CACHED", reused=[("examples", examples)])
    blocked_run.node("validation", state="FAILED", inputs=[("examples", examples)])
    blocked_run.end("BLOCKED", reason="column 'age': 3 of 10 rows are missing")
    return tmp_path


def test_runs_prints_an_aligned_table(two_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("runs", "--root", two_runs) == 0
    header, blocked, complete = capsys.readouterr().out.splitlines()
    assert header.split() == ["RUN", "PIPELINE", "STATE", "STARTED", "TOOK", "REASON"]
    assert blocked.split()[:3] == ["2026-11-02T10", "houses", "BLOCKED"]
    assert complete.split()[:3] == ["2026-11-01T10", "houses", "COMPLETE"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", blocked.split()[3])
    assert [line.index(word) for line, word in ((header, "STATE"), (blocked, "BLOCKED"), (complete, "COMPLETE"))] == [
        25
    ] * 3
    assert blocked.endswith("column 'age': 3 of 10 rows are missing")
    assert complete.endswith("  -")


def test_show_prints_the_run_and_its_nodes(two_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("show", "latest", "--root", two_runs) == 0
    facts, nodes = (block.splitlines() for block in capsys.readouterr().out.split("\n\n"))
    assert dict(line.split(maxsplit=1) for line in facts)["reason"].startswith("column 'age'")
    assert dict(line.split(maxsplit=1) for line in facts)["folder"] == str(two_runs)
    assert [line.split()[:2] for line in nodes[1:3]] == [["ingestion", "CACHED"], ["validation", "FAILED"]]
    assert nodes[1].split()[-2:] == ["-", "examples:1"]
    assert nodes[2].split()[-2:] == ["examples:1", "-"]
    assert nodes[3].split() == ["trainer", "NOT", "RUN", "-", "-", "-", "-"]


def test_json_holds_the_same_and_more(two_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run("runs", "--root", two_runs, "--json", "--limit", "1")
    [listed] = json.loads(capsys.readouterr().out)
    _run("show", "02T10", "--root", two_runs, "--json")
    detail = json.loads(capsys.readouterr().out)
    assert detail["run"] == listed
    assert listed["state"] == "BLOCKED"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", listed["ended"])
    assert [node["state"] for node in detail["nodes"]] == ["CACHED", "FAILED", "NOT RUN"]
    assert detail["nodes"][0]["outputs"][0]["properties"] == {"tfx_version": "1.16.0"}


def test_no_store_and_a_damaged_store_are_our_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no runs yet under .*python runner\.py --local"):
        _run("runs", "--root", tmp_path)
    (tmp_path / "metadata.sqlite").write_bytes(b"damaged" * 999)
    with pytest.raises(ResourceError, match=r"metadata\.sqlite"):
        _run("runs", "--root", tmp_path)


def test_a_store_without_runs_is_reported(writer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("runs", "--root", tmp_path) == 0
    assert capsys.readouterr().out == "no runs yet: start one with python runner.py --local\n"
    _run("runs", "--root", tmp_path, "--json")
    assert json.loads(capsys.readouterr().out) == []


def test_an_unknown_run_names_the_nearest(two_runs: Path) -> None:
    with pytest.raises(UserError, match=r"no run '2026-11-03T10' in .*Did you mean '2026-11-0[12]T10'\?"):
        _run("show", "2026-11-03T10", "--root", two_runs)


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_is_a_positive_number(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _run("runs", "--limit", limit)
    assert "--limit" in capsys.readouterr().err


def test_runs_can_be_chosen_by_state_and_time(two_runs: Path, ask: Any) -> None:
    assert [run["run_id"] for run in ask("runs", "--state", "blocked", "--json")] == ["2026-11-02T10"]
    assert [run["state"] for run in ask("runs", "--state", "failed,blocked", "--json")] == ["BLOCKED"]
    assert ask("runs", "--state", "failed") == "no runs match\n1 more was refused: --state failed,blocked,not_blessed\n"
    assert len(ask("runs", "--since", "1h", "--json")) == 2
    assert ask("runs", "--since", "2999-01-01") == "no runs match\n"


@pytest.mark.parametrize("wrong", [["--state", "fine"], ["--since", "yesterday"], ["--since", "9" * 20 + "d"]])
def test_the_error_of_a_wrong_state_or_time_lists_what_is_accepted(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _run("runs", *wrong)
    assert re.search(r"expected (one or several of COMPLETE|a date or time such as)", capsys.readouterr().err)


def test_the_store_may_be_named_before_or_after_the_command_or_in_the_environment(
    make_writer: Callable[[Path], Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_writer(tmp_path / "metadata.sqlite").run("in the root")
    for name in ("flag", "environment"):
        make_writer(tmp_path / f"{name}.sqlite").run(f"in the {name}")

    def output(*arguments: object) -> str:
        _run(*arguments)
        return capsys.readouterr().out

    url = f"sqlite:///{tmp_path}/flag.sqlite"
    assert "in the root" in output("--root", tmp_path, "runs")
    assert "in the root" in output("runs", "--root", tmp_path)
    monkeypatch.setenv("PIPELINE_METADATA", "")
    assert "in the root" in output("runs", "--root", tmp_path)
    monkeypatch.setenv("PIPELINE_METADATA", f"sqlite:///{tmp_path}/environment.sqlite")
    assert "in the environment" in output("runs", "--root", tmp_path)
    assert "in the flag" in output("--metadata", url, "runs")
    assert "in the flag" in output("runs", "--metadata", url)


HOSTILE = "[red]x[/red] :smile: \x1b[31m\x1b]0;t\x07 \n\r\u202e é 表"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_hostile_names_are_shown_literally(writer: Any, tmp_path: Path, encoding: str) -> None:
    writer.run(HOSTILE, pipeline="[bold]p").node("[/]", outputs=[("[link=x]", "Examples")], uri=HOSTILE)
    for arguments in (["runs"], ["show", "latest"], ["show", "latest", "--json"]):
        process = _process(*arguments, "--root", tmp_path, env={**os.environ, "PYTHONIOENCODING": encoding})
        assert process.returncode == 0, process.stderr
        assert not set(process.stdout) & {"\x1b", "\x07", "\r", "\u202e"}
        if "--json" not in arguments:
            wide = "é 表" if encoding == "utf-8" else r"\xe9 \u8868"
            assert r"[red]x[/red] :smile: \x1b[31m\x1b]0;t\x07 \n\r\u202e " + wide in process.stdout
            assert "[bold]p" in process.stdout


def _on_a_terminal(root: Path, *arguments: str, **environment: str) -> str:
    control, terminal = pty.openpty()
    variables = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments, "--root", str(root)],
        cwd=REPOSITORY,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**variables, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )
    os.close(terminal)
    output = b""
    while True:
        try:
            chunk = os.read(control, 65536)
        except OSError:  # Linux reports the end of a terminal as an input error
            break
        output += chunk
    os.close(control)
    assert process.wait() == 0
    return output.decode()


def test_colour_is_for_terminals_that_want_it(two_runs: Path) -> None:
    coloured = _on_a_terminal(two_runs, "show", "latest")
    assert "\x1b[31mFAILED" in coloured
    plain = _on_a_terminal(two_runs, "show", "latest", NO_COLOR="1")
    assert "FAILED" in plain
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 100
    listed = _on_a_terminal(two_runs, "artifacts")
    assert re.sub(r"\s", "", listed).count("long/") == 60, "folded, not cut"
    piped = _process("show", "latest", "--root", two_runs, env={**os.environ, "FORCE_COLOR": "1"})
    assert "\x1b" not in piped.stdout


def test_a_reader_that_stops_early_meets_no_traceback(two_runs: Path) -> None:
    process = subprocess.run(
        [
            "bash",
            "-c",
            '"$0" -c "$1" show latest --root "$2" | true; exit ${PIPESTATUS[0]}',
            sys.executable,
            MAIN,
            two_runs,
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, None),
        (0.0, "0.00 s"),
        (9.994, "9.99 s"),
        (42.4, "42 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.9, "1 h 00 min"),
        (8040, "2 h 14 min"),
    ],
)
def test_durations_are_for_people(seconds: float | None, text: str | None) -> None:
    assert text_output.duration(seconds) == text


def test_help_imports_nothing_that_takes_time() -> None:
    code = """
import argparse, sys
from inspection import inspect_parser
inspect_parser.add_arguments(argparse.ArgumentParser())
print([name for name in ("ml_metadata", "google.protobuf", "rich", "grpc", "absl") if name in sys.modules])
"""
    process = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert process.stdout == "[]\n"


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: the store below takes 1,700 commits, each of which waits for a disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        yield Path(folder)


def test_a_hundred_runs_are_listed_within_a_second_and_without_tensorflow(
    make_writer: Callable[[Path], Any], memory: Path
) -> None:
    writer = make_writer(memory / "metadata.sqlite")
    for number in range(100):
        run = writer.run(f"run-{number:03}")
        inputs_of_node: list[tuple[str, int]] = []
        for node in (
            "ingestion",
            "statistics",
            "schema",
            "validation",
            "transformation",
            "trainer",
            "evaluator",
            "pusher",
        ):
            inputs_of_node = [
                (node, artifact) for artifact in run.node(node, inputs=inputs_of_node, outputs=[(node, "Any")])
            ]
    for arguments, expected in ((["runs", "--limit", "100"], 101), (["show", "run-050"], 6 + 1 + 9)):
        took = []
        for _ in range(3):
            begin = _seconds_of_children()
            process = _process(*arguments, "--root", memory)
            took.append(_seconds_of_children() - begin)
            assert process.returncode == 0, process.stderr
            assert len(process.stdout.splitlines()) == expected
        assert min(took) < 1, f"{arguments[0]} took {took} s"


def _seconds_of_children() -> float:
    """Processor time, which a busy machine stretches less than the clock's; nothing here waits for anything else."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
