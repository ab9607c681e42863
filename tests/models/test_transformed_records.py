import numpy as np
import pytest
import tensorflow as tf

from models.data import transformed_records

SPEC = {"area": tf.io.FixedLenFeature([1], tf.float32), "zip": tf.io.FixedLenFeature([1], tf.int64)}


@pytest.fixture
def folder(tmp_path, write_examples):
    for shard in (1, 0):
        numbers = range(3 * shard, 3 * shard + 3)
        columns = {"zip": [number + 90 for number in numbers], "area": [number / 2 for number in numbers]}
        write_examples(tmp_path / f"data-{shard}.gz", columns)
    return tmp_path


def both(folder):
    return [str(folder / f"data-{shard}.gz") for shard in range(2)]


def test_files_are_read_in_order(folder):
    columns = transformed_records.read(both(folder), SPEC)

    assert {name: (column.dtype, column.shape) for name, column in columns.items()} == {
        "area": (np.float32, (6, 1)),
        "zip": (np.int64, (6, 1)),
    }
    np.testing.assert_array_equal(columns["zip"][:, 0], range(90, 96))
    np.testing.assert_array_equal(columns["area"][:, 0], np.arange(6) / 2)


def test_columns_beside_records_are_read_instead(tmp_path, write_examples):
    columns = {"area": [1.5, 2.0, -1.0], "zip": [5, 6, -7], "unused": ["a", "b", "c"]}
    path = write_examples(tmp_path / "Split-train" / "data.gz", columns, beside=True)
    # Other records than those of which the columns are would be read instead of them.
    assert transformed_records._from_cache(str(path), SPEC) is not None
    batches = transformed_records.read([str(path)], SPEC)

    assert {name: (column.dtype, column.tolist()) for name, column in batches.items()} == {
        "area": (np.float32, [[1.5], [2.0], [-1.0]]),
        "zip": (np.int64, [[5], [6], [-7]]),
    }
    assert transformed_records._from_cache(str(path), {**SPEC, "other": SPEC["zip"]}) is None


def test_more_rows_than_a_batch_are_all_read(folder, monkeypatch):
    monkeypatch.setattr(transformed_records, "READ_BATCH", 4)

    np.testing.assert_array_equal(transformed_records.read(both(folder), SPEC)["zip"][:, 0], range(90, 96))


def test_features_of_no_length_become_columns_too(folder):
    scalar = {"zip": tf.io.FixedLenFeature([], tf.int64)}

    assert transformed_records.read(both(folder), scalar)["zip"].shape == (6, 1)


def test_no_record_is_an_error_that_names_the_files(tmp_path, write_examples):
    write_examples(tmp_path / "empty.gz", {"zip": np.array([], np.int64)})
    with pytest.raises(ValueError, match=r"no transformed record in .*empty\.gz"):
        transformed_records.read([str(tmp_path / "empty.gz")], SPEC)
    with pytest.raises(ValueError, match=r"no transformed record in no file"):
        transformed_records.read([], SPEC)


@pytest.mark.parametrize("beside", [False, True])
def test_a_file_with_other_rows_than_are_declared_is_named(tmp_path, write_examples, beside):
    columns = {"area": [1.5, 2.0, 3.0], "zip": [5, 6, 7]}
    paths = [str(write_examples(tmp_path / f"Split-train/{number}.gz", columns, beside=beside)) for number in range(2)]
    assert len(transformed_records.read(paths, SPEC, rows={paths[0]: 3, paths[1]: None})["zip"]) == 6
    for declared in (2, 4):
        with pytest.raises(ValueError, match=rf"Split-train/1.gz holds 3 rows and its artifact declares {declared}"):
            transformed_records.read(paths, SPEC, rows={paths[0]: 3, paths[1]: declared})


COLUMNS = {"area": np.arange(7, dtype=np.float32).reshape(-1, 1), "zip": np.arange(10, 17).reshape(-1, 1)}
LABEL = np.arange(7, dtype=np.float32).reshape(-1, 1) * 100


def epoch(dataset):
    return [({name: value.tolist() for name, value in x.items()}, y.tolist()) for x, y in dataset.as_numpy_iterator()]


def rows(dataset):
    return [label for _, labels in epoch(dataset) for [label] in labels]


def test_batches_keep_the_order_without_a_seed():
    columns = epoch(transformed_records.batches(COLUMNS, LABEL, size=3, seed=None))

    assert [labels for _, labels in columns] == [[[0.0], [100.0], [200.0]], [[300.0], [400.0], [500.0]], [[600.0]]]
    assert columns[1][0] == {"area": [[3.0], [4.0], [5.0]], "zip": [[13], [14], [15]]}


@pytest.fixture(params=["few", "many"])
def shuffling(request, monkeypatch):
    """Both ways of shuffling: that of few rows, and that of many."""
    if request.param == "many":
        monkeypatch.setattr(transformed_records, "PERMUTED_ROWS", 3)


@pytest.mark.usefixtures("shuffling")
def test_shuffled_rows_stay_whole_and_none_is_lost():
    columns = epoch(transformed_records.batches(COLUMNS, LABEL, size=2, seed=5))

    assert sorted(label for _, labels in columns for [label] in labels) == LABEL[:, 0].tolist()
    for features, labels in columns:
        assert [[100 * area] for [area] in features["area"]] == labels
        assert [[100 * (code - 10)] for [code] in features["zip"]] == labels


@pytest.mark.usefixtures("shuffling")
def test_each_epoch_is_shuffled_differently_and_a_seed_repeats_it():
    first, repeated, other_seed = (transformed_records.batches(COLUMNS, LABEL, size=7, seed=seed) for seed in (5, 5, 6))
    epochs = [rows(first) for _ in range(3)]

    assert epochs[0] != LABEL[:, 0].tolist()
    assert len({tuple(order) for order in epochs}) == 3
    assert [rows(repeated) for _ in range(3)] == epochs
    assert rows(other_seed) != epochs[0]


WIDE = {
    **{f"n{number}": np.arange(7, dtype=np.float32).reshape(-1, 1) + number for number in range(20)},
    **{f"code{number}": np.arange(7).reshape(-1, 1) - number for number in range(5)},
    "bag": np.arange(21, dtype=np.float32).reshape(7, 3),
    "image": np.arange(28, dtype=np.float32).reshape(7, 2, 2, 1),
}


@pytest.mark.parametrize("seed", [None, 5])
def test_batches_have_the_features_in_their_order_shapes_and_dtypes(seed):
    dataset = transformed_records.batches(WIDE, LABEL, size=3, seed=seed, weight=LABEL[:, 0])
    parts = list(dataset.as_numpy_iterator())

    assert int(dataset.cardinality()) == len(parts) == 3
    assert list(parts[0][0]) == list(WIDE)
    # A known number of rows would make TensorFlow divide by it in another way.
    assert {spec.shape[0] for spec in tf.nest.flatten(dataset.element_spec)} == {None}
    places = np.concatenate([label[:, 0] for _, label, _ in parts]).astype(np.int64) // 100
    assert sorted(places) == list(range(7))
    np.testing.assert_array_equal(np.concatenate([weight for _, _, weight in parts]), LABEL[places, 0])
    for name, column in WIDE.items():
        joined = np.concatenate([x[name] for x, _, _ in parts])
        assert joined.dtype == column.dtype
        np.testing.assert_array_equal(joined, column[places])


def test_many_columns_are_gathered_by_few_operations(monkeypatch):
    gathers, gather = [], tf.gather
    monkeypatch.setattr(tf, "gather", lambda *arguments: gathers.append(1) or gather(*arguments))
    transformed_records.batches(WIDE, LABEL, size=3, seed=5)
    # One for each dtype, the bag, the image and the label.
    assert len(gathers) == 5
    transformed_records.batches(WIDE, LABEL, size=3, seed=None)
    assert len(gathers) == 5
