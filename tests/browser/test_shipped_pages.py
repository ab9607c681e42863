"""Reports of runs of all shipped pipelines, in Chromium."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import load

from . import page_checks

REPOSITORY = Path(__file__).parents[2]
PIPELINES = sorted(path.stem for path in (REPOSITORY / "configs").glob("*.toml"))

LARGE = ("digits", "digits_deep", "house_tiers", "houses", "houses_raw", "shuttle", "signs", "taxi")
"""Of these a sample is taken."""


BROUGHT = REPOSITORY.parent / "shared"
"""Where data that a user brings may stand."""


def data_root(name: str) -> Path | None:
    variants = load.variants(str(REPOSITORY), name)
    config = load.load(str(REPOSITORY), name, (), variants[0] if variants else None)
    path = config.data.path
    paths = path.values() if isinstance(path, dict) else [path]
    roots = (root for root in (REPOSITORY, BROUGHT) if all(any(root.glob(str(pattern))) for pattern in paths))
    return next(roots, None)


@pytest.mark.slow
@pytest.mark.parametrize("name", PIPELINES)
def test_a_shipped_pipeline_s_report(tab, tmp_path, name):
    data = data_root(name)
    if data is None:
        pytest.skip(f"configs/{name}.toml: its data is brought by its user")
    variants = load.variants(str(REPOSITORY), name)
    command = [sys.executable, "runner.py", "--local", "--pipeline", name, "--root", str(tmp_path)]
    command += ["--data-root", str(data)]
    command += ["--variant", variants[0]] if variants else []
    command += ["--sample", "1500"] if name in LARGE else []
    command += ["--set", "training.epochs=2", "--set", "evaluation.importance=50"]
    completed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    [report] = tmp_path.glob("*/runs/*/report.html")
    assert completed.returncode in (0, 3), completed.stderr[-2000:]
    assert "report.html could not be written" not in completed.stderr
    assert report.stat().st_size < 500_000
    assert "Unreadable files" not in report.read_text()
    tab.open(report.as_uri())
    page_checks.quiet(tab, report.as_uri())
    page_checks.charts(tab, 4)
    page_checks.fits(tab)
