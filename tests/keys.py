"""Cache keys of the stages of a pipeline, without a run."""

import json
import modulefinder
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import project

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("components", "models", "pipeline", "spec", "serving")
LEAST = {
    "data": {"path": "data/x.csv"},
    "features": {"numeric": [{"column": "a"}]},
    "label": {"column": "y"},
    "training": {"warm_start": True},
    "tuner": {"space": {"training.batch_size": {"choices": [16, 32]}}},
}
NAMED = {
    "transformation": ["models.transform_graph.preprocessing", "models.features.numeric"],
    "trainer": ["models.training.run_fn", "models.networks.mlp", "models.features.numeric"],
    "tuner": ["models.training.trial_process", "models.networks.mlp", "models.features.numeric"],
}
"""What the executors of these stages import by a name that is only known at run time."""


def _imported(repository, *modules):
    """Files of the repository that modules import, by Python's own search of their bytecode."""
    finder: Any = modulefinder.ModuleFinder(path=[str(repository)])
    for module in modules:
        finder.import_hook(module)
    return {str(Path(found.__file__).relative_to(repository)) for found in finder.modules.values() if found.__file__}


@pytest.fixture
def stage_keys(tmp_path):
    """Makes a pipeline with all stages that there are.

    `nodes(**sections)` by name, their `keys`: the parameters that TFX's cache key covers; `sections`: the least config.
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
            baseline="serving",
        )
        config = Config.model_validate({**LEAST, **sections})
        made = create_pipeline(name="x", config=config, columns={"a": "FLOAT", "y": "FLOAT"}, places=places)
        return {node.id: node for node in made.components}

    def keys(**sections):
        return {name: json.dumps(node.exec_properties) for name, node in nodes(**sections).items()}

    return SimpleNamespace(nodes=nodes, keys=keys, imported=_imported, named=NAMED, sections=LEAST)


@pytest.fixture
def copied_packages(tmp_path, monkeypatch):
    """A copy of our packages that digests are taken of."""

    for name in PACKAGES:
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("errors.py", "project.py"):
        shutil.copy(REPOSITORY / name, tmp_path)
    monkeypatch.setattr(project, "REPOSITORY", str(tmp_path))
    return tmp_path
