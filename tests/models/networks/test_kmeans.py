import numpy as np
import pytest

from models.data.split_rows import Facts
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from spec.columns.label import LABEL
from spec.columns.role import Output

A, B = Output(name="a"), Output(name="b")
FACTS = Facts((A, B))
GROUPS = {"column": "kind", "task": "clusters"}


def table(rows, label):
    rows = np.asarray(rows, np.float32)
    return {"a": rows[:, :1], "b": rows[:, 1:2], LABEL: np.asarray(label).reshape(-1, 1)}


def noise(seed=1, rows=48):
    return np.random.default_rng(seed).normal(size=(rows, 2))


def blobs():
    centres = np.array([[0, 0], [5, 5], [0, 9]])
    kinds = np.arange(90) % 3
    return table(centres[kinds] + 0.3 * noise(3, 90), kinds), kinds


def clustered(rows, epochs=20, **network):
    config = {"label": GROUPS, "network": {"name": "kmeans", **network}, "training": {"epochs": epochs, "seed": 4}}
    return train_network(TrialConfig.model_validate(config), rows, rows, FACTS)


def test_k_means_finds_the_groups_and_serves_the_nearest():
    rows, kinds = blobs()
    result = clustered(rows)
    answer = result.target.answer(result.network({"a": rows["a"], "b": rows["b"]}))
    cluster = answer["cluster"].numpy()
    losses = [line["loss"] for line in result.history]

    assert cluster.dtype == np.int64
    assert all(len(set(cluster[kinds == kind])) == 1 for kind in range(3))
    assert len(set(cluster)) == 3
    assert losses == sorted(losses, reverse=True)
    assert len(losses) < 20
    distances = answer["distances"].numpy()
    assert losses[-1] == pytest.approx(np.square(distances.min(axis=1)).mean(), rel=1e-5)
    assert result.best["loss"] == losses[-1]
    np.testing.assert_array_equal(
        result.vectors({"a": rows["a"], "b": rows["b"]}), np.concatenate([rows["a"], rows["b"]], axis=1)
    )


def test_more_restarts_are_never_worse_and_unlabelled_rows_count():
    rows, _ = blobs()
    rows[LABEL] = np.full((90, 1), -1)
    loss_of_1_start, loss_of_20_starts = (
        clustered(rows, num_clusters=8, restarts=restarts).best["loss"] for restarts in (1, 20)
    )
    del rows[LABEL]

    assert loss_of_20_starts < loss_of_1_start
    assert clustered(rows, num_clusters=8, restarts=20).best["loss"] == loss_of_20_starts


def test_more_clusters_than_rows_are_refused():
    rows = table(np.ones((5, 2)), [0] * 5)
    with pytest.raises(ValueError, match=r"network\.num_clusters = 3, but the train split has 1 distinct rows"):
        clustered(rows)
