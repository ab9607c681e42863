"""The plain models begin once their examples are checked; their stage comes last before the one that reads it."""

import pytest
from tfx.proto.orchestration import pipeline_pb2

from components.plain_models import background_fit
from errors import ResourceError
from orchestration.local.early_fit import EarlyFit

UPSTREAM = {
    "ingestion": [],
    "validation": ["ingestion"],
    "plain-models": ["ingestion", "validation"],
    "transformation": ["validation"],
    "trainer": ["transformation"],
    "evaluator": ["plain-models", "trainer"],
    "pusher": ["evaluator"],
}
EXAMPLES = object()
OUTPUTS = {"ingestion": {"examples": [EXAMPLES]}, "validation": {"anomalies": [object()]}}


def nodes(without=()):
    made = {}
    for node_id, upstream in UPSTREAM.items():
        if node_id not in without:
            made[node_id] = pipeline_pb2.PipelineNode(upstream_nodes=[name for name in upstream if name not in without])
    if "plain-models" in made:
        channel = made["plain-models"].inputs.inputs["examples"].channels.add(output_key="examples")
        channel.producer_node_query.id = "ingestion"
        made["plain-models"].parameters.parameters["settings"].field_value.string_value = "{}"
    return made


@pytest.fixture
def begun(monkeypatch):
    """What was begun: (examples, settings)."""
    calls = []
    monkeypatch.setattr(background_fit, "begin", lambda *arguments: calls.append(arguments))
    return calls


def ended(early, *node_ids, executed=("ingestion", "validation")):
    for number, node_id in enumerate(node_ids, 1):
        outputs = {name: OUTPUTS[name] for name in node_ids[:number]}
        early.after(node_id, outputs, executed=node_id in executed)


def test_the_stage_is_moved_before_the_stage_that_reads_it():
    order = list(EarlyFit(nodes(), of_whole_run=True).order())

    assert order == ["ingestion", "validation", "transformation", "trainer", "plain-models", "evaluator", "pusher"]


@pytest.mark.parametrize(("without", "of_whole_run"), [(["plain-models"], True), ([], False)])
def test_the_order_stays_without_the_stage_and_in_a_run_of_some_stages(begun, without, of_whole_run):
    given = nodes(without)
    early = EarlyFit(given, of_whole_run=of_whole_run)
    ended(early, "ingestion", "validation")

    assert list(early.order()) == list(given)
    assert begun == []


def test_a_stage_that_nothing_reads_is_the_last_one():
    order = list(EarlyFit(nodes(["evaluator", "pusher"]), of_whole_run=True).order())

    assert order[-2:] == ["trainer", "plain-models"]


def test_the_fit_begins_when_the_last_stage_that_it_waits_for_has_ended(begun):
    early = EarlyFit(nodes(), of_whole_run=True)
    ended(early, "ingestion")
    assert begun == [], "the gates have not passed yet"

    ended(early, "ingestion", "validation")
    assert begun == [(EXAMPLES, "{}")]


def test_nothing_begins_for_examples_from_the_cache(begun):
    ended(EarlyFit(nodes(), of_whole_run=True), "ingestion", "validation", executed=["validation"])

    assert begun == []


def test_an_error_of_the_early_fit_is_left_to_the_stage(monkeypatch):
    def fail(*_):
        raise ResourceError("a file is missing")

    monkeypatch.setattr(background_fit, "begin", fail)
    ended(EarlyFit(nodes(), of_whole_run=True), "ingestion", "validation")


def test_close_ends_a_fit_without_its_stage(monkeypatch):
    closed = []
    monkeypatch.setattr(background_fit, "close", lambda: closed.append(True))
    EarlyFit(nodes(), of_whole_run=True).close()

    assert closed == [True]
