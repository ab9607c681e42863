"""Every shipped pipeline with what it must reach, in the order of the document."""

from ..score import Scored
from . import cars, houses

PIPELINES: tuple[Scored, ...] = (
    *houses.SCORED,
    *cars.SCORED,
)
