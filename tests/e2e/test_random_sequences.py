"""Random sequences of what a user does, with real stages: what serves is complete, compared and never lost.

tests/components/test_reference_states.py runs many more sequences, with short fakes of the stages. SEQUENCES=3 runs
three; SEED=... repeats others.
"""

import json
import os
import random
import time

import pytest

from serving import versions

from .. import warm
from .test_month import BAD, Month

SEQUENCES = int(os.environ.get("SEQUENCES", "20"))
SEED = int(os.environ.get("SEED", "1"))
STEPS = 6
TOLERANCE = 1.0
"""That of the config: an error may double."""
pytestmark = pytest.mark.slow


class Sequence:
    """A pipeline with one served model, and events that change it.

    Attributes:
        draw: Draws the events.
        history: Events so far, for the message of a failed check.
    """

    def __init__(self, folder, draw):
        self.month, self.draw, self.history, self.moves = Month(folder), draw, [], 0
        self.folder, self.number = folder, 1
        self.month.week(1)
        self.month.accept()
        self.month.run(0)

    @property
    def serving(self):
        return str(self.month.root / "month/serving")

    def step(self):
        """Draw an event and check what must hold after it."""
        events = (self.new_week, self.new_week, self.bad_model, self.rollback, self.clean, self.move, self.kill)
        event = self.draw.choice(events)
        self.history.append(event.__name__)
        before = versions.read(self.serving, versions.pushed(self.serving)[-1])
        event()
        after = versions.read(self.serving, versions.pushed(self.serving)[-1])
        assert versions.digest(versions.path(self.serving, after.number)) == after.digest, self.history
        if after.digest != before.digest and event != self.rollback:
            outcome = self.month.facts()["outcome"]
            assert outcome["baseline"] is not None, f"replaced without a comparison: {self.history}"
            limit = outcome["baseline"]["rmse"] * (1 + TOLERANCE)
            assert outcome["metrics"]["rmse"] <= limit, self.history
            assert outcome["serves"] == after.number, self.history

    def run(self, *more):
        """Run the pipeline; the model may be refused, but nothing else may go wrong."""
        result = self.month.command("--local", "--pipeline", "month", "--root", self.month.root, *more)
        assert result.code in (0, 3), (self.history, result.err)

    def new_week(self):
        self.number += 1
        self.month.week(self.number)
        self.run()

    def bad_model(self):
        self.run(*BAD)

    def rollback(self):
        if versions.previous(self.serving) is not None:
            self.month.push("--rollback")

    def clean(self):
        output = self.month.inspect("clean", "--keep", "1", "--yes")
        assert "Traceback" not in output

    def move(self):
        self.moves += 1
        target = self.folder / f"moved-{self.moves}"
        self.month.root.rename(target)
        self.month.root = target

    def kill(self):
        """Kill a run at a moment of its first seconds, and run the same command again."""
        self.number += 1
        self.month.week(self.number)
        command = ("--local", "--pipeline", "month", "--root", self.month.root)
        running = warm.shared().start(*command, tree=self.month.tree)
        time.sleep(self.draw.uniform(0, 6))
        running.kill()
        self.run()
        states = [json.loads(path.read_text()).get("state") for path in self.month.root.glob("month/runs/*/run.json")]
        assert None not in states, f"a run without an end: {self.history}"


@pytest.mark.parametrize("number", range(SEQUENCES))
def test_the_served_model_is_complete_compared_and_never_lost(number, tmp_path):
    sequence = Sequence(tmp_path, random.Random(SEED * 1000 + number))
    for _ in range(STEPS):
        sequence.step()
    print(f"sequence {number}: {', '.join(sequence.history)}")
