"""Null cells: the value of each dtype that stands for a null in a dense tensor, as in requests to a model."""

from collections.abc import Mapping
from typing import Any

INTEGER = -(2**63)
"""Null of an int64 tensor: the smallest int64."""
NUMBER = float("nan")
"""Null of a float32 tensor."""
TEXT = b""
"""Null of a string tensor."""
BY_DTYPE: Mapping[str, Any] = {"int64": INTEGER, "float32": NUMBER, "string": TEXT}
"""TensorFlow's name of a dtype -> null cell."""
