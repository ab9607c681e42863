"""How [evaluation] names slices: by column, by bucket of a number, by value."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from spec.base import Strict
from spec.bucket_names import bucket_names

MISSING = "(missing)"
"""The value of a slice whose rows have none."""


class Buckets(Strict):
    """Slices by buckets of a numeric column."""

    column: str
    """Numeric column."""
    edges: tuple[float, ...] | None = None
    """Ascending bounds, in the unit of the column; n edges make n + 1 slices."""
    quantiles: int | None = Field(default=None, ge=2, le=1000)
    """Number of slices of about equal count, cut at quantiles of the evaluated split."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Buckets":
        if (self.quantiles is None) == (self.edges is None):
            raise ValueError("give either edges = [...] or quantiles = N")
        if self.edges is not None and (not self.edges or list(self.edges) != sorted(set(self.edges))):
            raise ValueError("edges must rise")
        return self

    @property
    def name(self) -> str:
        """What its slices are called by."""
        return f"{self.column}_bucket"

    def values(self) -> tuple[str, ...] | None:
        """Values of its slices, None where only the rows tell them."""
        return None if self.edges is None else (*bucket_names(self.edges), MISSING)


def _kind(value: Any) -> str | None:
    """What a slicing is written as."""
    if isinstance(value, str):
        return "column"
    if isinstance(value, dict | Buckets):
        return "buckets"
    return "cross" if isinstance(value, list | tuple) else None


Part = Annotated[
    Annotated[str, Tag("column")] | Annotated[Buckets, Tag("buckets")],
    Discriminator(
        _kind,
        custom_error_type="slicing",
        custom_error_message='Input should be "COLUMN" or {column = "COLUMN", edges = [...]}',
    ),
]
Slicing = Annotated[
    Annotated[str, Tag("column")] | Annotated[Buckets, Tag("buckets")] | Annotated[tuple[Part, ...], Tag("cross")],
    Discriminator(
        _kind,
        custom_error_type="slicing",
        custom_error_message='Input should be "COLUMN", {column = "COLUMN", edges = [...]} or a list of these',
    ),
]


def _cell(value: Any) -> Any:
    """A slice's value; true and false are no cells of a table."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("a slice's value is a text or a number")
    return value


Value = Annotated[str | int | float, BeforeValidator(_cell)]


def _meant(value: Any) -> str | None:
    """What a rule's slice is written as."""
    if isinstance(value, str):
        return "column"
    if isinstance(value, dict):
        return "values"
    return "cross" if isinstance(value, list | tuple) else None


Slice = Annotated[
    Annotated[str, Tag("column")]
    | Annotated[tuple[str, ...], Tag("cross")]
    | Annotated[dict[str, Value], Tag("values")],
    Discriminator(
        _meant,
        custom_error_type="slice",
        custom_error_message='Input should be "COLUMN", a list of columns, or {COLUMN = VALUE}',
    ),
]


def name_of(part: str | Buckets) -> str:
    """What the slices of a part are called by."""
    return part.name if isinstance(part, Buckets) else part


def names_of(slice_: Any) -> tuple[str, ...]:
    """The names that a rule's slice holds."""
    return (slice_,) if isinstance(slice_, str) else tuple(slice_ or ())


def fitting(value: Any) -> tuple[str, ...]:
    """Schema types of a column that can hold a value."""
    if value == MISSING:
        return ()
    return {str: ("BYTES",), float: ("FLOAT",)}.get(type(value), ("INT", "FLOAT"))
