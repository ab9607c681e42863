"""overfit: a network that overfits, and three regularizations."""

from collections.abc import Sequence

from ..score import Score, Scored
from ..score_runs import Job, Result

VARIANTS = ("plain", "dropout", "l2", "early_stopping")


def judge(results: Sequence[Result]) -> list[Score]:
    """Score the gap between training and validation loss at the end of the training."""
    gaps = {}
    words = []
    for variant, result in zip(VARIANTS, results, strict=True):
        last_epoch = result.history[-1]
        gaps[variant] = last_epoch["val_loss"] - last_epoch["loss"]
        words.append(f"{variant} {gaps[variant]:.2f} ({last_epoch['loss']:.2f}, {last_epoch['val_loss']:.2f})")
    return [
        Score(
            "overfit",
            f"gap (train, eval loss): {'; '.join(words)}",
            "",
            "each gap at most half of plain's",
            all(gaps[variant] <= gaps["plain"] / 2 for variant in VARIANTS[1:]),
            sum(result.seconds for result in results),
        )
    ]


SCORED = (Scored("overfit", tuple(Job("overfit", variant) for variant in VARIANTS), judge),)
