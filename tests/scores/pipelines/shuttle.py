"""shuttle: anomalies, compared with the largest deviation of a column from the mean of normal rows."""

from collections.abc import Sequence

import numpy as np

from .. import plain
from ..score import Score, Scored
from ..score_runs import Job, Result

MEASURES = tuple(f"f{number}" for number in range(1, 10))
AUC = 0.99


def judge(results: Sequence[Result]) -> list[Score]:
    """Score the AUC of the anomaly score on the last rows."""
    from sklearn.decomposition import PCA
    from sklearn.metrics import roc_auc_score

    (result,) = results
    train, test, rows, tested = plain.parts(result, MEASURES)
    normal = train[rows["anomaly"] == 0]
    mean, deviation = normal.mean(), normal.std()
    axes = PCA(3).fit((normal - mean) / deviation)
    scaled = (test - mean) / deviation
    residuals = np.square(scaled - axes.inverse_transform(axes.transform(scaled))).mean(axis=1)
    linear = float(roc_auc_score(tested["anomaly"], residuals))
    auc = result.metrics["auc"]
    return [
        Score(
            "shuttle",
            f"AUC {auc:.4f}, trained on rows labelled normal",
            f"three principal components of the normal rows: AUC {linear:.4f}",
            f"{AUC}",
            auc >= AUC,
            result.seconds,
        )
    ]


SCORED = (Scored("shuttle", (Job("shuttle"),), judge),)
