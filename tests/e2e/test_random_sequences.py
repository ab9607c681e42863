"""Random sequences of what a user does, with real stages: what serves is complete, compared and never lost.

tests/components/test_reference_states.py runs many more sequences, with short fakes of the stages. SEQUENCES=3 runs
three on SQLite, ON_POSTGRESQL=2 two on PostgreSQL; STEPS=9 makes them longer, and SEED=... draws others.
"""

import copy
import itertools
import json
import os
import random
import shutil
import time

import pytest

from serving import versions

from .. import warm
from .test_month import BAD, SHOPS, Month

SEQUENCES = int(os.environ.get("SEQUENCES", "20"))
ON_POSTGRESQL = int(os.environ.get("ON_POSTGRESQL", "4"))
SEED = int(os.environ.get("SEED", "1"))
STEPS = int(os.environ.get("STEPS", "6"))
TOLERANCE = 1.0
"""That of the config: an error may double."""
CASES = [
    *(("sqlite", number) for number in range(SEQUENCES)),
    *(("postgresql", number) for number in range(SEQUENCES, SEQUENCES + ON_POSTGRESQL)),
]
pytestmark = pytest.mark.slow


class Sequence:
    """A pipeline with one served model, and events that change it.

    Attributes:
        draw: Draws the events.
        history: Events so far, for the message of a failed check.
    """

    def __init__(self, month, draw, server=None):
        self.month, self.draw, self.server = month, draw, server
        self.history, self.moves, self.number, self.saved = [], 0, 1, None
        self.folder, self.url = month.root.parent, month.environment.get("PIPELINE_METADATA")

    @property
    def serving(self):
        return str(self.month.root / "month/serving")

    @property
    def served(self):
        return versions.read(self.serving, versions.pushed(self.serving)[-1])

    @property
    def events(self):
        """What may happen now; ordinary weeks are twice as likely."""
        events = [self.new_week, self.new_week, self.bad_model, self.refused_data, self.older_week, self.rollback]
        events += [self.clean, self.move, self.kill, self.restore if self.saved else self.save]
        return events

    def step(self):
        """Draw an event and check what must hold after it."""
        event = self.draw.choice(self.events)
        self.history.append(event.__name__)
        served_before = self.served
        event()
        self.check(served_before, event)

    def check(self, served_before, event):
        served, numbers = self.served, versions.pushed(self.serving)
        for number in numbers:
            version = versions.read(self.serving, number)
            assert versions.digest(versions.path(self.serving, number)) == version.digest, self.history
        assert served_before.number in numbers, f"what served was deleted: {self.history}"
        assert (self.month.root / "month" / served.model).is_dir(), f"the model that serves was deleted: {self.history}"
        if event == self.rollback:
            return
        assert not served.copy_of or served.number == served_before.number, self.history
        if served.digest != served_before.digest:
            outcome = self.month.facts()["outcome"]
            assert outcome["baseline"] is not None, f"replaced without a comparison: {self.history}"
            limit = outcome["baseline"]["rmse"] * (1 + TOLERANCE)
            assert outcome["metrics"]["rmse"] <= limit, self.history
            assert outcome["serves"] == served.number, self.history
            # A run that is killed after its push, and the next one, push two versions.
            between = [versions.read(self.serving, number) for number in numbers if number >= served_before.number]
            for previous, version in itertools.pairwise(between):
                assert version.extra["compared_with"] == previous.digest, self.history

    def run(self, *more, codes=(0, 3)):
        """Run the pipeline; the model may be refused, but nothing else may go wrong."""
        result = self.month.command("--local", "--pipeline", "month", "--root", self.month.root, *more)
        assert result.code in codes, (self.history, result.err)
        assert "Traceback" not in result.out + result.err, self.history
        return result

    def new_week(self):
        self.number += 1
        self.month.week(self.number)
        self.run()

    def bad_model(self):
        """Train a model that learns nothing, which is refused."""
        self.run(*BAD)

    def refused_data(self):
        """Run on a week that gates or preflight refuse; the supplier then sends it again."""
        served_before = self.served
        self.number += 1
        if self.draw.random() < 0.5:
            self.month.week(self.number, shops=(*SHOPS, "west"))
            self.run(codes=(3,))
        else:
            self.month.week(self.number, columns=("x", "zz"))
            self.run(codes=(2,))
        assert self.served == served_before, f"refused data changed what serves: {self.history}"
        self.month.week(self.number)

    def older_week(self):
        """Lose the newest file for one run, whose model may not replace one of a newer week."""
        served_before, path = self.served, self.month.tree / f"data/week-{self.number}.csv"
        hidden = path.with_suffix(".hidden")
        path.rename(hidden)
        if not list(path.parent.glob("week-*.csv")):
            hidden.rename(path)
            return
        self.run()
        hidden.rename(path)
        assert self.served.span >= served_before.span, f"replaced by an older week: {self.history}"

    def rollback(self):
        previous = versions.previous(self.serving)
        if previous is not None:
            digest = versions.read(self.serving, previous).digest
            self.month.push("--rollback")
            assert self.served.digest == digest, self.history

    def clean(self):
        """Clean up; a restored store does not know what came after its backup, which is refused or kept."""
        result = self.month.command("inspect", "clean", "--keep", "1", "--yes", "--root", self.month.root)
        assert result.code in (0, 5), self.history
        assert (result.code == 0) or "restore" in self.history, (self.history, result.err)
        assert "Traceback" not in result.out + result.err, self.history

    def move(self):
        self.moves += 1
        target = self.folder / f"moved-{self.moves}"
        self.month.root.rename(target)
        self.month.root = target

    def save(self):
        """Back up the store."""
        if self.server:
            self.saved = self.server.copy(self.url)
        else:
            self.saved = self.folder / "store.backup"
            self.month.inspect("backup", self.saved)

    def restore(self):
        """Restore the backup of the store; the files are those of today."""
        if self.server:
            self.server.put_back(self.url, self.saved)
        else:
            self.month.inspect("restore", self.saved)

    def kill(self):
        """Kill a run at a moment of its first seconds, and run the same command again."""
        self.number += 1
        self.month.week(self.number)
        command = ("--local", "--pipeline", "month", "--root", self.month.root)
        running = warm.shared().start(*command, tree=self.month.tree, **self.month.environment)
        time.sleep(self.draw.uniform(0, 6))
        running.kill()
        self.run()
        states = [json.loads(path.read_text()).get("state") for path in self.month.root.glob("month/runs/*/run.json")]
        assert None not in states, f"a run without an end: {self.history}"


@pytest.fixture(scope="module")
def begin(tmp_path_factory):
    """Return a function that copies a pipeline with its first pushed model to a folder."""
    template_of_server = {}

    def start(folder, server):
        if server not in template_of_server:
            place = tmp_path_factory.mktemp("first") / "place"
            month = Month(place, server.new_database() if server else None)
            month.week(1)
            month.accept()
            month.run(0)
            # A store that several roots may share keeps paths that still exist.
            template_of_server[server] = (month, place.rename(place.with_name("aside")))
        month, aside = copy.copy(template_of_server[server][0]), template_of_server[server][1]
        shutil.copytree(aside, folder, symlinks=True)
        month.tree, month.root = folder / "tree", folder / "runs"
        if server:
            month.environment = {"PIPELINE_METADATA": server.copy(month.environment["PIPELINE_METADATA"])}
        return month

    return start


@pytest.mark.parametrize(("kind", "number"), CASES)
def test_the_served_model_is_complete_compared_and_never_lost(kind, number, tmp_path, begin, request):
    began = time.monotonic()
    server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    sequence = Sequence(begin(tmp_path / "place", server), random.Random(SEED * 1000 + number), server)
    for _ in range(STEPS):
        sequence.step()
    print(f"{kind}, sequence {number}, {time.monotonic() - began:.0f} s: {', '.join(sequence.history)}")

    # After all that, an ordinary week is an ordinary week.
    served_before = sequence.served
    sequence.new_week()
    sequence.check(served_before, sequence.new_week)
    assert "RUNNING" not in sequence.month.inspect("runs")
