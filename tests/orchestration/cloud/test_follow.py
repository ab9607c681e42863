"""Lines about the end of a run on a platform; test_submission.py follows runs."""

from orchestration.cloud import follow, remote


def test_the_reason_of_a_run_is_told_if_no_stage_has_failed():
    failed = remote.Run("r", "http://page", "FAILED", {}, "quota\nexceeded")
    assert follow.summary(failed) == ["run r: failed", "quota exceeded", "page    http://page"]


def test_the_reason_of_a_failed_stage_is_enough():
    stages = {"trainer": remote.Stage("FAILED", None, "out of memory")}
    failed = remote.Run("r", "http://page", "FAILED", stages, "a stage failed")
    assert follow.summary(failed) == ["run r: failed", "trainer failed: out of memory", "page    http://page"]
