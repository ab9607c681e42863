"""Screenshots for the README: python tests/browser ROOT; the last run in ROOT must be of houses."""

import contextlib
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from devtools import browser, browser_path

REPOSITORY = Path(__file__).parents[2]
sys.path.append(str(REPOSITORY))  # started as a folder, without the repository's packages
IMAGES = REPOSITORY / "docs/images"
MADE = runpy.run_path(str(REPOSITORY / "tests/inspection/made.py"))


def main(root: Path) -> None:
    """Write the screenshots."""
    IMAGES.mkdir(exist_ok=True)
    report = max(root.glob("houses/runs/*/report.html"))
    path = browser_path()
    assert path is not None
    with browser(path) as tab, MADE["served"](root) as address:
        tab.size(1200, 800)
        tab.open(report.as_uri())
        tab.screenshot(IMAGES / "report.png")
        tab.size(1200, 460)
        tab.value("document.querySelector('#importance').scrollIntoView()")
        tab.screenshot(IMAGES / "report-importance.png")
        tab.size(1200, 800)
        tab.color_scheme("dark")
        tab.open(f"{address}/run?id={report.parent.name}#training")
        tab.screenshot(IMAGES / "run.png")
    with browser(path) as tab, playground(root) as address:
        tab.size(1200, 800)
        tab.open(address)
        until_drawn = """new Promise((done) => {
          const look = () => document.querySelector('rect') ? done() : setTimeout(look, 50);
          look();
        })"""
        tab.ask("Runtime.evaluate", expression=until_drawn, awaitPromise=True)
        tab.screenshot(IMAGES / "playground.png")


@contextlib.contextmanager
def playground(root: Path) -> Iterator[str]:
    """Serve houses; yield the address of the page when the model is loaded."""
    command = [sys.executable, "runner.py", "serve", "houses", "--root", str(root), "--port", "0"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[0]
            next(line for line in server.stdout if "serves" in line)
            yield address
        finally:
            server.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
