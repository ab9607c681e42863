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
            raise ValueError(
                f"feature {slashed[0]!r} has a slash, which Keras does not take in a name: rename the column"
            )
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
    task: Literal["regression", "binary", "classes"] = "regression"
    """regression: a number; binary: one of two classes; classes: one of several."""
    transform: Literal["none", "log"] = "none"
    """regression. log: the network learns ln(label), and every answer is turned back into the label's own unit."""
    positive: str | None = None
    """binary: the value that counts as the second class."""
    threshold: float | None = None
    """binary: a number from here on counts as the second class, in the label's own unit."""
    tiers: int | None = Field(default=None, ge=2, le=1000)
    """classes: cut a number into this many classes of about equal count, at quantiles of the training split."""
    classes: tuple[str, ...] = ()
    """Names of the classes in order; for `classes` without `tiers` also the label's values themselves."""

    @model_validator(mode="after")
    def _fits_its_task(self) -> "Label":
        fitting = {"regression": ("transform",), "binary": ("positive", "threshold", "classes")}
        own = fitting.get(self.task, ("tiers", "classes"))
        for key in ("transform", "positive", "threshold", "tiers", "classes"):
            if getattr(self, key) != type(self).model_fields[key].default and key not in own:
                raise ValueError(f"{key} does nothing for task {self.task!r}: take it out, or change the task")
        if self.task == "binary" and (self.positive is None) == (self.threshold is None):
            raise ValueError("task 'binary' needs either positive = \"VALUE\" or threshold = NUMBER")
        if self.task == "binary" and len(self.classes) not in (0, 2):
            raise ValueError("task 'binary' has two classes")
        if self.tiers is not None and self.classes and len(self.classes) != self.tiers:
            raise ValueError(f"{self.tiers} tiers need as many classes, or none to number them")
        if len(set(self.classes)) != len(self.classes) or len(self.classes) == 1:
            raise ValueError("classes must be two or more different names")
        return self

    @property
    def needs_number(self) -> bool:
        """Whether the column must be INT or FLOAT."""
        return self.task == "regression" or self.threshold is not None or self.tiers is not None

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the classes, None where only the training split tells them or there are none."""
        if self.classes or self.task == "regression":
            return self.classes or None
        if self.positive is not None:
            return (f"not {self.positive}", self.positive)
        if self.threshold is not None:
            return (f"below {self.threshold:g}", f"from {self.threshold:g}")
        if self.tiers is not None:
            return tuple(f"tier {number + 1}" for number in range(self.tiers))
        return None


ROLES: tuple[str, ...] = tuple(key for key in Features.model_fields if key != "ignored")
"""The keys under [features] that make model features."""
LABEL = "label"
"""Name of the transformed label."""
