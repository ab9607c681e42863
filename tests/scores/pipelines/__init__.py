"""Every shipped pipeline with what it must reach, in the order of the document."""

from ..score import Scored
from . import cars, houses, overfit, study_houses

PIPELINES: tuple[Scored, ...] = (
    *houses.SCORED,
    *cars.SCORED,
    *study_houses.SCORED,
    *overfit.SCORED,
)
