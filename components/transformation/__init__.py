"""Transformation: raw columns to model features."""

from components.transformation.component import transformation

__all__ = ["transformation"]
