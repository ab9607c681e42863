"""Results, errors and merges are the same in whatever order, and however often, an engine works on the elements."""

import math
import os

import apache_beam as beam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.engine import parallel_map
from errors import ResourceError, RunError, UserError

FILES = 7
CREATE = beam.Create


class Square:
    """Work that fails for some elements."""

    def __init__(self, **fails):
        self._fails = fails

    def setup(self):
        self._ready = True

    def process(self, element):
        assert self._ready
        if str(element) in self._fails:
            raise self._fails[str(element)]
        return element * element


def arriving(order):
    """Beam's Create, with the elements in another order, and some twice as after a retry."""
    return lambda elements, **options: CREATE([elements[place] for place in order], **options)


@pytest.fixture
def run(beam_pipeline, tmp_path):
    def make(elements, work, **options):
        return list(parallel_map.spread(beam_pipeline, elements, work, str(tmp_path / "work"), **options))

    return make


def test_results_come_in_the_elements_order_and_nothing_is_left(run, tmp_path):
    assert run([3, 1, 2], Square()) == [9, 1, 4]
    assert run([], Square()) == []
    assert list(tmp_path.iterdir()) == []


def test_results_that_an_earlier_try_left_are_not_taken(run, tmp_path):
    (tmp_path / "work" / parallel_map._RESULTS).mkdir(parents=True)
    (tmp_path / "work" / parallel_map._RESULTS / "0").write_bytes(b"an earlier try")
    assert run([3], Square()) == [9]
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@given(count=st.integers(1, 700))
def test_parts_are_merged_in_order_in_a_tree_of_one_shape(count):
    held = most = 0

    def merge(some):
        nonlocal held
        assert 2 <= len(some) <= parallel_map.FAN_IN + math.ceil(math.log(count, parallel_map.FAN_IN))
        held -= len(some) - 1
        return [number for part in some for number in part]

    merged = parallel_map.Merged(merge)
    for number in range(count):
        merged.add([number])
        held += 1
        most = max(most, held)
    assert merged.result() == list(range(count))
    assert most <= parallel_map.FAN_IN * (1 + math.ceil(math.log(count, parallel_map.FAN_IN)))


def test_few_parts_are_merged_at_once():
    seen = []
    merged = parallel_map.Merged(lambda some: seen.append(list(some)) or sum(some))
    for number in range(parallel_map.FAN_IN - 1):
        merged.add(number)
    merged.result()
    assert seen == [list(range(parallel_map.FAN_IN - 1))]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [4, 4, 0, 2, 6, 1, 3, 5]])
def test_the_error_of_the_first_element_that_has_one_is_raised_as_it_was(order, run, monkeypatch):
    monkeypatch.setattr(parallel_map.beam, "Create", arriving(order))
    broken = {"2": UserError("row 7 is broken\nand more"), "4": ResourceError("no"), "6": UserError("last")}
    with pytest.raises(UserError) as raised:
        run(list(range(FILES)), Square(**broken))
    assert type(raised.value) is UserError
    assert str(raised.value) == "row 7 is broken\nand more"
    assert "in process" in str(raised.value.__cause__), "the trace of the worker is kept for the log"


def test_an_error_is_explained_where_it_was_raised(run, tmp_path):
    def explain(error):
        return UserError(f"column 'x': {error}") if isinstance(error, KeyError) else None

    with pytest.raises(UserError, match=r"column 'x': 'gone'"):
        run([1, 2], Square(**{"2": KeyError("gone")}), explain=explain)
    with pytest.raises(ZeroDivisionError):
        run([1, 2], Square(**{"2": ZeroDivisionError("ours")}), explain=explain)
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_is_missing_though_the_job_is_done_is_told(run, monkeypatch):
    monkeypatch.setattr(parallel_map.beam, "Create", arriving([0, 2]))
    with pytest.raises(RunError, match="reports success, but the result of 1 is missing"):
        run([0, 1, 2], Square())


def test_several_elements_are_shuffled_to_the_workers(beam_pipeline, tmp_path):
    """Else a runner fuses them with the work, and one worker does it all."""
    graphs = []

    class Noted(beam.Pipeline):
        def run(self, *arguments, **options):
            graphs.append(str(self.to_runner_api()))
            return super().run(*arguments, **options)

    for elements in ([1, 2], [1]):
        list(parallel_map.spread(lambda: Noted("FnApiRunner"), elements, Square(), str(tmp_path / "work")))
    assert ["beam:transform:reshuffle:v1" in graph for graph in graphs] == [True, False]


def test_a_relative_folder_means_the_same_to_workers_elsewhere(beam_pipeline, tmp_path, monkeypatch):
    class Moves(Square):
        def process(self, element):
            os.chdir("/")
            return super().process(element)

    monkeypatch.chdir(tmp_path)
    assert list(parallel_map.spread(beam_pipeline, [1, 2], Moves(), "work")) == [1, 4]
