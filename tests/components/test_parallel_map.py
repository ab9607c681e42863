"""Results, errors and merges do not depend on the order in which an engine processes elements, nor on retries."""

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
    return lambda elements, **options: CREATE([elements[position] for position in order], **options)


@pytest.fixture
def run(beam_pipeline, tmp_path):
    def make(elements, work, **options):
        return list(parallel_map.map_elements(beam_pipeline, elements, work, str(tmp_path / "work"), **options))

    return make


def test_results_have_the_order_of_the_elements_and_no_file_remains(run, tmp_path):
    assert run([3, 1, 2], Square()) == [9, 1, 4]
    assert run([], Square()) == []
    assert list(tmp_path.iterdir()) == []


def test_results_of_a_previous_attempt_are_ignored(run, tmp_path):
    (tmp_path / "work" / parallel_map._RESULTS).mkdir(parents=True)
    (tmp_path / "work" / parallel_map._RESULTS / "0").write_bytes(b"a previous attempt")
    assert run([3], Square()) == [9]
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@given(count=st.integers(1, 700))
def test_parts_are_merged_in_order_in_a_tree_of_bounded_width(count):
    pending = max_pending = 0

    def merge(parts):
        nonlocal pending
        assert 2 <= len(parts) <= parallel_map.FAN_IN + math.ceil(math.log(count, parallel_map.FAN_IN))
        pending -= len(parts) - 1
        return [number for part in parts for number in part]

    merged = parallel_map.MergeTree(merge)
    for number in range(count):
        merged.add([number])
        pending += 1
        max_pending = max(max_pending, pending)
    assert merged.result() == list(range(count))
    assert max_pending <= parallel_map.FAN_IN * (1 + math.ceil(math.log(count, parallel_map.FAN_IN)))


def test_fewer_parts_than_the_fan_in_are_merged_once():
    merges = []
    merged = parallel_map.MergeTree(lambda parts: merges.append(list(parts)) or sum(parts))
    for number in range(parallel_map.FAN_IN - 1):
        merged.add(number)
    merged.result()
    assert merges == [list(range(parallel_map.FAN_IN - 1))]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [4, 4, 0, 2, 6, 1, 3, 5]])
def test_the_error_of_the_first_failed_element_is_raised_with_its_class_and_text(order, run, monkeypatch):
    monkeypatch.setattr(parallel_map.beam, "Create", arriving(order))
    broken = {"2": UserError("row 7 is broken\nand more"), "4": ResourceError("no"), "6": UserError("last")}
    with pytest.raises(UserError) as raised:
        run(list(range(FILES)), Square(**broken))
    assert type(raised.value) is UserError
    assert str(raised.value) == "row 7 is broken\nand more"
    assert "in process" in str(raised.value.__cause__), "the trace of the worker is kept for the log"


def test_an_error_is_explained_by_the_worker(run, tmp_path):
    def explain(error):
        return UserError(f"column 'x': {error}") if isinstance(error, KeyError) else None

    with pytest.raises(UserError, match=r"column 'x': 'gone'"):
        run([1, 2], Square(**{"2": KeyError("gone")}), explain=explain)
    with pytest.raises(ZeroDivisionError):
        run([1, 2], Square(**{"2": ZeroDivisionError("ours")}), explain=explain)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_result_of_a_successful_job_is_an_error(run, monkeypatch):
    monkeypatch.setattr(parallel_map.beam, "Create", arriving([0, 2]))
    with pytest.raises(RunError, match="reports success, but the result of 1 is missing"):
        run([0, 1, 2], Square())


def test_several_elements_are_shuffled_to_the_workers(beam_pipeline, tmp_path):
    """Otherwise a runner fuses them with the work, and one worker does everything."""
    graphs = []

    class Noted(beam.Pipeline):
        def run(self, *arguments, **options):
            graphs.append(str(self.to_runner_api()))
            return super().run(*arguments, **options)

    for elements in ([1, 2], [1]):
        list(parallel_map.map_elements(lambda: Noted("FnApiRunner"), elements, Square(), str(tmp_path / "work")))
    assert ["beam:transform:reshuffle:v1" in graph for graph in graphs] == [True, False]


def test_a_relative_folder_is_resolved_before_workers_use_it(beam_pipeline, tmp_path, monkeypatch):
    class Moves(Square):
        def process(self, element):
            os.chdir("/")
            return super().process(element)

    monkeypatch.chdir(tmp_path)
    assert list(parallel_map.map_elements(beam_pipeline, [1, 2], Moves(), "work")) == [1, 4]
