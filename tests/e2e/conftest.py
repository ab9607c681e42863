"""Fixtures: complete runs, started as by a user."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from .. import trees, warm
from ..trees import cold_runner
from ..warm import REPOSITORY, Result

QUICK = ["--set", "training.epochs=2", "--set", "evaluation.floor={r2 = -100.0}"]
"""Overrides for runs that are about the pipeline and not about the model."""


FEATURES = """\
[features]
numeric = [
  {column = "sqft_living", scale = "log1p"},
  {column = "sqft_basement", scale = "log1p"},
  {column = "bedrooms"},
  {column = "grade"},
]
bucketized = [{column = "lat", quantiles = 5}]
categorical = [{column = "waterfront", encode = "one_hot", oov = 1}]
ignored = [
  "id", "date", "sqft_lot", "sqft_above", "sqft_living15", "sqft_lot15", "bathrooms", "floors", "view", "condition",
  "yr_built", "yr_renovated", "long", "zipcode",
]

"""
"""Features of small trees: a run traces a graph for each, and all 24 take three times as long."""


def runner(*arguments: object, tree: Path = REPOSITORY, timeout: float = 400, **environment: str) -> Result:
    """Act as `python runner.py ARGUMENTS` in a tree, without the time for imports; see warm.py."""
    return warm.shared().run(*arguments, tree=tree, timeout=timeout, **environment).result()


def copy_tree(target: Path, *, rows: int) -> Path:
    """Copy the repository, with the first rows of its houses and a few of their features."""
    trees.copy_tree(target, rows=rows)
    for name in ("houses", "house_tiers"):
        config = target / "configs" / f"{name}.toml"
        text, replaced = re.subn(r"(?s)\[features\]\n.*?(?=\[label\])", FEATURES, config.read_text())
        assert replaced == 1
        config.write_text(text)
    return target


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Run the default pipeline; return its root and the result."""
    root = tmp_path_factory.mktemp("houses")
    return root, cold_runner("--local", "--root", root)


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """Return a copy of the repository with 1,500 houses."""
    return copy_tree(tmp_path / "tree", rows=1500)


def check_recorded(recorded: Path, outcome: dict) -> None:
    """Check that a run.json is of a complete run with the figures of another run's outcome, digit by digit."""
    facts = json.loads(recorded.read_text())
    assert facts["state"] == "COMPLETE"
    for key in ("metrics", "intervals", "plain"):
        assert facts["outcome"][key] == outcome[key]


def run_folder(result: Result) -> Path:
    """Return the folder of a run, from its output."""
    return Path(result.line("Run:"))


def run_json(result: Result) -> dict:
    """Return run.json of a run."""
    return json.loads((run_folder(result) / "run.json").read_text())


@pytest.fixture
def reduced() -> list[str]:
    """Return the start of a command without root's right to use files of others; empty for another user."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is missing, which takes from root the right to write everywhere")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]
