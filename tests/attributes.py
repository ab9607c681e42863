"""Functions that carry attributes: what a test's fixture returns beside the function's result."""

from collections.abc import Callable
from typing import Any


def with_attributes(function: Callable[..., Any]) -> Any:
    """Return the function as it is; the type checker lets it have attributes."""
    return function
