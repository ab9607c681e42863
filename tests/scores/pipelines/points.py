"""points: points that are not linearly separable, and three learning rates."""

from collections.abc import Sequence

from .. import plain
from ..score import Score, Scored
from ..score_runs import Job, Result

LINEAR, SOLVED = 0.6, 0.97
FIGURES = ("xor", "circles", "moons")
NETWORKS = ("linear", "product", "hidden")
RATES = ("rate_low", "rate_good", "rate_high")
VARIANTS = (*(f"{figure}_{network}" for figure in FIGURES for network in NETWORKS), *RATES)


def judge(results: Sequence[Result]) -> list[Score]:
    """Return a score per data set, and one for the learning rates."""
    results_by_variant = dict(zip(VARIANTS, results, strict=True))
    return [
        *(_figure(figure, results_by_variant) for figure in FIGURES),
        _rates([results_by_variant[rate] for rate in RATES]),
    ]


def _figure(figure: str, result_of_variant: dict[str, Result]) -> Score:
    results = {network: result_of_variant[f"{figure}_{network}"] for network in NETWORKS}
    accuracy = {network: result.metrics["accuracy"] for network, result in results.items()}
    train, test, rows, tested = plain.parts(results["linear"], ["x1", "x2"])
    regression = plain.logistic().fit(train, rows["y"]).score(test, tested["y"])
    fails = "" if figure == "moons" else f"linear at most {LINEAR}, "
    return Score(
        f"points-{figure}",
        ", ".join(f"{network} {value:.3f}" for network, value in accuracy.items()),
        f"logistic regression: {regression:.3f}",
        f"accuracy: {fails}the others {SOLVED}",
        (not fails or accuracy["linear"] <= LINEAR) and min(accuracy["product"], accuracy["hidden"]) >= SOLVED,
        sum(result.seconds for result in results.values()),
    )


def _rates(results: Sequence[Result]) -> Score:
    """Score a network on XOR after equally many epochs with a learning rate that is too low, good, and too high."""
    low, good, high = (result.history[-1]["val_loss"] for result in results)
    return Score(
        "points-rates",
        f"eval loss {low:.3f} (too low), {good:.3f} (good), {high:.3f} (too high)",
        "",
        "the good one lowest",
        good < low and not good >= high,
        sum(result.seconds for result in results),
    )


SCORED = (Scored("points", tuple(Job("points", variant) for variant in VARIANTS), judge),)
