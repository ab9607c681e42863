"""Role `crossed`: a cross of two or more bucketized or categorical columns, or a product of numbers."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from models.features import bucketized, categorical, numeric, passthrough
from spec.columns.role import Output, Role


class Settings(Role):
    """A cross of two or more bucketized or categorical columns, or the product of two or more numbers."""

    derived: ClassVar[bool] = True
    columns_: Annotated[tuple[str, ...], Field(alias="columns", min_length=2)]
    """Columns to cross; each is also listed under bucketized or categorical, or, for a product, under numeric or
    passthrough."""
    buckets: int | None = Field(default=None, ge=2, le=10_000_000)
    """Size of the cross. A cross of bucketized columns that fits is exact; any other is hashed into this many
    buckets."""
    product: bool = False
    """The product of the raw numbers of the columns, z-scored: x3 = x1 · x2."""

    @model_validator(mode="after")
    def _one_kind(self) -> "Settings":
        if (self.buckets is None) != self.product:
            raise ValueError("give either buckets = N or product = true")
        return self

    def columns(self) -> Iterator[str]:
        """Yield the columns."""
        yield from self.columns_


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the index of the cell, or the product."""
    name = "_x_".join(settings.columns_)
    yield Output(name=name) if settings.product else Output(name=name, kind="index", depth=settings.buckets)


def check(settings: Settings, features: Any) -> None:
    """Check that each column has the role that the cross reads.

    Raises:
        ValueError: A column does not have it, or has two of them.
    """
    numbers, buckets, categories = ({entry.column for entry in group} for group in _by_kind(features))
    for column in settings.columns_:
        if settings.product:
            if column not in numbers:
                raise ValueError(f"column {column!r} of a product must also be listed under numeric or passthrough")
        elif column not in buckets | categories:
            raise ValueError(f"crossed column {column!r} must also be listed under bucketized or categorical")
        elif column in buckets & categories:
            raise ValueError(f"crossed column {column!r} is listed under bucketized and categorical: keep one of them")


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Cross the indices to int64 (batch, 1), or multiply and z-score the numbers to float32 (batch, 1)."""
    from models.transform_graph import crosses, numbers

    (output,) = outputs(settings)
    _, buckets, categories = _by_kind(columns.features)
    if settings.product:
        readers = {
            entry.column: (module.number, entry)
            for module, name in ((numeric, "numeric"), (passthrough, "passthrough"))
            for entry in columns.features.of(name)
        }
        return {output.name: numbers.product(columns.once(*readers[column]) for column in settings.columns_)}
    indices = {entry.column: (bucketized.index, entry) for entry in buckets}
    indices |= {entry.column: (categorical.index, entry) for entry in categories}
    cell = crosses.cross(
        [columns.once(*indices[column]) for column in settings.columns_],
        exact_depths(settings, columns.features),
        settings.buckets or 0,
    )
    return {output.name: cell}


def exact_depths(settings: Settings, features: Any) -> list[int]:
    """Return the number of buckets of each column if the cross has a cell for each combination, else an empty list."""
    depths = {entry.column: entry.depth for entry in features.of("bucketized")}
    if settings.product or any(column not in depths for column in settings.columns_):
        return []
    sizes = [depths[column] for column in settings.columns_]
    cells = 1
    for size in sizes:
        cells *= size
    return sizes if cells <= (settings.buckets or 0) else []


def _by_kind(features: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the entries of numbers, of buckets, and of categories that have an index."""
    return (
        [*features.of("numeric"), *features.of("passthrough")],
        list(features.of("bucketized")),
        [entry for entry in features.of("categorical") if entry.encode == "one_hot"],
    )
