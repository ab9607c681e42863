import numpy as np
import pytest

from models.data import streaming, transformed_records

ROWS = 50


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(streaming, "BLOCK_ROWS", 4)
    monkeypatch.setattr(streaming, "BLOCKS_AT_ONCE", 3)


def table(rows):
    return {
        "x": np.arange(rows, dtype=np.float32),
        "index": np.arange(rows, dtype=np.int64) * 3,
        "bag": np.arange(2 * rows, dtype=np.float32).reshape(rows, 2),
    }


def parts(columns, size):
    rows = len(columns["x"])
    return [{name: column[at : at + size] for name, column in columns.items()} for at in range(0, rows, size)]


@pytest.fixture(params=[1, 300, 1e9])
def columns(request, tmp_path):
    """The table, in files from the beginning, from somewhere in it, or in memory."""
    return streaming.collect(parts(table(ROWS), 7), request.param, lambda: str(tmp_path))


def test_columns_are_the_same_wherever_they_are(columns):
    expected = table(ROWS)

    assert {name: (column.dtype, column.shape) for name, column in columns.items()} == {
        "x": (np.float32, (ROWS, 1)),
        "index": (np.int64, (ROWS, 1)),
        "bag": (np.float32, (ROWS, 2)),
    }
    for name, column in columns.items():
        np.testing.assert_array_equal(column, expected[name].reshape(ROWS, -1))


def test_files_are_made_above_the_limit_alone(tmp_path):
    def never():
        raise AssertionError("no folder is needed")

    held = streaming.collect(parts(table(ROWS), 7), 1e9, never)
    filed = streaming.collect(parts(table(ROWS), 7), 1, lambda: str(tmp_path))

    assert not any(map(streaming.is_file, held.values()))
    assert all(map(streaming.is_file, filed.values()))
    assert not streaming.is_file(filed["x"][1:])
    assert not streaming.is_file(filed["x"][filed["x"][:, 0] > 3])


def test_no_batch_makes_no_columns():
    assert streaming.collect([], 1, str) == {}


def epoch(columns, **settings):
    label = np.asarray(columns["x"]) * 10
    return list(transformed_records.batches(columns, label, **settings).as_numpy_iterator())


def test_rows_keep_their_order_without_a_seed(columns):
    batches = epoch(columns, size=6, seed=None)

    assert [len(label) for _, label in batches] == [6] * 8 + [2]
    np.testing.assert_array_equal(np.concatenate([label for _, label in batches])[:, 0], np.arange(ROWS) * 10)


def test_rows_are_mixed_whole_and_none_is_lost(columns):
    weight = np.arange(ROWS, dtype=np.float32) / 2
    batches = epoch(columns, size=6, seed=3, weight=weight)
    label = np.concatenate([label for _, label, _ in batches])[:, 0]

    assert sorted(label) == (np.arange(ROWS) * 10).tolist()
    assert label.tolist() != sorted(label)
    for x, y, weights in batches:
        np.testing.assert_array_equal(x["x"] * 10, y)
        np.testing.assert_array_equal(x["index"], (x["x"] * 3).astype(np.int64))
        np.testing.assert_array_equal(x["bag"], np.concatenate([x["x"] * 2, x["x"] * 2 + 1], axis=1))
        np.testing.assert_array_equal(weights, x["x"][:, 0] / 2)


def test_each_epoch_is_mixed_differently_and_a_seed_repeats_it(columns):
    label = np.asarray(columns["x"])

    def orders(seed):
        dataset = transformed_records.batches(columns, label, size=50, seed=seed)
        return [tuple(next(iter(dataset.as_numpy_iterator()))[1][:, 0]) for _ in range(3)]

    assert len(set(orders(1))) == 3
    assert orders(1) == orders(1)
    assert orders(1) != orders(2)


def test_rows_from_far_away_meet(tmp_path):
    columns = streaming.collect(parts(table(ROWS), 7), 1, lambda: str(tmp_path))
    first_batch = epoch(columns, size=12, seed=3)[0][1][:, 0] / 10

    assert max(first_batch) - min(first_batch) > 16, "the first blocks alone"
