"""penguins: clusters of four measurements, compared with the species over five salts."""

from collections.abc import Sequence

import numpy as np

from .. import plain
from ..score import Score, Scored, mean_of, salted
from ..score_runs import Result

MEASURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
SPECIES = 3
RAND = 0.75


def judge(results: Sequence[Result]) -> list[Score]:
    """Score the adjusted Rand index on the test split."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    reached, means = [], []
    for result in results:
        train, test, _, tested = plain.parts(result, MEASURES)
        model = plain.scaled(KMeans(SPECIES, n_init=10, random_state=0)).fit(train)
        means.append(float(adjusted_rand_score(tested["species"].map(bytes.decode), model.predict(test))))
        reached.append(result.metrics["adjusted_rand"])
    return [
        Score(
            "penguins",
            f"adjusted Rand {mean_of(reached, 2)}",
            f"scikit-learn's k-means: {mean_of(means, 2)}",
            f"{RAND}, mean of five salts",
            bool(np.mean(reached) >= RAND),
            sum(result.seconds for result in results),
        )
    ]


SCORED = (Scored("penguins", salted("penguins"), judge),)
