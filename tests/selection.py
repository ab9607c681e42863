"""Pytest hooks: which tests run on which stack, their order, and which share a process."""

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

FIRST = (
    *("tests/e2e/test_beam.py", "tests/faults/test_kills.py", "tests/e2e", "tests/models/test_equality.py"),
    *("tests/orchestration/prediction/test_predict.py", "tests/properties"),
)
"""Files that start first, so that no long file runs alone at the end."""
TOGETHER = {
    "tests/models/test_missing.py": "tests/models/test_equality.py",
    "tests/inspection/test_store_reads.py": "tests/inspection/test_web.py",
    "tests/models/test_feature_meanings.py": "tests/models/test_equality.py",
    "tests/models/test_loaded_graph.py": "tests/models/test_equality.py",
    "tests/models/test_text_and_images.py": "tests/models/test_equality.py",
    "tests/models/test_warm_start_outputs.py": "tests/models/test_warm_start.py",
    "tests/models/test_trial_process.py": "tests/components/test_tuner_processes.py",
    "tests/orchestration/prediction": "tests/orchestration/prediction/test_predict.py",
}
"""File or folder -> file with the same slow session fixtures: all run in one process."""
_COMMANDS = (
    "the command line, exit codes and files of whole runs; test_houses.py and test_tasks.py run both stacks whole"
)
_STAGE = "cache and files of the stage in whole runs; tests/orchestration/prediction runs its code on both stacks"
_JOBS = "options of compiled jobs; test_dry_run.py and test_buckets_as_data.py run jobs and read buckets on both stacks"
ONE_STACK = {
    "tests/browser": "pages in Chromium: they are text, and tests/inspection compares it on both stacks",
    "tests/faults/test_names.py": "pages in Chromium: they are text, and tests/inspection compares it on both stacks",
    "tests/faults/test_kills.py": "signals, which the kernel delivers; test_stops.py stops runs on both stacks",
    "tests/e2e/test_another_user.py": "rights of files, which the kernel checks",
    "tests/e2e/test_cache.py": _COMMANDS,
    "tests/e2e/test_docs_pages.py": "pages that show the output of one stack; " + _COMMANDS,
    "tests/e2e/test_dry_run_buckets.py": _JOBS,
    "tests/e2e/test_dry_run_parameters.py": _JOBS,
    "tests/e2e/test_errors.py": _COMMANDS,
    "tests/e2e/test_inference_runs.py": _STAGE,
    "tests/e2e/test_month.py": _COMMANDS,
    "tests/e2e/test_new_command.py": _COMMANDS,
    "tests/e2e/test_project_folder.py": _COMMANDS,
    "tests/e2e/test_project_image.py": _JOBS,
    "tests/e2e/test_sql.py": "commands on the rows of a query; test_postgresql.py runs them on both stacks",
    "tests/e2e/test_tuning_runs.py": "a whole run with a tuner; tests/components runs its code on both stacks",
    "tests/e2e/test_two_users.py": "rights of files, which the kernel checks",
    "tests/e2e/test_variant_runs.py": _COMMANDS,
    "tests/e2e/test_weeks.py": _COMMANDS,
    "tests/mutants": "edits of source text, which no library reads",
    "tests/security": "the lock file and committed lists",
    "tests/test_docs.py": "committed texts",
}
"""File or folder that `--second-stack` deselects -> why one stack is enough."""


def reason(path: str) -> str | None:
    """Return why a test file runs on one stack only; None if it runs on both.

    Args:
        path: Path relative to the repository, as in the first part of a test's id.
    """
    return _of_place(path, ONE_STACK)


def group(path: str) -> str:
    """Return the file whose process runs a test file: itself, unless it shares session fixtures with another.

    Args:
        path: Path relative to the repository.
    """
    return _of_place(path, TOGETHER) or path


def _of_place(path: str, values: Mapping[str, str]) -> str | None:
    return next((value for place, value in values.items() if path == place or path.startswith(f"{place}/")), None)


MEMORY_GB = 4
"""Memory of a test process with its child processes."""


def workers(cores: int, memory_gb: float) -> int:
    """Return the number of test processes: more than cores, as tests wait for more than half of their time."""
    return max(1, min(2 * cores + 1, int(memory_gb / MEMORY_GB)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Decide about `-n auto`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return workers(len(os.sched_getaffinity(0)), memory)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--second-stack",
        action="store_true",
        help="leave out what tests/selection.py says one stack is enough for: another run has it",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long files first, and leave out what the first stack has run."""

    def place(item: pytest.Item) -> int:
        path = item.nodeid.partition("::")[0]
        path = group(path)
        positions = [number for number, prefix in enumerate(FIRST) if path == prefix or path.startswith(f"{prefix}/")]
        return min(positions, default=len(FIRST))

    items.sort(key=place)
    if not config.getoption("second_stack"):
        return
    deselected = {
        item: explanation for item in items if (explanation := reason(item.nodeid.partition("::")[0])) is not None
    }
    config.hook.pytest_deselected(items=list(deselected))
    items[:] = [item for item in items if item not in deselected]
    counted = dict(Counter(deselected.values()))
    config.stash[_LEFT] = counted
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["left_out"] = counted


_LEFT = pytest.StashKey[dict[str, int]]()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Copy the deselected tests of a process of pytest-xdist; they are the same in all."""
    if "left_out" in getattr(node, "workeroutput", {}):
        node.config.stash[_LEFT] = node.workeroutput["left_out"]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print how many tests were deselected, and why."""
    counted = config.stash.get(_LEFT, {})
    if counted:
        terminalreporter.section(f"{sum(counted.values())} tests were deselected: they run on the other stack")
        for explanation, count in sorted(counted.items(), key=lambda entry: -entry[1]):
            terminalreporter.line(f"{count:5d}  {explanation}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Distribute files in the order of collection; files that share fixtures go to one process."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group(super()._split_scope(nodeid))

    config.option.loadscopereorder = False
    return Scheduling(config, log)
