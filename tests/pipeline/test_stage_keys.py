"""What a stage's cache key holds beside the source of its own executor."""

import importlib.metadata

import pytest

from components.fingerprints import code_digest, libraries
from errors import UserError
from orchestration.local import resume
from pipeline import user_code
from pipeline.config import Config


def test_the_code_digest_of_a_run_covers_the_code_of_all_stages(copied_packages, tmp_path, stage_keys):
    modules = resume.code_modules(Config.model_validate(stage_keys.sections))
    paths = {path for path, _ in code_digest.sources(*modules).values()}

    for node in stage_keys.nodes().values():
        of_stage = code_digest.of_parameters(node.exec_properties)["modules"]
        assert {path for path, _ in code_digest.sources(*of_stage).values()} <= paths, node.id


@pytest.fixture
def installed(monkeypatch):
    """Says which version of a library is installed."""
    real, replaced_versions = importlib.metadata.version, {}
    monkeypatch.setattr(importlib.metadata, "version", lambda name: replaced_versions.get(name) or real(name))
    libraries._installed.cache_clear()
    yield lambda **versions: replaced_versions.update(versions) or libraries._installed.cache_clear()
    libraries._installed.cache_clear()


@pytest.mark.parametrize(
    ("library", "affected", "unaffected"),
    [
        ("tensorflow", {"statistics", "transformation", "tuner", "trainer", "evaluator", "pusher"}, {"schema"}),
        ("keras", {"tuner", "trainer"}, {"ingestion", "statistics", "transformation", "evaluator"}),
        ("tfx", {"ingestion", "statistics", "schema", "validation", "trainer", "evaluator", "pusher"}, set()),
        ("apache-beam", {"ingestion", "statistics", "transformation"}, {"schema", "pusher"}),
        ("pyarrow", {"ingestion", "statistics", "transformation", "trainer"}, {"schema", "pusher"}),
        ("numpy", {"ingestion", "statistics", "transformation", "trainer", "evaluator"}, {"schema"}),
        ("tensorflow-transform", {"transformation", "trainer", "tuner"}, {"ingestion", "statistics", "pusher"}),
        ("tensorflow-data-validation", {"statistics", "validation"}, {"ingestion", "trainer"}),
        ("tensorflow-model-analysis", {"evaluator"}, {"ingestion", "trainer", "pusher"}),
        ("keras-tuner", {"tuner"}, {"trainer"}),
        ("pillow", {"ingestion"}, {"trainer", "schema"}),
        ("rich", set(), {"ingestion", "statistics", "trainer", "evaluator", "pusher"}),
        ("uvicorn", set(), {"ingestion", "statistics", "trainer", "evaluator", "pusher"}),
    ],
)
def test_another_version_of_a_library_changes_the_keys_of_the_stages_that_compute_with_it(
    tmp_path, installed, library, affected, unaffected, stage_keys
):
    keys = stage_keys.keys()
    run = code_digest.libraries_of(*resume.code_modules(Config.model_validate(stage_keys.sections)))
    installed(**{library: "99.0"})
    changed = {stage for stage, key in stage_keys.keys().items() if key != keys[stage]}

    assert affected <= changed
    assert not unaffected & changed
    assert (code_digest.libraries_of(*resume.code_modules(Config.model_validate(stage_keys.sections))) != run) == bool(
        affected
    )


def test_another_minor_version_of_python_changes_every_key(tmp_path, monkeypatch, stage_keys):
    keys = stage_keys.keys()
    monkeypatch.setattr(libraries.platform, "python_version_tuple", lambda: ("3", "99", "1"))
    keys_of_other = stage_keys.keys()
    assert all(keys_of_other[stage] != keys[stage] for stage in keys)

    monkeypatch.setattr(libraries.platform, "python_version_tuple", lambda: ("3", "99", "2"))
    assert stage_keys.keys() == keys_of_other


OWN = """
import json
import os
from pathlib import Path

import tensorflow as tf

TABLE = tf.lookup.TextFileInitializer("lists/cities.txt", tf.string, 0, tf.int64, 1)
WORDS = json.loads((Path(__file__).parent / "lists" / "words.json").read_text())
OTHER = open(os.path.join(os.path.dirname(__file__), "lists", "other.csv"))


def build(features, settings):
    return features.vector


def preprocessing_fn(inputs, custom_config):
    return {}
"""


@pytest.fixture
def user_module(copied_packages, monkeypatch):
    """A repository with code of one's own, and the files that it reads."""
    (copied_packages / "lists").mkdir()
    for name in ("cities.txt", "words.json", "other.csv", "computed.csv", "unrelated.csv"):
        (copied_packages / "lists" / name).write_text("{}")
    (copied_packages / "own.py").write_text(OWN)
    monkeypatch.setattr("project.REPOSITORY", str(copied_packages))
    load = user_code.load
    monkeypatch.setattr(user_code, "load", lambda module: None if module == "own" else load(module))
    return copied_packages


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("cities.txt", {"transformation", "trainer", "tuner"}),
        ("words.json", {"transformation", "trainer", "tuner"}),
        ("other.csv", {"transformation", "trainer", "tuner"}),
        ("computed.csv", {"trainer", "tuner"}),
        ("unrelated.csv", set()),
    ],
)
def test_a_file_that_own_code_names_is_part_of_the_keys_of_its_stages(user_module, tmp_path, name, changed, stage_keys):
    sections = {
        "features": {},
        "preprocessing": "own.preprocessing_fn",
        "network": {"name": "own.build", "table": ["lists/computed.csv"]},
        "tuner": stage_keys.sections["tuner"],
    }
    config = Config.model_validate({**stage_keys.sections, **sections})
    keys, run = stage_keys.keys(**sections), code_digest.code(*resume.code_modules(config), values=config.network)
    (user_module / "lists" / name).write_text("[]")
    edited_keys = stage_keys.keys(**sections)

    assert {stage for stage in keys if edited_keys[stage] != keys[stage]} == changed
    assert (code_digest.code(*resume.code_modules(config), values=config.network) != run) == bool(changed)


def test_a_file_that_the_config_declares_is_part_of_the_keys_of_own_code(user_module, tmp_path, stage_keys):
    keys = stage_keys.keys(files=["lists/unrelated.csv"])
    (user_module / "lists/unrelated.csv").write_text("[]")
    edited_keys = stage_keys.keys(files=["lists/unrelated.csv"])

    assert {stage for stage in keys if edited_keys[stage] != keys[stage]} == {"transformation", "trainer", "tuner"}
    with pytest.raises(UserError, match=r"files: lists/gone\.csv does not exist"):
        stage_keys.keys(files=["lists/gone.csv"])
