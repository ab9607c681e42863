"""Cache keys of the stages of a pipeline, computed without a run."""

import json
import modulefinder
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import project
from components.evaluator import metric_catalog
from components.ingestion.discovery import formats
from components.validation import gate_catalog

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("components", "models", "pipeline", "spec", "serving")
MINIMAL = {
    "data": {"path": "data/x.csv"},
    "features": {"numeric": [{"column": "a"}]},
    "label": {"column": "y"},
    "training": {"warm_start": True},
    "tuner": {"space": {"training.batch_size": {"choices": [16, 32]}}},
    "inference": {"path": "data/new.csv"},
}
TASK = "models.tasks.regression_task"
NAMED = {
    "ingestion": formats.modules(None),
    "validation": [*gate_catalog.module_names().values(), *formats.modules(None)],
    "plain-models": ["components.plain_models.fit_process"],
    "evaluator": list(metric_catalog.module_names()),
    "inference": [*formats.modules(None), *metric_catalog.module_names()],
    "transformation": ["models.transform_graph.preprocessing", "models.features.numeric"],
    "trainer": ["models.training.run_fn", "models.networks.mlp", "models.features.numeric", TASK],
    "tuner": ["models.training.trial_process", "models.networks.mlp", "models.features.numeric", TASK],
}
"""Stage -> modules that its executor imports dynamically."""


def _imported(repository, *names):
    """Return the files of the repository that modules import, according to modulefinder."""
    finder: Any = modulefinder.ModuleFinder(path=[str(repository)])
    for name in names:
        finder.import_hook(name)
    return {str(Path(module.__file__).relative_to(repository)) for module in finder.modules.values() if module.__file__}


@pytest.fixture
def stage_keys(tmp_path):
    """Return functions on a pipeline with all stages.

    `nodes(**sections)` returns the nodes by name, `keys(**sections)` the parameters in TFX's cache key; `sections` is
    the minimal config.
    """
    from pipeline.config import Config
    from pipeline.create_pipeline import Places, create_pipeline

    def nodes(**sections):
        places = Places(
            data=str(tmp_path / "x.csv"),
            schema=str(tmp_path / "x.pbtxt"),
            artifacts=str(tmp_path / "artifacts"),
            serving=str(tmp_path / "serving"),
            trials=str(tmp_path / "trials"),
            predicted=str(tmp_path / "new.csv"),
            baseline="serving",
        )
        config = Config.model_validate({**MINIMAL, **sections})
        pipeline = create_pipeline(name="x", config=config, columns={"a": "FLOAT", "y": "FLOAT"}, places=places)
        return {node.id: node for node in pipeline.components}

    def keys(**sections):
        return {name: json.dumps(node.exec_properties) for name, node in nodes(**sections).items()}

    return SimpleNamespace(nodes=nodes, keys=keys, imported=_imported, named=NAMED, sections=MINIMAL)


@pytest.fixture
def copied_packages(tmp_path, monkeypatch):
    """Return the folder of a copy of our packages, of which digests are computed."""

    for name in PACKAGES:
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("errors.py", "project.py"):
        shutil.copy(REPOSITORY / name, tmp_path)
    monkeypatch.setattr(project, "REPOSITORY", str(tmp_path))
    return tmp_path
