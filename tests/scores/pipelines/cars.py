"""cars: miles per gallon, compared with ordinary least squares over five salts."""

from collections.abc import Sequence

import numpy as np

from .. import plain
from ..score import Score, Scored, mean_of, salted
from ..score_runs import Result

NUMBERS = ("cyl", "displ", "hp", "weight", "accel", "yr")


def judge(results: Sequence[Result]) -> list[Score]:
    """Score the mean absolute error in miles per gallon; the mean squared error is only shown."""
    reached = [result.metrics["mae"] for result in results]
    squared = [result.metrics["rmse"] ** 2 for result in results]
    lines = [plain.least_squares_mae(result, "mpg", NUMBERS, ["origin"]) for result in results]
    return [
        Score(
            "cars",
            f"MAE {mean_of(reached, 2)} mpg, MSE {np.mean(squared):.1f}",
            f"least squares: MAE {mean_of(lines, 2)}",
            "MAE 2.1, and 15 % below, means of five salts",
            bool(np.mean(reached) <= 2.1 and np.mean(reached) <= 0.85 * np.mean(lines)),
            sum(result.seconds for result in results),
        )
    ]


SCORED = (Scored("cars", salted("cars"), judge),)
