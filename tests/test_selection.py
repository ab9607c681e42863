import os
from pathlib import Path

import pytest

from .selection import FIRST, ONE_STACK, TOGETHER, group, reason, workers

REPOSITORY = Path(__file__).parents[1]
pytest_plugins = ["pytester"]


@pytest.fixture
def pytester(pytester, monkeypatch):
    """Start pytest with only the plugin that distributes tests: the import of all others takes a second and more."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin")
    return pytester


@pytest.mark.parametrize("path", [*ONE_STACK, *FIRST, *TOGETHER, *TOGETHER.values()])
def test_what_is_named_exists(path):
    assert (REPOSITORY / path).exists()


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("tests/browser", True),
        ("tests/browser/test_pages.py", True),
        ("tests/test_docs.py", True),
        ("tests/browsers/test_pages.py", False),
        ("tests/components/test_stock_components.py", False),
    ],
)
def test_a_folder_stands_for_its_files_alone(path, left_out):
    assert (reason(path) is not None) == left_out


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/models/test_missing.py", "tests/models/test_equality.py"),
        ("tests/orchestration/prediction/test_serve_onnx.py", "tests/orchestration/prediction/test_predict.py"),
        ("tests/orchestration/prediction/test_predict.py", "tests/orchestration/prediction/test_predict.py"),
        ("tests/orchestration/test_times.py", "tests/orchestration/test_times.py"),
    ],
)
def test_a_file_has_the_group_of_its_folder(path, expected):
    assert group(path) == expected


def test_files_of_one_group_run_in_one_process(pytester):
    pytester.makeconftest(
        "from tests import selection\nselection.TOGETHER = {'a': 'b/test_3.py'}\nfrom tests.selection import *"
    )
    text = (
        "import os, pathlib\ndef test_it():\n"
        f"    path = pathlib.Path({str(pytester.path)!r}, os.environ['PYTEST_XDIST_WORKER'])\n"
        "    with path.open('a') as file: print(pathlib.Path(__file__).name, file=file)\n"
    )
    for name in ("a/test_1.py", "a/test_2.py", "b/test_3.py", "c/test_4.py"):
        (pytester.path / name).parent.mkdir(exist_ok=True)
        (pytester.path / name).write_text(text)
    options = ["--import-mode=importlib", "--rootdir", str(pytester.path), f"--override-ini=pythonpath={REPOSITORY}"]
    pytester.runpytest_subprocess(*options, "-n", "2", "--dist", "loadfile").assert_outcomes(passed=4)
    ran = sorted(sorted(path.read_text().split()) for path in pytester.path.glob("gw*"))
    assert ran == [["test_1.py", "test_2.py", "test_3.py"], ["test_4.py"]]


@pytest.mark.parametrize("processes", [[], ["-n", "2"]])
def test_what_the_second_stack_leaves_out_is_counted_with_the_reason(pytester, processes):
    pytester.makeconftest("from tests.selection import *")
    pytester.mkdir("tests")
    pytester.path.joinpath("tests/test_docs.py").write_text("def test_a(): pass\ndef test_b(): pass\n")
    pytester.path.joinpath("tests/test_other.py").write_text("def test_c(): pass\n")
    options = ["--import-mode=importlib", "--rootdir", str(pytester.path), f"--override-ini=pythonpath={REPOSITORY}"]
    both_stacks = pytester.runpytest_subprocess(*options, *processes)
    both_stacks.assert_outcomes(passed=3)
    both_stacks.stdout.no_fnmatch_line("*deselected*")
    second_stack = pytester.runpytest_subprocess(*options, *processes, "--second-stack")
    second_stack.assert_outcomes(passed=1)
    second_stack.stdout.fnmatch_lines(
        ["*2 tests were deselected: they run on the other stack*", "    2  committed texts"]
    )


@pytest.mark.parametrize(
    ("cores", "memory_gb", "expected"),
    [(2, 24.0, 5), (1, 24.0, 3), (8, 128.0, 17), (8, 16.0, 4), (2, 3.9, 1)],
)
def test_processes_are_more_than_cores_as_far_as_memory_goes(cores, memory_gb, expected):
    assert workers(cores, memory_gb) == expected


def test_auto_asks_for_the_number_of_processes(pytester):
    pytester.makeconftest("import os\nos.sysconf = lambda name: 1e12\nfrom tests.selection import *")
    pytester.makepyfile("def test_a(): pass")
    options = ["--import-mode=importlib", f"--override-ini=pythonpath={REPOSITORY}"]
    result = pytester.runpytest_subprocess(*options, "-n", "auto")
    number = workers(len(os.sched_getaffinity(0)), 1e12)
    result.stdout.fnmatch_lines([f"{number} workers*"])


@pytest.mark.parametrize("processes", [[], ["-n", "2"]])
def test_the_slowest_files_are_printed_with_what_their_fixtures_took(pytester, processes):
    pytester.makeconftest(
        "from tests import durations\ndurations.SHOWN = 2\nfrom tests.durations import pytest_configure"
    )
    fixture = """
import pytest, subprocess, sys, time

@pytest.fixture
def slow():
    subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.7: pass"], check=True)

def test_a(slow): pass
"""
    pytester.makepyfile(test_short="def test_a(): pass", test_fixture=fixture, test_other="def test_a(): pass")
    options = ["--import-mode=importlib", f"--override-ini=pythonpath={REPOSITORY}"]
    result = pytester.runpytest_subprocess(*options, *processes)
    result.stdout.fnmatch_lines(
        [
            "*the 2 slowest of 3 files*, 1 CPU s)*",
            "* s      1 CPU s  test_fixture.py",
            "     0 s      0 CPU s  test_*.py",
        ]
    )
