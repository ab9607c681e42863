"""Evaluation: metrics of the model by slice, and the gate that blesses it."""

from components.evaluator.component import evaluator

__all__ = ["evaluator"]
