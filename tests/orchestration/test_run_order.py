"""The order of a run, as the supervisor sends it and the worker reads it."""

import dataclasses

import pytest

from orchestration.local.run_order import RunOrder
from pipeline import load
from project import REPOSITORY


@pytest.fixture
def order(tmp_path):
    config = load.load(REPOSITORY, "houses", ["training.epochs=2", "gates.skew.path=['a.csv', 'b.csv']"])
    return RunOrder(
        run_id="one",
        run_folder=str(tmp_path / "run"),
        root=str(tmp_path),
        metadata="postgresql://user:secret@host/store",
        scratch="/tmp/scratch",
        pipeline="houses",
        config=config,
        columns={"price": "FLOAT", "id": "INT"},
        data={"train": ["a.csv", "b.csv"]},
        data_content="0a",
        schema="schemas/houses.pbtxt",
        schema_content="0b",
        skew=["served.csv"],
        skew_content="0c",
        code="0d",
        beam_args=("--direct_num_workers=1", "--x"),
        cache=False,
        advisory=True,
        first="trainer",
        base="zero",
        to="evaluator",
    )


def test_the_worker_reads_the_order_of_the_supervisor(order):
    received = RunOrder.from_json(order.to_json())

    assert received == order
    assert list(received.columns) == ["price", "id"]


def test_an_order_is_frozen_and_rejects_unknown_fields(order):
    with pytest.raises(dataclasses.FrozenInstanceError):
        order.cache = True
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        RunOrder.from_json(order.to_json().replace('"cache"', '"colour"'))
