"""Takes the README's pictures of a root folder's runs: python tests/browser ROOT, whose last run is of houses."""

import runpy
import sys
from pathlib import Path

from devtools import browser, found

REPOSITORY = Path(__file__).parents[2]
IMAGES = REPOSITORY / "docs/images"
MADE = runpy.run_path(str(REPOSITORY / "tests/inspection/made.py"))


def main(root: Path) -> None:
    """Writes the pictures."""
    IMAGES.mkdir(exist_ok=True)
    report = max(root.glob("houses/runs/*/report.html"))
    path = found()
    assert path is not None
    with browser(path) as tab, MADE["served"](root) as address:
        tab.size(1200, 800)
        tab.open(report.as_uri())
        tab.picture(IMAGES / "report.png")
        tab.size(1200, 460)
        tab.value("document.querySelector('#importance').scrollIntoView()")
        tab.picture(IMAGES / "report-importance.png")
        tab.size(1200, 800)
        tab.colours("dark")
        tab.open(f"{address}/run?id={report.parent.name}#training")
        tab.picture(IMAGES / "run.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
