"""Stop signals in a worker, even if the code of a stage swallows the exception."""

import os
import re
import signal
import time
from types import SimpleNamespace

import pytest

from orchestration.local import execution, worker
from orchestration.local.run_order import RunOrder
from pipeline.config import Config

LEAST = {"data": {"path": "x.csv"}, "features": {"numeric": [{"column": "a"}]}, "label": {"column": "y"}}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs two stages, the first with given behavior; returns launched stages and reported states."""
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr(worker, "_asked", [])
    # Longer than a stage takes to end on a loaded machine after it has swallowed the first stop.
    monkeypatch.setattr(worker, "AGAIN_SECONDS", 600)
    handlers = {number: signal.signal(number, worker._stop) for number in (signal.SIGTERM, signal.SIGALRM)}
    launched, reports = [], []

    def of(first_stage):
        class Execution:
            node_ids, upstream = ("first", "second"), {}

            def __init__(self, order, opened, opened_by_custom):
                self.early_fit = SimpleNamespace(close=lambda: launched.append("early fit closed"))

            def launch(self, node_id, say):
                launched.append(node_id)
                if node_id == "first":
                    first_stage()
                return "COMPLETE", ""

            def findings(self, node_id):
                return []

            def reads(self):
                return {}

            def omissions(self, node_id):
                return []

            def files(self, node_id):
                return []

            def tuned(self, node_id):
                return {}

        monkeypatch.setattr(execution, "Execution", Execution)
        order = RunOrder(
            run_id="one",
            run_folder=str(tmp_path),
            root=str(tmp_path),
            metadata=None,
            scratch=str(tmp_path),
            pipeline="x",
            config=Config.model_validate(LEAST),
            columns={"a": "FLOAT", "y": "FLOAT"},
            data="x.csv",
            data_content="",
            schema="x.pbtxt",
            schema_content="",
        )
        with pytest.raises(worker.Stopped):
            worker._run(order, lambda event, **fields: reports.append((fields.get("node"), fields.get("state"))))
        return launched, [entry for entry in reports if entry[0]]

    yield of
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def swallowed():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
    except Exception:
        pass


def test_no_stage_starts_after_a_swallowed_stop(run):
    launched, reports = run(swallowed)

    assert launched == ["first", "early fit closed"]
    assert reports == [("first", "RUNNING"), ("first", "COMPLETE")]


def test_a_stage_that_ignores_a_stop_is_stopped_again(run, monkeypatch):
    monkeypatch.setattr(worker, "AGAIN_SECONDS", 1.0)

    def goes_on():
        swallowed()
        time.sleep(30)

    launched, reports = run(goes_on)

    assert launched == ["first", "early fit closed"]
    assert reports == [("first", "RUNNING"), ("first", "FAILED")]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("first\nsecond", "ValueError: first"),
        ("Graph execution error:\n\nnode x\nshapes differ [while running 'Map']", "ValueError: shapes differ"),
        (
            "PostgreSQL metadata source error: ERROR:  syntax error\nLINE 1: ...\n      ^",
            "ValueError: PostgreSQL metadata",
        ),
        ("", "ValueError: "),
    ],
)
def test_an_error_of_several_lines_is_reported_by_its_most_informative_line_and_location(text, expected):
    try:
        raise ValueError(text)
    except ValueError as error:
        message = str(worker._explain(error, "trainer", "trainer.log"))
    assert message.startswith(f"stage trainer failed: {expected}")
    assert re.search(r" \(tests/orchestration/test_worker.py, line \d+\)\nIts log: trainer.log$", message)
