"""Lines about the end of a run, and a config without schedules; test_submission.py follows runs and makes schedules."""

import pytest

from orchestration.cli import parser
from orchestration.cloud import follow, remote


def test_the_reason_of_a_run_is_told_if_no_stage_has_failed():
    failed = remote.Run("r", "http://page", "FAILED", {}, "quota\nexceeded")
    assert follow.summary(failed) == ["run r: failed", "quota exceeded", "page    http://page"]


def test_the_reason_of_a_failed_stage_is_enough():
    stages = {"trainer": remote.Stage("FAILED", None, "out of memory")}
    failed = remote.Run("r", "http://page", "FAILED", stages, "a stage failed")
    assert follow.summary(failed) == ["run r: failed", "trainer failed: out of memory", "page    http://page"]


@pytest.mark.parametrize(("target", "more"), [("vertex", ["--gcp-project", "p", "--region", "r"]), ("kubeflow", [])])
def test_a_config_without_a_schedule_is_named_before_anything_is_sent(target, more, capsys):
    options = ["--image", "registry/image:1", "--cloud-root", "gs://bucket/root", "--endpoint", "http://127.0.0.1:9"]
    assert parser.main([f"--{target}", *more, *options, "--schedule"]) == 2
    assert "configs/houses.toml has no [[schedule]]: add one, or say --schedule" in capsys.readouterr().err
