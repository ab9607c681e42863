import os
from pathlib import Path

import pytest

from pipeline import load

from . import score
from .pipelines import PIPELINES, houses
from .score import SALTS, Score, Scored, document, mean_of, salted
from .score_runs import REPOSITORY, Job


def test_a_mean_shows_what_it_is_over():
    assert mean_of([0.5, 0.75], 2) == "0.62 (0.50, 0.75)"


def test_a_job_is_made_for_each_salt():
    jobs = salted("exam", variant="pass")
    assert [job.overrides[0] for job in jobs] == [f'data.split.salt="{salt}"' for salt in SALTS]
    assert {job.name for job in jobs} == {"exam-pass"}


@pytest.fixture
def day(monkeypatch):
    """The day of the measurements, also at midnight."""
    monkeypatch.setattr(score.time, "strftime", lambda form: "2026-03-04")
    return "2026-03-04"


def test_the_document_marks_what_holds_and_what_was_not_run(day):
    absent = Scored("mine", (Job("mine"),), list, needs=Path("somewhere/mine.csv")).absent()
    scores = [Score("b", "1", "2", "3", False, 4.6), Score("a-x", "1", "2", "3", True, 4.4), absent]
    text = document(scores, ["a", "b", "mine"], total_seconds=90.0)
    assert text.splitlines()[-3:] == [
        f"| a-x | 1 | 2 | 3 | yes | 4 | {day} |",
        f"| b | 1 | 2 | 3 | **no** | 5 | {day} |",
        f"| mine | not run: mine.csv stays with the user |  |  | not run | 0 | {day} |",
    ]
    assert f"A whole run took 2 minutes on {os.cpu_count()} cores" in text


def test_lines_that_are_not_measured_again_keep_their_date(day):
    order = ["a", "b"]
    former = document(
        [Score(name, "1", "", "", True, 1.0) for name in ("a-x", "a-y", "b", "gone")[:3]], order, total_seconds=60
    )
    former = former.replace(day, "2001-01-01") + "| gone | 1 | | | yes | 1 | 2001-01-01 |\n"
    text = document([Score("a-z", "2", "", "", True, 1.0)], order, former)
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]
    assert [row[0] for row in rows] == ["| a-z", "| b"]
    assert rows[1][-1] == "2001-01-01 |"
    assert "took 1 minutes" in text


def test_every_config_is_scored_and_every_job_loads():
    jobs = [job for scored in PIPELINES for job in scored.jobs]
    assert {job.pipeline for job in jobs} == set(load.names(str(REPOSITORY)))
    for job in jobs:
        load.load(str(REPOSITORY), job.pipeline, job.overrides, job.variant)


def test_every_variant_is_scored():
    for name in load.names(str(REPOSITORY)):
        run = {job.variant for scored in PIPELINES for job in scored.jobs if job.pipeline == name}
        assert run - {None} == set(load.variants(str(REPOSITORY), name))


@pytest.mark.parametrize(("salt", "house", "split"), [("", 1000102, "train"), ("a", 1000102, "train")])
def test_the_split_s_rule_is_that_of_ingestion(salt, house, split):
    import pyarrow as pa

    from components.ingestion.rows import split_assignment as rule
    from components.ingestion.write import example_encoding

    keys = example_encoding.features(pa.array([str(number) for number in range(house, house + 50)]))
    numbers = rule.rows(keys, {"train": 8, "eval": 1, "test": 1}, salt)
    for name, numbers_of_split in numbers.items():
        assert {houses.split_of(salt, house + int(number)) for number in numbers_of_split} <= {name}
    assert houses.split_of(salt, house + int(numbers[split][0])) == split
