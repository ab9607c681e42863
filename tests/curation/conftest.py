"""Small tables made in memory."""

import numpy as np
import pyarrow as pa
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def texts():
    """A table as a CSV gives it: every cell a text, None for a missing one."""

    def make(**columns):
        cells = {name: [None if value is None else str(value) for value in values] for name, values in columns.items()}
        return pa.table({name: pa.array(values, pa.string()) for name, values in cells.items()})

    return make


@pytest.fixture
def read(tmp_path):
    """Reads a file of the given content, relative to its folder as the repository."""
    from curation.look import reading

    def run(content, name="data/t.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return reading.read(str(path), str(tmp_path))

    return run
