"""What the tests of extensions share."""

import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def train(analyze: Callable[..., str], pack: Callable[..., dict[str, Any]]) -> Callable[..., str]:
    """Return a function that transforms a table, and trains and exports a model; it returns the folder of the graph.

    The model is in FOLDER/model, the transformed rows are in FOLDER/transformed.gz.
    """
    from models.training import run_fn

    def run(config: Any, table: Mapping[str, Sequence[Any]], folder: Path) -> str:
        sections = config.plain("features", "label", "columns", "network", "training")
        rows = folder / "transformed.gz"
        graph = analyze(folder, table, pack(**sections), rows)
        run_fn.run_fn(
            types.SimpleNamespace(
                train_files=[str(rows)],
                eval_files=[str(rows)],
                transform_output=graph,
                serving_model_dir=str(folder / "model"),
                model_run_dir=str(folder / "model_run"),
                custom_config={**pack(**sections), "raw_files": [str(folder / "raw.gz")]},
            )
        )
        return graph

    return run
