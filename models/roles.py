"""The roles that a column can play, defined once.

The config checks itself against these models and `models/preprocessing.py` is made from them. Plain Python: neither
TensorFlow nor TFX is imported here, because the command line reads configs without them.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

DATE_PARTS = {"year": 0, "month": 12, "day": 31, "day_of_week": 7, "days": 0}
"""Part of a date -> number of its values when it is one-hot encoded, or 0 where it is a number."""


class Strict(BaseModel):
    """Base of all typed settings: immutable, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Output(Strict):
    """One model feature that the transformation produces.

    A feature with `depth` None is a float32 number; any other is an int64 index in [0, depth), which the network sees
    one-hot. `depth` 0 means that only the transformed data tells it (a vocabulary).
    """

    name: str
    depth: int | None = None


class Numeric(Strict):
    """A number, scaled with figures of the training split."""

    column: str
    scale: Literal["z_score", "min_max", "log1p", "none"] = "z_score"
    """z_score: mean 0, variance 1; min_max: 0 to 1; log1p: ln(1 + x), then z_score; none: as it is."""

    def outputs(self) -> Iterator[Output]:
        """The number itself."""
        yield Output(name=self.column)

    def columns(self) -> Iterator[str]:
        """The raw columns it reads."""
        yield self.column


class Bucketized(Strict):
    """A number cut into buckets, at quantiles of the training split or at given edges."""

    column: str
    quantiles: int | None = Field(default=None, ge=2, le=10_000)
    """Number of buckets of about equal count."""
    edges: tuple[float, ...] | None = None
    """Rising upper bounds, in the column's own unit; n edges make n + 1 buckets."""
    input: bool = True
    """False: only for a cross, the network does not see the buckets themselves."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Bucketized":
        if (self.quantiles is None) == (self.edges is None):
            raise ValueError("give either quantiles = N or edges = [...]")
        if self.edges is not None and (not self.edges or list(self.edges) != sorted(set(self.edges))):
            raise ValueError("edges must rise")
        return self

    @property
    def depth(self) -> int:
        """Number of buckets."""
        return self.quantiles if self.quantiles is not None else len(self.edges or ()) + 1

    def outputs(self) -> Iterator[Output]:
        """The bucket's index, one-hot for the network."""
        if self.input:
            yield Output(name=f"{self.column}_bucket", depth=self.depth)

    def columns(self) -> Iterator[str]:
        """The raw columns it reads."""
        yield self.column


class Categorical(Strict):
    """A value out of a vocabulary that is learnt from the training split, most frequent first."""

    column: str
    encode: Literal["one_hot"] = "one_hot"
    oov: int = Field(default=1, ge=1, le=10_000)
    """Number of buckets for values that the vocabulary lacks."""
    vocabulary_size: int | None = Field(default=None, ge=1)
    """Keep the most frequent N values only."""
    min_frequency: int | None = Field(default=None, ge=1)
    """Keep values that occur at least this often."""

    def outputs(self) -> Iterator[Output]:
        """The index in the vocabulary, out-of-vocabulary buckets last."""
        yield Output(name=f"{self.column}_index", depth=0)

    def columns(self) -> Iterator[str]:
        """The raw columns it reads."""
        yield self.column


class Crossed(Strict):
    """A cross of two or more bucketized or categorical columns."""

    columns_: Annotated[tuple[str, ...], Field(alias="columns", min_length=2)]
    buckets: int = Field(ge=2, le=10_000_000)
    """Size of the cross; a cross of bucketized columns that fits is exact, any other is hashed into this many."""

    def outputs(self) -> Iterator[Output]:
        """The cell's index."""
        yield Output(name="_x_".join(self.columns_), depth=self.buckets)

    def columns(self) -> Iterator[str]:
        """The raw columns it reads."""
        yield from self.columns_


class Date(Strict):
    """A date written YYYY-MM-DD (what follows the tenth character is ignored), taken apart."""

    column: str
    parts: tuple[Literal["year", "month", "day", "day_of_week", "days"], ...] = ("year", "month", "day_of_week")
    """year and days (since 1970-01-01) are z-scored numbers, the others one-hot; day_of_week counts from Monday."""

    def outputs(self) -> Iterator[Output]:
        """One feature for each part."""
        for part in self.parts:
            yield Output(name=f"{self.column}_{part}", depth=DATE_PARTS[part] or None)

    def columns(self) -> Iterator[str]:
        """The raw columns it reads."""
        yield self.column


class Features(Strict):
    """The columns by role."""

    numeric: tuple[Numeric, ...] = ()
    bucketized: tuple[Bucketized, ...] = ()
    categorical: tuple[Categorical, ...] = ()
    crossed: tuple[Crossed, ...] = ()
    date: tuple[Date, ...] = ()
    ignored: tuple[str, ...] = ()
    """Columns that are in the data and that the model never sees."""

    def entries(self) -> Iterator[tuple[str, "Numeric | Bucketized | Categorical | Crossed | Date"]]:
        """Each entry with the key under which it stands."""
        for key in ROLES:
            for entry in getattr(self, key):
                yield key, entry

    def outputs(self) -> tuple[Output, ...]:
        """All model features, in the order in which the network sees them."""
        return tuple(output for _, entry in self.entries() for output in entry.outputs())

    def columns(self) -> tuple[str, ...]:
        """The raw columns that the model needs at serving time, each once, in order of first use."""
        return tuple(dict.fromkeys(column for _, entry in self.entries() for column in entry.columns()))

    @model_validator(mode="after")
    def _no_clash(self) -> "Features":
        names = [output.name for output in self.outputs()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two entries make the same feature {twice[0]!r}: name a column once under a role")
        if LABEL in names:
            raise ValueError(f"an entry makes the feature {LABEL!r}, which is the transformed label: rename the column")
        slashed = [name for name in names if "/" in name]
        if slashed:
            raise ValueError(f"feature {slashed[0]!r} has a slash, which no Keras name may have: rename the column")
        used = set(self.columns()) & set(self.ignored)
        if used:
            raise ValueError(f"column {sorted(used)[0]!r} is both ignored and used: take it out of one of the two")
        bucketized = {entry.column for entry in self.bucketized}
        categorical = {entry.column for entry in self.categorical}
        for cross in self.crossed:
            for column in cross.columns_:
                if column not in bucketized | categorical:
                    raise ValueError(f"crossed column {column!r} must also stand under bucketized or categorical")
                if column in bucketized & categorical:
                    raise ValueError(
                        f"crossed column {column!r} stands under bucketized and categorical: the cross needs one"
                    )
        return self


class Label(Strict):
    """What the model learns to predict."""

    column: str
    task: Literal["regression"] = "regression"
    transform: Literal["none", "log"] = "none"
    """log: the network learns ln(label), and every answer is turned back into the label's own unit."""


ROLES: tuple[str, ...] = tuple(key for key in Features.model_fields if key != "ignored")
"""The keys under [features] that make model features."""
LABEL = "label"
"""Name of the transformed label."""
