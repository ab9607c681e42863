"""perceptron: gates learned by the perceptron rule, and three programmers with given and with trained weights."""

from collections.abc import Sequence

from ..score import Score, Scored
from ..score_runs import Job, Result

GATES = ("and", "or", "not")
UNLEARNABLE = "xor"
PRINTED, TRAINED = "programmers_printed", "programmers"
VARIANTS = (*GATES, UNLEARNABLE, PRINTED, TRAINED)


def judge(results: Sequence[Result]) -> list[Score]:
    """Score the gates, XOR, which must not be learned, and the programmers before and after training."""
    results_by_variant = dict(zip(VARIANTS, results, strict=True))
    accuracy = {variant: result.metrics["accuracy"] for variant, result in results_by_variant.items()}
    gates = [*GATES, UNLEARNABLE]
    return [
        Score(
            "perceptron-gates",
            ", ".join(f"{gate.upper()} {4 * accuracy[gate]:.0f} of 4" for gate in gates),
            "",
            "AND, OR, NOT 4; XOR, which no line parts, fewer",
            all(accuracy[gate] == 1.0 for gate in GATES) and accuracy[UNLEARNABLE] < 1.0,
            sum(results_by_variant[gate].seconds for gate in gates),
        ),
        Score(
            "perceptron-programmers",
            f"{3 * accuracy[PRINTED]:.0f} of 3 by the printed weights, {3 * accuracy[TRAINED]:.0f} after training",
            "",
            "1 as printed, 3",
            abs(3 * accuracy[PRINTED] - 1) < 1e-6 and accuracy[TRAINED] == 1.0,
            results_by_variant[PRINTED].seconds + results_by_variant[TRAINED].seconds,
        ),
    ]


SCORED = (Scored("perceptron", tuple(Job("perceptron", variant) for variant in VARIANTS), judge),)
