"""The base of all roles of [features], and the model features that a role produces. Plain Python, no TensorFlow."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from spec.base import Strict


class Output(Strict):
    """One model feature that the transform graph produces.

    number: float32 (batch, 1). index: int64 (batch, 1) in [0, depth), which the network sees one-hot or, with
    `dimension`, as an embedding; -1 is a row of zeros. bag: float32 (batch, depth). image: float32 (batch, *shape)
    in [0, 1].
    """

    name: str
    kind: Literal["number", "index", "bag", "image"] = "number"
    depth: int | None = None
    """Number of values of an index, or width of a bag; 0 if only the transformed data tells it."""
    dimension: int | None = None
    """Length of the embedding of an index; None for one-hot."""
    shape: tuple[int, ...] = ()
    """Height, width and channels of an image."""
    edges: tuple[float, ...] = ()
    """Ascending quantiles of a number in the train split at equal distances of rank, from the minimum to the maximum;
    empty if the network does not read them."""


class Role(Strict):
    """Base of the `Settings` of every role: one entry under the role's key of [features]."""

    types: ClassVar[tuple[str, ...]] = ()
    """Types of the schema (INT, FLOAT, BYTES) that the role's columns may have; empty for any."""
    compared: ClassVar[bool] = True
    """Whether the gates compare the values of the column between runs; not for values that never recur."""
    vocabulary: ClassVar[bool] = False
    """Whether a value can be out-of-vocabulary, so that the gates count values that the training data lacks."""
    derived: ClassVar[bool] = False
    """Whether the feature is made from the features of other roles, which check the types and nulls of its columns."""

    def columns(self) -> Iterator[str]:
        """Yield the raw columns that the entry reads."""
        raise NotImplementedError


class ColumnRole(Role):
    """Base of the roles of one column."""

    column: str
    """Name of the raw column."""

    def columns(self) -> Iterator[str]:
        """Yield the column."""
        yield self.column
