"""taxi: big tips, compared with logistic regression on the same columns."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from .. import plain
from ..score import Score, Scored
from ..score_rows import Table
from ..score_runs import Job, Result

AMOUNTS = ("fare", "trip_miles", "trip_seconds")
PLACES = ("pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude")
CATEGORIES = (
    *("payment_type", "company", "trip_start_hour", "trip_start_day", "trip_start_month"),
    *("pickup_community_area", "dropoff_community_area"),
)


def judge(results: Sequence[Result]) -> list[Score]:
    """Score the AUC."""
    (result,) = results
    train, test, rows, tested = plain.parts(result, [*AMOUNTS, *PLACES], CATEGORIES)
    model = plain.logistic().fit(_logs(train), rows["big_tip"])
    regression = float(roc_auc_score(tested["big_tip"], model.predict_proba(_logs(test))[:, 1]))
    auc = result.metrics["auc"]
    return [
        Score(
            "taxi",
            f"AUC {auc:.4f}",
            f"logistic regression: AUC {regression:.4f}",
            "not below",
            auc >= regression,
            result.seconds,
        )
    ]


def _logs(table: Table) -> Table:
    return table.assign(**{name: np.log1p(table[name]) for name in AMOUNTS})


SCORED = (Scored("taxi", (Job("taxi"),), judge),)
