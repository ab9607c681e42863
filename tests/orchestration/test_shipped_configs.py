"""Every shipped config, with each of its variants: it loads, fits its schema, and compiles for both platforms."""

import json
import re
from pathlib import Path

import pytest
import yaml

from orchestration.cloud import compiler
from pipeline import load
from pipeline.config import Config
from pipeline.variants import Name
from project import REPOSITORY

RUNS = [
    Name(pipeline, variant)
    for pipeline in load.names(REPOSITORY)
    for variant in (load.variants(REPOSITORY, pipeline) or [None])
]
BROUGHT = {"exam": "attend.csv", "signs": "sign_digits_28x28.csv.gz"}
"""Pipelines whose data the user has to provide, because it may not be redistributed."""


def test_variant_all_runs_every_variant_of_a_config():
    assert len({run.run for run in RUNS}) == len(RUNS)
    assert {"houses", "cars"} <= {run.run for run in RUNS}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.run)
def test_the_config_matches_its_schema(run):
    reviewed = load.reviewed(REPOSITORY, run)
    used = {*reviewed.config.features.columns(), *reviewed.config.features.ignored, reviewed.config.label.column}
    duties = reviewed.config.columns.model_dump(exclude_none=True).values()
    # A column that the config forgets would be read and never noticed.
    assert set(reviewed.columns) == used.union(duties) - {None}
    # Workers and compiled jobs read it written out, every default included.
    assert Config.model_validate(reviewed.config.plain()) == reviewed.config


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_every_run_compiles(target, tmp_path, gcs):
    for name in BROUGHT.values():
        gcs.put("bucket-of-data", f"here/data/{name}", b"x")
    for run in RUNS:
        output = tmp_path / f"{run.run}.{'yaml' if target == 'kubeflow' else 'json'}"
        root = "gs://bucket-of-data/here" if run.pipeline in BROUGHT else None
        request = compiler.Request(
            target=target, name=run, data_root=root, output=str(output), image="image:1", root="gs://bucket/folder"
        )
        assert compiler.run(request) == 0
        job = yaml.safe_load(output.read_text()) if target == "kubeflow" else json.loads(output.read_text())
        assert job.get("pipelineSpec", job)["pipelineInfo"]["name"] == run.run.replace("_", "-")


def test_data_is_in_the_repository_or_the_config_names_its_source():
    for run in RUNS:
        paths = load.reviewed(REPOSITORY, run).config.data.path
        files = paths.values() if isinstance(paths, dict) else [paths]
        exists = all((Path(REPOSITORY) / file).exists() for file in files)
        assert exists or run.pipeline in BROUGHT, run.run


def test_the_head_of_a_config_has_purpose_command_time_and_score():
    for pipeline in load.names(REPOSITORY):
        text = (Path(REPOSITORY) / "configs" / f"{pipeline}.toml").read_text()
        head = text.split("\n\n")[0]
        assert all(line.startswith("#") for line in head.splitlines()), pipeline
        assert re.search(rf"#   python runner\.py --local( --pipeline {pipeline})?\b.* on 2 cores\)", head), pipeline
        assert re.search(r"\d\.\d|\d of", head.split("on 2 cores)")[1]), f"{pipeline}: the head states no score"


def test_every_data_set_is_in_the_notice():
    folder = Path(REPOSITORY) / "data"
    named = re.findall(r"^\| ([^|]*) \|", (folder / "NOTICE.md").read_text(), re.M)
    patterns = [pattern.replace("\\", "") for cell in named for pattern in cell.split(", ")]
    for file in folder.iterdir():
        if file.suffix not in (".md", ".py") and file.name not in BROUGHT.values():
            assert any(file.match(pattern) for pattern in patterns), file.name
