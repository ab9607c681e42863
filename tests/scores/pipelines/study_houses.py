"""study_houses: five rows, the smallest data; only shows that they can be trained on."""

from collections.abc import Sequence

from ..score import Score, Scored
from ..score_runs import Job, Result

LAKH = 1.0
"""Maximum mean absolute error of a fitted price, in lakh."""


def judge(results: Sequence[Result]) -> list[Score]:
    """Score the prices within a lakh, and the five tiers."""
    price, tier = results
    return [
        Score(
            "study_houses-price",
            f"MAE {price.metrics['mae']:.2f} lakh on the five rows that it learnt",
            "",
            f"at most {LAKH:g}: a smoke test, it generalises nothing",
            price.metrics["mae"] <= LAKH,
            price.seconds,
        ),
        Score(
            "study_houses-tier",
            f"{5 * tier.metrics['accuracy']:.0f} of the five rows that it learnt",
            "",
            "5: a smoke test, it generalises nothing",
            tier.metrics["accuracy"] == 1.0,
            tier.seconds,
        ),
    ]


SCORED = (Scored("study_houses", (Job("study_houses", "price"), Job("study_houses", "tier")), judge),)
