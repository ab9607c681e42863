"""Validation: a gate that compares every split with the reviewed schema, with earlier runs and with served rows."""

from components.validation.component import validation
from components.validation.executor import Executor
from components.validation.history import history

__all__ = ["Executor", "history", "validation"]
