"""The pages under docs/tutorial and docs/how-to: each command and each snippet, as a reader follows them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..pages import Page, Reader
from ..toml_edits import merged
from ..trees import copy_code

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL = DOCS / "tutorial" / "weekly-deliveries.md"
HOW_TO = sorted((DOCS / "how-to").glob("*.md"))
DATABASE = "postgresql://team:SECRET@db.example.com/runs"
"""The store of the pages; the test replaces it by a server of its own."""


def new_tree(folder: Path) -> Path:
    """Copy the repository with the script that writes the tutorial's table."""
    tree = folder / "pipeline"
    copy_code(tree)
    (tree / "docs" / "tutorial").mkdir(parents=True)
    shutil.copy(DOCS / "tutorial" / "deliveries.py", tree / "docs" / "tutorial")
    return tree


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree in which the tutorial was followed to its end; the tree itself is `pipeline` beside it."""
    tree = new_tree(tmp_path_factory.mktemp("reader"))
    Reader(tree).follow(Page(TUTORIAL))
    shutil.copytree(tree, tree.with_name("finished"), symlinks=True)
    return tree.with_name("finished")


@pytest.fixture
def database() -> Iterator[str]:
    """An empty PostgreSQL database."""
    from .. import postgresql_server

    if not postgresql_server.BINARIES:
        pytest.skip("PostgreSQL is missing: apt-get install postgresql")
    with postgresql_server.Server() as server:
        yield server.url


def test_tutorial(finished: Path) -> None:
    assert (finished / "runs" / "deliveries" / "serving").is_dir()


def marked(path: Path) -> Any:
    """Return a page as a test's parameter, slow if the page is marked so."""
    slow = "slow" in Page(path).notes
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize("path", [marked(path) for path in HOW_TO])
def test_how_to(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    page = Page(path)
    if page.notes.get("begins") == "where the tutorial ends":
        finished = request.getfixturevalue("finished")
        tree = finished.with_name("pipeline")
        shutil.rmtree(tree)
        shutil.copytree(finished, tree, symlinks=True)
    else:
        tree = new_tree(tmp_path)
    replaced = {DATABASE: request.getfixturevalue("database")} if page.notes.get("with") == "PostgreSQL" else {}
    Reader(tree, replaced).follow(page)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Page]:
    """Write a page."""
    monkeypatch.delenv("PAGES", raising=False)

    def write(text: str) -> Page:
        path = tmp_path / "page.md"
        path.write_text(f"# Title\n\n{text}\n")
        return Page(path)

    return write


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("```console\n$ echo 3 rows\n4 rows\n```", "not printed: 4 rows"),
        ("```console\n$ printf 'a\\nb\\n'\na\n```", r"\(nothing more\) before: b"),
        ("```console\n$ printf 'a\\nb\\n'\n...\na\n```", r"\(nothing more\) before: b"),
        ("```console\n$ false\n```", "exit code 1"),
        ("```console\n$ false\n$ echo $?\n0\n```", "not printed: 0"),
        ("```sh\necho\n```", "nothing runs this block"),
        ("```toml\na = 1\n```", "nothing runs this block"),
        ("```console\necho\n```", "does not begin with a command"),
    ],
)
def test_a_wrong_page_fails(page, block, problem, tmp_path):
    with pytest.raises(AssertionError, match=problem):
        Reader(tmp_path).follow(page(block))


def test_a_command_that_is_not_run_must_parse(page, tmp_path):
    text = "<!-- not run: needs a cluster -->\n```console\n$ python runner.py --local --pipelin {}\n```"
    Reader(tmp_path).follow(page(text.replace("--pipelin {}", "--pipeline houses")))
    with pytest.raises(SystemExit):
        Reader(tmp_path).follow(page(text.replace("--pipelin {}", "--pipelines-of houses")))


def test_output_is_compared_without_what_differs_from_run_to_run(page, tmp_path):
    documented = "version 1795902153, 12 rows, rmse 2.5 in 3.1 s"
    printed = "version  1795902999, 12 rows, rmse 3.25 in 0.4 s"
    Reader(tmp_path).follow(page(f"```console\n$ echo '{printed}'\n{documented}\n```"))
    with pytest.raises(AssertionError, match="not printed"):
        Reader(tmp_path).follow(page(f"```console\n$ echo '{printed.replace('12', '13')}'\n{documented}\n```"))


def test_a_page_takes_over_new_wording(page, tmp_path, monkeypatch):
    command = "$ printf 'one\\nthe model is refused: mae 3.5\\nlast\\n'"
    text = f"```console\n{command}\n...\nthe model is no good: mae 3.4\n...\n```"
    outdated_page = page(text)
    monkeypatch.setenv("PAGES", "write")
    Reader(tmp_path).follow(outdated_page)
    assert outdated_page.path.read_text() == f"# Title\n\n{text.replace('no good: mae 3.4', 'refused: mae 3.5')}\n"


def test_a_snippet_sets_its_keys_and_appends_its_tables():
    config = "[a]\nx = [\n  1,\n]\n# kept\ny = 2\n\n[b]\nx = 1\n"
    assert merged(config, "[a]\nx = 3\nz = 4\n[c]\nw = 1\n[[s]]\nn = 1\n") == (
        "[a]\nz = 4\nx = 3\n# kept\ny = 2\n\n[b]\nx = 1\n\n[c]\nw = 1\n\n[[s]]\nn = 1\n"
    )
