import io
import math

import numpy as np
import pyarrow as pa
import pytest

from components.ingestion import planning
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.rows import row_division, row_profile

COLUMNS = {
    "id": pa.array([1, 2, 3, 4]),
    "area": pa.array([80.5, 80.5, None, 0.0], pa.float32()),
    "city": pa.array(["Bern", "Bern", None, ""]),
    "photo": pa.array([b"\x89P", b"\x89P", None, b""], pa.binary()),
}


def batch(**columns):
    columns = {**COLUMNS, **columns}
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def gathered(batches, *, skip=("id",), label="city", name=None):
    marks, file = row_profile.Marks(skip=skip, label=label, name=name), io.BytesIO()
    for record_batch, rows in batches:
        marks.add(record_batch, {split: np.array(places) for split, places in rows.items()})
    file.close = lambda: None
    marks.write(file)
    return row_profile.read(io.BytesIO(file.getvalue()))


def test_rows_that_differ_only_in_what_is_skipped_share_a_digest():
    row_digests = row_profile.digests(batch(), ["id"])

    assert row_digests.dtype == np.uint64
    assert row_digests[0] == row_digests[1]
    assert len(set(row_digests.tolist())) == 3
    assert len(set(row_profile.digests(batch(), []).tolist())) == 4


@pytest.mark.parametrize("name", ["area", "city", "photo"])
def test_every_column_counts_and_a_missing_cell_is_not_a_blank_one(name):
    edited_column = COLUMNS[name].take(pa.array([0, 3, 2, 2]))
    digests, edited_digests = (
        row_profile.digests(batch(), ["id"]),
        row_profile.digests(batch(**{name: edited_column}), ["id"]),
    )

    assert (digests == edited_digests).tolist() == [True, False, True, False]


def test_equal_cells_under_other_names_are_other_rows():
    swapped = pa.RecordBatch.from_arrays([pa.array([1, 2]), pa.array([2, 1])], ["a", "b"])

    assert len(set(row_profile.digests(swapped, []).tolist())) == 2


def test_digests_are_the_same_on_any_machine():
    assert row_profile.digests(batch(), ["id"]).tolist() == [
        row_profile.digests(batch().slice(row, 1), ["id"])[0] for row in range(4)
    ]
    assert int(row_profile.digests(batch(), ["id"])[0]) == 12373561184835502368


def test_facts_are_gathered_by_split_over_batches():
    odd = batch(area=pa.array([math.nan, math.inf, -math.inf, None], pa.float32()))
    facts, digests, features, labels, _ = gathered(
        [(batch(), {"train": [0, 1], "eval": [3]}), (odd, {"train": [0, 1, 2, 3]})]
    )

    assert facts["train"].rows == 6
    assert facts["train"].labels == {"Bern": 4, "": 1}
    assert facts["train"].odd == {"area": [1, 2]}
    assert facts["eval"] == row_profile.Facts(1, {"": 1}, [], {})
    assert {split: len(row_digests) for split, row_digests in digests.items()} == {"train": 6, "eval": 1}
    assert {split: len(row_digests) for split, row_digests in features.items()} == {"train": 6, "eval": 1}
    assert {split: len(row_digests) for split, row_digests in labels.items()} == {"train": 6, "eval": 1}


def test_features_leave_out_the_label_and_what_the_model_does_not_read():
    marks = row_profile.Marks(skip=["id"], label="city", unread=["id", "photo", "city", "absent"])
    marks.add(batch(), {"train": np.arange(4)})

    assert marks.marked().features["train"].tolist() == row_profile.digests(batch(), ["id", "city", "photo"]).tolist()
    assert marks.marked().digests["train"].tolist() == row_profile.digests(batch(), ["id"]).tolist()
    labels = row_profile.digests(batch(), ["id", "area", "photo"])
    assert marks.marked().labels["train"].tolist() == labels.tolist()


def test_labels_of_a_file_of_an_earlier_version_are_the_difference_of_its_digests():
    marks = row_profile.Marks(skip=["id"], label="city")
    marks.add(batch(), {"train": np.arange(4)})
    marked = marks.marked()

    earlier = row_profile.read(io.BytesIO(row_profile.content(marked._replace(labels={}))))

    assert earlier.labels["train"].tolist() == marked.labels["train"].tolist()


def test_names_are_kept_beside_the_digests_of_the_same_rows():
    _, digests, _, _, names = gathered(
        [(batch(), {"train": [0, 2], "eval": [3]}), (batch(), {"train": [1]})], name="city"
    )

    assert {split: len(row_digests) for split, row_digests in digests.items()} == {"train": 3, "eval": 1}
    assert names == {
        "train": [*(COLUMNS["city"][row].as_py() for row in (0, 2, 1))],
        "eval": [COLUMNS["city"][3].as_py()],
    }


def test_a_label_of_many_numbers_keeps_its_ends():
    numbers = pa.array([float(number) for number in range(600)] * 2 + [math.inf], pa.float32())
    first = pa.RecordBatch.from_arrays([numbers], ["y"])
    second = pa.RecordBatch.from_arrays([pa.array(np.arange(601, dtype=np.float32) - 700)], ["y"])
    rows = {"train": list(range(601))}
    facts, *_ = gathered([(first, rows), (second, rows)], label="y")

    assert facts["train"].labels is None
    assert facts["train"].ends == [-700.0, 599.0]


def ingestion(split, duties=None, read=()):
    keys = {"paths": "x.csv", "columns": {}, "label": None, "complete": []}
    return IngestionSettings.model_validate({**keys, "data": {"split": split}, "duties": duties or {}, "read": read})


@pytest.mark.parametrize(
    ("split", "duties", "read", "skipped", "divided"),
    [
        ({"by": "all", "column": None}, {"id": "id"}, [], {"id"}, False),
        ({"by": "hash", "column": None}, {}, [], set(), False),
        ({"by": "hash", "column": None}, {"id": "id", "group": "owner"}, [], {"id", "owner"}, True),
        ({"by": "hash", "column": None}, {"id": "id", "group": "owner"}, ["owner"], {"id"}, True),
        ({"by": "hash", "column": "house"}, {}, [], {"house"}, True),
        ({"by": "hash", "column": "house"}, {}, ["house"], set(), True),
        ({"by": "column", "column": "part"}, {"id": "id"}, ["part"], {"id", "part"}, True),
        ({"by": "time", "column": None}, {}, [], set(), True),
    ],
)
def test_what_names_a_row_or_its_split_does_not_count_unless_the_model_reads_it(split, duties, read, skipped, divided):
    config = ingestion(split, duties, read)

    assert set(planning.naming(config)) - {None} == skipped
    assert planning.divided(config) is divided


def test_a_name_that_the_reader_adds_does_not_count_also_where_the_whole_row_divides():
    config = ingestion({"by": "hash"})

    assert set(planning.naming(config, ("file",))) == {None, "file"}
    assert planning.divided(config, ("file",))
    assert not planning.divided(ingestion({"by": "all"}), ("file",))


@pytest.mark.parametrize("classes", [True, False])
def test_rows_are_digested_for_every_task_and_features_where_classes_may_contradict_each_other(classes):
    settings = ingestion({"by": "hash"}).model_copy(update={"classes": classes, "label": "city"})
    marks = row_division.marks(settings, ())
    marks.add(batch(), {"train": np.arange(4)})

    assert len(marks.marked().digests["train"]) == 4
    assert ("train" in marks.marked().features) is classes
