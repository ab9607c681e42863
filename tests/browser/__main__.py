"""Screenshots for the README: python tests/browser ROOT; the last run in ROOT must be of houses."""

import runpy
import sys
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
