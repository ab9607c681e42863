"""exam: points and whether the exam was passed, over five salts; a weak signal."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score

from .. import plain
from ..score import SALTS, Score, Scored, mean_of, salted
from ..score_runs import BROUGHT, Result

PASSED = 24
FEW = ("attend", "hwrte")
MORE = (*FEW, "ACT", "priGPA")
VARIANTS = {"final": FEW, "final_more": MORE, "pass": FEW, "pass_more": MORE}
"""Variant -> its columns."""


def judge(results: Sequence[Result]) -> list[Score]:
    """Return a score per variant."""
    scores = []
    for number, (variant, columns) in enumerate(VARIANTS.items()):
        results_of_variant = results[number * len(SALTS) : (number + 1) * len(SALTS)]
        scores.append(
            (_passed if variant.startswith("pass") else _final)(f"exam-{variant}", results_of_variant, columns)
        )
    return scores


def _final(name: str, results: Sequence[Result], columns: Sequence[str]) -> Score:
    reached = [result.metrics["mae"] for result in results]
    explained = [result.metrics["r2"] for result in results]
    lines = [plain.least_squares_mae(result, "final", columns) for result in results]
    return Score(
        name,
        f"MAE {mean_of(reached, 2)} points, R² {np.mean(explained):.3f}",
        f"least squares: MAE {mean_of(lines, 2)}",
        "MAE within 2 % of it",
        bool(np.mean(reached) <= 1.02 * np.mean(lines)),
        sum(result.seconds for result in results),
    )


def _passed(name: str, results: Sequence[Result], columns: Sequence[str]) -> Score:
    reached, regression = [], []
    for result in results:
        train, test, rows, tested = plain.parts(result, columns)
        model = plain.logistic().fit(train, rows["final"] >= PASSED)
        regression.append(float(roc_auc_score(tested["final"] >= PASSED, model.predict_proba(test)[:, 1])))
        reached.append(result.metrics["auc"])
    return Score(
        name,
        f"AUC {mean_of(reached, 3)}",
        f"logistic regression: AUC {mean_of(regression, 3)}",
        "at most 0.01 below, means of five salts",
        bool(np.mean(reached) >= np.mean(regression) - 0.01),
        sum(result.seconds for result in results),
    )


JOBS = tuple(job for variant in VARIANTS for job in salted("exam", variant=variant, data_root=BROUGHT))
SCORED = (Scored("exam", JOBS, judge, needs=BROUGHT / "data" / "attend.csv"),)
