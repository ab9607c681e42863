"""Files that the workers of an engine write in any order, and repeatedly."""

import os
import pickle
import signal

import apache_beam as beam
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.engine import parallel_map
from components.statistics import executor

FILES = 7
CREATE = beam.Create


class Loaded:
    """The part of a file, which was worked out before."""

    def setup(self):
        pass

    def process(self, element):
        with open(element[1], "rb") as file:
            return pickle.load(file)


def arriving(order):
    """Beam's Create, with the elements in another order, and some twice as after a retry."""
    return lambda elements, **options: CREATE([elements[place] for place in order], **options)


ORDERS = st.permutations(range(FILES)).flatmap(
    lambda order: st.lists(st.sampled_from(order), max_size=3).map(lambda again: [*order, *again])
)


@pytest.fixture(scope="module")
def parts(write_examples, tmp_path_factory):
    """The statistics of seven files, each by itself."""
    folder, random = tmp_path_factory.mktemp("parts"), np.random.default_rng(3)
    paths = []
    for number in range(FILES):
        values = random.normal(size=300) * 10.0 ** random.integers(-3, 6)
        words = [f"word {number_of_word}" for number_of_word in random.zipf(1.5, 300) % 40]
        file = write_examples(folder / f"{number}.gz", {"x": list(map(float, values)), "word": words})
        path = folder / f"{number}.pickle"
        path.write_bytes(pickle.dumps(executor.Measure().process(("train", str(file), None))))
        paths.append(str(path))
    merged = executor.merge([Loaded().process((None, path)) for path in paths])
    return paths, executor.proto(merged).SerializeToString(deterministic=True)


@given(order=ORDERS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_statistics_have_equal_bytes_in_any_order_of_files(order, parts, beam_pipeline, tmp_path_factory, figure):
    """Fault 48: seven files, whose parts arrive in drawn orders, up to three of them twice."""
    folder = tmp_path_factory.mktemp("orders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel_map.beam, "Create", arriving(order))
        elements = [("train", path) for path in parts[0]]
        merged = parallel_map.map_reduce(beam_pipeline, elements, Loaded(), executor.merge, str(folder / "work"))
    assert executor.proto(merged["train"]).SerializeToString(deterministic=True) == parts[1]
    figure(48, "drawn orders of 7 files, some twice: statistics that differ = 0 bytes")


def test_a_file_has_its_final_path_only_when_it_is_complete(tmp_path, figure):
    """Fault 49: a worker that is killed while it writes, then the same element once more, and a kill again."""
    path = tmp_path / "place" / "00000.gz"

    def write(text, *, die):
        pid = os.fork()
        if pid == 0:
            draft = parallel_map.Draft(str(path), str(tmp_path / "drafts"))
            draft.file.write(text[: len(text) // 2])
            draft.file.flush()
            if die:
                os.kill(os.getpid(), signal.SIGKILL)
            draft.file.write(text[len(text) // 2 :])
            draft.file.close()
            draft.place()
            os._exit(0)
        os.waitpid(pid, 0)

    write(b"whole text", die=True)
    assert not path.exists()
    write(b"whole text", die=False)
    write(b"another text", die=True)
    assert path.read_bytes() == b"whole text"
    assert [entry.name for entry in path.parent.iterdir()] == ["00000.gz"]
    figure(49, "2 kills within a file: half files under its name = 0")
