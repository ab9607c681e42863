"""In any order of events, the serving version is never replaced without a comparison, never too bad and never lost.

The stages are short fakes; the rule (components/baseline/reference.py), the resolver, the limits of the comparison and
the serving folder are real. It is one file because events and invariants share the state of the machine.
"""

import collections
import json
import math
import os
import shutil
import tempfile
from typing import ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import settings, stateful
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.baseline import component, decline, reference
from components.evaluator.rules import blessing as judgement
from components.evaluator.rules.rule_figures import Figures
from inspection.store.store_address import connection_config
from serving import ownership, versions

TOLERANCE = 0.05
FLOOR = 0.2
SEQUENCES = 500
RARE = (False, False, False, True)
KEYS = st.sampled_from(["", "", "", "uncompared", "older_span"])


class KilledError(Exception):
    """The process was killed during a push."""


def in_memory():
    config = pb.ConnectionConfig()
    config.fake_database.SetInParent()
    return MetadataStore(config)


class Weeks(RuleBasedStateMachine):
    """One pipeline under one root, for several weeks; all sequences share one store, of which each knows its own."""

    store = None

    def __init__(self):
        super().__init__()
        self.store = Weeks.store = Weeks.store or in_memory()
        self.counts["sequences"] += 1
        self.top = tempfile.mkdtemp(prefix="weeks-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.root = os.path.join(self.top, "root")
        os.makedirs(os.path.join(self.root, "houses"))
        self.fsync, os.fsync = os.fsync, lambda _: None  # durability is tested elsewhere
        self.ids, self.artifacts, self.executions, self.backup = 0, {}, set(), None
        self.quality, self.by_model = {}, {}  # digest -> quality; key of the data -> trained model
        self.week, self.readable, self.span, self.good = 0, True, 1, 0.5

    def teardown(self):
        os.fsync = self.fsync
        shutil.rmtree(self.top)

    # ML Metadata.

    def get_events_by_artifact_ids(self, ids):
        return self._known(self.store.get_events_by_artifact_ids(list(ids)) if ids else [])

    def get_events_by_execution_ids(self, ids):
        return self._known(self.store.get_events_by_execution_ids(list(ids)) if ids else [])

    def _known(self, events):
        return [event for event in events if event.execution_id in self.executions]

    def put_artifact_type(self, kind, **keys):
        return self.store.put_artifact_type(kind, **keys)

    def put_artifacts(self, artifacts):
        model = standard_artifacts.Model()
        model.set_mlmd_artifact(artifacts[0])
        return [self._put(model)]

    def _put(self, artifact, inputs_by_key=None):
        self.ids += 1
        stored = artifact.mlmd_artifact
        stored.type_id = self.store.put_artifact_type(artifact.artifact_type, can_add_fields=True)
        inputs = [
            (pb.Event.INPUT, key, self.artifacts[id_].mlmd_artifact) for key, id_ in (inputs_by_key or {}).items()
        ]
        artifacts_and_events = []
        for kind, key, stored_artifact in [*inputs, (pb.Event.OUTPUT, "output", stored)]:
            event = pb.Event(type=kind)
            event.path.steps.add(key=key)
            artifacts_and_events.append((stored_artifact, event))
        stage = self.store.put_execution_type(pb.ExecutionType(name="stage"))
        execution, ids, _ = self.store.put_execution(pb.Execution(type_id=stage), artifacts_and_events, [])
        artifact.id = ids[-1]
        self.executions.add(execution)
        self.artifacts[artifact.id] = artifact
        return artifact.id

    def _all(self, kind):
        return [artifact for artifact in self.artifacts.values() if artifact.type_name == kind]

    @property
    def serving(self):
        return os.path.join(self.root, "houses", "serving")

    # Events.

    @initialize(good=st.floats(0.4, 0.6))
    def begin(self, good):
        self.good = good

    @rule(good=st.floats(0.1, 0.9), readable=st.booleans(), older=st.sampled_from(RARE), allowed=KEYS)
    def another_week(self, good, readable, older, allowed):
        """Switch to new or older data; its columns may be incompatible with the serving model."""
        self.week += 1
        self.good, self.readable = good, readable
        self.span = max(1, self.span + (-1 if older else 1))
        self._run(allowed)

    @rule(down=st.floats(0.0, 0.04))
    def a_little_worse(self, down):
        """Switch to data with a decline within the tolerance."""
        self.week += 1
        self.readable, self.good = True, self.good * (1 - down)
        self._run("")

    @rule(allowed=KEYS, killed=st.sampled_from(RARE))
    def run(self, allowed, killed):
        """Run the pipeline on the current data; the model is cached if nothing changed."""
        self._run(allowed, killed)

    def _run(self, allowed, killed=False):
        candidate = self._trained()
        serving_before = reference.served(self.serving)
        inputs = {
            "candidate": [candidate],
            "model": self._all("Model"),
            "model_blessing": self._all("ModelBlessing"),
            "pushed_model": self._all("PushedModel"),
            "examples": [],
        }
        resolved = component.ReferenceModel(self.serving).resolve_artifacts(self, inputs)
        compared, blessing = self._evaluated(candidate, resolved)
        if not blessing.get_int_custom_property("blessed"):
            self.counts["refused"] += 1
            return
        digest = versions.digest(path_utils.serving_model_path(candidate.uri))
        judged = reference.Candidate(
            digest,
            blessing.get_string_custom_property("compared_with"),
            "",
            blessing.get_int_custom_property("span"),
            decline.of(blessing),
        )
        keys = {"uncompared": allowed == "uncompared", "older_span": allowed == "older_span"}
        if reference.withhold_reason(self.serving, judged, **keys):
            self.counts["withheld"] += 1
            return

        def check(_):
            if killed:
                raise KilledError

        try:
            number = versions.place(
                path_utils.serving_model_path(candidate.uri),
                self.serving,
                check=check,
                model=ownership.relative(candidate.uri, self.serving),
                extra=judged.extra,
            )
        except KilledError:
            assert reference.served(self.serving) == serving_before
            return
        pushed = standard_artifacts.PushedModel()
        pushed.set_int_custom_property("pushed", 1)
        pushed.set_string_custom_property("pushed_destination", os.path.join(self.serving, str(number)))
        pushed.set_string_custom_property("pushed_version", str(number))
        self._put(pushed, {"model": candidate.id, "blessing": blessing.id})
        if serving_before is None:
            self.best = self.quality[digest]
        elif serving_before.digest != digest:
            self._replaced(serving_before, digest, compared, allowed)

    def _replaced(self, replaced, digest, compared, allowed):
        """Check the invariants of a replacement of the serving version."""
        self.counts["replaced"] += 1
        if allowed != "uncompared":
            assert compared == replaced.digest, "replaced without a comparison with what served"
            assert self.quality[digest] >= self.quality[replaced.digest] * (1 - TOLERANCE) - 1e-9
            assert self.quality[digest] >= self.best * (1 - TOLERANCE) - 1e-6, "many small steps down"
            self.best = max(self.best, self.quality[digest])
        else:
            self.best = self.quality[digest]
        if allowed != "older_span" and replaced.span:
            assert self.span >= replaced.span
        assert self.quality[digest] >= FLOOR

    best = 0.0
    counts: ClassVar[collections.Counter] = collections.Counter()

    def _trained(self):
        key = (self.week, self.good)
        model_id = self.by_model.get(key)
        if model_id in self.artifacts and os.path.isdir(self.artifacts[model_id].uri):
            return self.artifacts[model_id]
        model = standard_artifacts.Model()
        model.uri = os.path.join(
            self.root, "houses", "artifacts", "trainer", "model", f"{self.ids + 1}-{self.week:08x}"
        )
        folder = path_utils.serving_model_dir(model.uri)
        os.makedirs(folder)
        with open(os.path.join(folder, "saved_model.pb"), "w") as file:
            file.write(f"{key} {self.ids}")
        self.by_model[key] = self._put(model)
        self.quality[versions.digest(folder)] = self.good
        return model

    def _evaluated(self, candidate, resolved):
        served, judged = resolved["model"], (resolved["model_blessing"] or [None])[0]
        blessing = standard_artifacts.ModelBlessing()
        own_declines = decline.of_model(judged, candidate.id)
        used = {} if own_declines is not None else decline.of(judged) or decline.of(served[0] if served else None)
        compared, baseline_values = "", None
        if served and self.readable:
            compared = versions.digest(path_utils.serving_model_path(served[0].uri))
            baseline_values = {"r2": self.quality[compared], "mae": 1.0}
        values = {"r2": self.quality[versions.digest(path_utils.serving_model_path(candidate.uri))], "mae": 1.0}
        compared_by = judgement.Comparison("r2", TOLERANCE, used.get("r2", 0.0))
        demands = judgement.Demands(floor={"r2": FLOOR}, baseline=[compared_by])
        rules = judgement.judge("regression", {(): Figures(9, values, baseline_values)}, demands)
        blessing.set_int_custom_property("blessed", int(all(outcome.ok for outcome in rules)))
        blessing.set_int_custom_property("current_model_id", candidate.id)
        blessing.set_string_custom_property("compared_with", compared)
        blessing.set_int_custom_property("span", self.span)
        blessing.set_string_custom_property(
            decline.PROPERTY,
            json.dumps(
                own_declines if own_declines is not None else judgement.declines(used, rules, values, baseline_values)
            ),
        )
        if served:
            blessing.set_int_custom_property("baseline_model_id", served[0].id)
        if judged is not None:
            blessing.set_int_custom_property("baseline_blessing_id", judged.id)
        self._put(blessing)
        return compared, blessing

    @precondition(lambda self: versions.previous(self.serving) is not None)
    @rule()
    def rollback(self):
        """Roll back to the previous version."""
        self.counts["taken back"] += 1
        expected = versions.previous(self.serving)
        restored = versions.restore(self.serving, expected)
        serving = reference.served(self.serving)
        assert (serving.number, serving.digest) == (restored, versions.read(self.serving, expected).digest)
        assert serving.number not in [version.number for version in reference.rolled_back(self.serving)]
        self.best = self.quality[serving.digest]

    @rule()
    def clean(self):
        """Remove the artifacts of all models that do not serve; the serving folder keeps its files."""
        serving = reference.served(self.serving)
        for model in self._all("Model"):
            if serving is None or ownership.relative(model.uri, self.serving) != serving.model:
                shutil.rmtree(model.uri, ignore_errors=True)
                del self.artifacts[model.id]

    @rule()
    def move(self):
        """Move the root; the paths in the store are unchanged."""
        target = os.path.join(self.top, f"root {self.ids} {len(os.listdir(self.top))}")
        os.rename(self.root, target)
        self.root = target
        for model in self._all("Model"):
            if not os.path.isdir(model.uri):
                del self.artifacts[model.id]

    @rule()
    def save(self):
        """Back up the store."""
        self.backup = (dict(self.artifacts), set(self.executions))

    @precondition(lambda self: self.backup is not None)
    @rule()
    def restore(self):
        """Restore the backup of the store; files are unchanged."""
        self.artifacts, self.executions = dict(self.backup[0]), set(self.backup[1])
        for model in self._all("Model"):
            if not os.path.isdir(model.uri):
                del self.artifacts[model.id]

    @rule()
    def lose_the_store(self):
        """Replace the store with a new one over the same root."""
        self.artifacts, self.executions, self.backup = {}, set(), None

    @invariant()
    def the_serving_version_is_complete(self):
        numbers = versions.pushed(self.serving)
        serving = reference.served(self.serving)
        assert (serving is None) == (not numbers)
        if serving is not None:
            assert serving.number == numbers[-1]
            assert versions.digest(versions.path(self.serving, serving.number)) == serving.digest
            assert math.isfinite(self.quality[serving.digest])


@pytest.mark.parametrize(
    ("kind", "sequences"),
    [("sqlite", SEQUENCES), ("postgresql", 40), pytest.param("postgresql", SEQUENCES, marks=pytest.mark.slow)],
)
def test_the_serving_version_is_never_replaced_uncompared_too_bad_or_lost_in_any_order_of_events(
    kind, sequences, request, monkeypatch
):
    url = request.getfixturevalue("postgresql").new_database() if kind == "postgresql" else None
    monkeypatch.setattr(Weeks, "store", MetadataStore(connection_config("", url)) if url else in_memory())
    Weeks.counts = collections.Counter()
    stateful.run_state_machine_as_test(
        Weeks, settings=settings(max_examples=sequences, stateful_step_count=15, deadline=None, derandomize=True)
    )
    assert Weeks.counts["sequences"] >= sequences
    # Otherwise the sequences would not test anything.
    assert min(Weeks.counts[word] for word in ("replaced", "refused", "withheld", "taken back")) > sequences // 50, (
        Weeks.counts
    )
