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
