"""A hash split that is stratified by the label."""

import numpy as np
import pytest
from pydantic import ValidationError

from components.ingestion import planning, sources
from components.ingestion.discovery import data_files
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.rows import row_division, stratified
from components.ingestion.write import example_encoding
from pipeline.config import Config
from spec.data import Data
from spec.rows.data_paths import SPLITS

SHARES = {"train": 8, "eval": 1, "test": 1}


@pytest.fixture
def divide(tmp_path):
    """Numbers of rows by split, the plan's remarks; of two files with 2,000 rows, each twentieth of which is `yes`."""

    def run(rows=2000, **split):
        for part in range(2):
            numbers = range(part, rows, 2)
            lines = [f"{number},{'yes' if number % 20 < 1 else 'no'}\n" for number in numbers]
            (tmp_path / f"{part}.csv").write_text("n,y\n" + "".join(lines))
        data = Data(path="*.csv", split=split)
        settings = IngestionSettings.model_validate(
            {
                "paths": data_files.under(str(tmp_path), "*.csv"),
                "data": data.model_dump(mode="json"),
                "columns": {"n": "INT", "y": "BYTES"},
                "duties": {},
                "label": "y",
                "complete": [],
                "classes": True,
            }
        )
        plan = planning.plan(settings)
        splitter = row_division.splitter(settings, plan)
        rows_by_split = {name: set() for name in SPLITS}
        for file in plan.files:
            for batch in sources.batches(file.path, data, plan.columns):
                divided = splitter.divide(batch, example_encoding.examples(batch), path=file.path, ready=None)
                for name, places in divided.items():
                    rows_by_split[name] |= set(batch[0].take(places).to_pylist())
        return rows_by_split, plan.notes

    return run


def rare(rows):
    return {number for number in rows if number % 20 < 1}


@pytest.mark.parametrize("salt", ["", "a", "b"])
def test_a_rare_label_is_divided_by_the_shares_and_the_others_stay(divide, salt):
    stock, _ = divide(salt=salt, **SHARES)
    stratified_rows, notes = divide(salt=salt, stratify=50, **SHARES)
    assert [len(rare(stratified_rows[name])) for name in SPLITS] == [80, 10, 10]
    for name in SPLITS:
        assert stratified_rows[name] - rare(stratified_rows[name]) == stock[name] - rare(stock[name])
    assert set.union(*stratified_rows.values()) == set(range(2000))
    assert notes == ["rows of 'yes' are divided by their shares: the hash gives some split fewer than 50"]


def test_labels_with_enough_rows_stay_where_the_hash_puts_them(divide):
    stock, _ = divide(**SHARES)
    assert divide(stratify=1, **SHARES) == (stock, [])


def test_the_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 2**63, 500).astype(np.uint64) * np.uint64(2)
    splits = np.zeros(500, np.int64)
    labels = (np.arange(500) % 10 == 0).astype(np.int64)

    def batches(order, size):
        for at in range(0, 500, size):
            part = order[at : at + size]
            yield ["often", "rare"], labels[part], splits[part], hashes[part]

    cuts = stratified.cuts(batches(np.arange(500), 500), SHARES, 5)
    assert cuts == stratified.cuts(batches(rng.permutation(500), 7), SHARES, 5)
    assert set(cuts) == {"often", "rare"}


@pytest.mark.parametrize(("rows", "counts"), [(3, [1, 1, 1]), (5, [3, 1, 1]), (10, [8, 1, 1]), (101, [81, 10, 10])])
def test_each_split_has_a_row_where_there_are_three(rows, counts):
    hashes = np.arange(1, rows + 1, dtype=np.uint64) << np.uint64(40)
    zeros = np.zeros(rows, np.int64)
    cut = stratified.cuts([(["a"], zeros, zeros, hashes)], SHARES, 1000)
    assigned = stratified.reassigned(zeros, ["a"], zeros, hashes, cut)
    assert np.bincount(assigned, minlength=3).tolist() == counts


@pytest.mark.parametrize("rows", [1, 2])
def test_fewer_rows_than_splits_are_no_error(rows):
    hashes, zeros = np.arange(rows, dtype=np.uint64), np.zeros(rows, np.int64)
    cut = stratified.cuts([(["a"], zeros, zeros, hashes)], SHARES, 50)
    assert len(stratified.reassigned(zeros, ["a"], zeros, hashes, cut)) == rows


def test_equal_rows_stay_together():
    hashes = np.repeat(np.arange(1, 11, dtype=np.uint64), 7)
    zeros = np.zeros(70, np.int64)
    cut = stratified.cuts([(["a"], zeros, zeros, hashes)], {"train": 1, "eval": 1, "test": 1}, 50)
    assigned = stratified.reassigned(zeros, ["a"], zeros, hashes, cut)
    assert all(len(set(assigned[hashes == value].tolist())) == 1 for value in range(1, 11))


def config(label, columns=None, **split):
    return Config.model_validate(
        {
            "data": {"path": "x.csv", "split": {"stratify": 50, **split}},
            "features": {"numeric": [{"column": "n"}]},
            "columns": columns or {},
            "label": label,
            "network": {"name": "linear"},
            "training": {},
            "evaluation": {},
        }
    )


@pytest.mark.parametrize(
    ("label", "columns", "split", "reason"),
    [
        ({"column": "y"}, None, {}, "task 'regression' has no classes in the data"),
        (
            {"column": "y", "task": "binary", "threshold": 3.0},
            None,
            {},
            "'binary' with a threshold has no classes",
        ),
        ({"column": "y", "task": "binary", "positive": "a"}, {"group": "g"}, {}, r"\[columns\] group = 'g' keeps rows"),
        ({"column": "y", "task": "binary", "positive": "a"}, {"id": "g"}, {}, r"\[columns\] id = 'g' keeps rows"),
        ({"column": "y", "task": "binary", "positive": "a"}, None, {"column": "g"}, "column = 'g' keeps rows together"),
        (
            {"column": "y", "task": "binary", "positive": "a"},
            None,
            {"by": "all"},
            "stratify does nothing with",
        ),
    ],
)
def test_what_cannot_be_stratified_is_refused(label, columns, split, reason):
    with pytest.raises(ValidationError, match=reason):
        config(label, columns, **split)


def test_classes_can_be_stratified():
    assert config({"column": "y", "task": "binary", "positive": "a"}).data.split.stratify == 50
