"""All shipped pipelines with their thresholds, in the order of the document."""

from ..score import Scored
from . import cars, digits, exam, houses, overfit, penguins, perceptron, points, shuttle, study_houses, taxi

PIPELINES: tuple[Scored, ...] = (
    *houses.SCORED,
    *exam.SCORED,
    *cars.SCORED,
    *digits.SCORED,
    *points.SCORED,
    *perceptron.SCORED,
    *study_houses.SCORED,
    *overfit.SCORED,
    *shuttle.SCORED,
    *penguins.SCORED,
    *taxi.SCORED,
)
