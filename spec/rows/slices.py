"""Slices in [evaluation]: by column, by bucket of a number, by value."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from spec.addresses.bucket_names import bucket_names
from spec.base import Strict

MISSING = "(missing)"
"""Value of the slice of rows with a null."""


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
            raise ValueError("edges must be ascending")
        return self

    @property
    def name(self) -> str:
        """Name of its slices."""
        return f"{self.column}_bucket"

    def values(self) -> tuple[str, ...] | None:
        """Return the values of its slices; None if they depend on the rows."""
        return None if self.edges is None else (*bucket_names(self.edges), MISSING)


def _kind(value: Any) -> str | None:
    """Return the form of a slicing."""
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
    """Validate the value of a slice; true and false are not values of a table."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("the value of a slice must be a string or a number")
    return value


Value = Annotated[str | int | float, BeforeValidator(_cell)]


def _rule_form(value: Any) -> str | None:
    """Return the form of a rule's slice."""
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
        _rule_form,
        custom_error_type="slice",
        custom_error_message='Input should be "COLUMN", a list of columns, or {COLUMN = VALUE}',
    ),
]


def name_of(part: str | Buckets) -> str:
    """Return the name of the slices of a part."""
    return part.name if isinstance(part, Buckets) else part


def names_of(slice_: Any) -> tuple[str, ...]:
    """Return the names of a rule's slice."""
    return (slice_,) if isinstance(slice_, str) else tuple(slice_ or ())


def fitting(value: Any) -> tuple[str, ...]:
    """Return the schema types that can represent a value; empty for all."""
    if value == MISSING:
        return ()
    return {str: ("BYTES",), float: ("FLOAT",)}.get(type(value), ("INT", "FLOAT"))
