"""The columns by role, defined once.

The config is checked against these models and `models/features/preprocessing.py` reads them. Plain Python: the command
line reads configs without TensorFlow or TFX.
"""

from collections.abc import Iterator

from pydantic import model_validator

from spec.base import Strict
from spec.columns import role_kinds as kinds
from spec.columns.label import LABEL

WEIGHT = "row_weight"
"""Name of the transformed weight of a row."""


class Duties(Strict):
    """Columns with a purpose other than being a feature."""

    id: str | None = None
    """Identifies a row: shown with it, never a feature; rows with the same id go to the same split."""
    time: str | None = None
    """Time of the row: orders a split by time, and cuts spans."""
    group: str | None = None
    """Rows with the same group go to the same split; takes precedence over id. Not allowed with a split by time or
    span, which would separate a group."""
    weight: str | None = None
    """Weight of the row in training and in the metrics: a number, 0 or more."""


class Features(Strict):
    """Columns by role."""

    numeric: tuple[kinds.Numeric, ...] = ()
    bucketized: tuple[kinds.Bucketized, ...] = ()
    categorical: tuple[kinds.Categorical, ...] = ()
    hashed: tuple[kinds.Hashed, ...] = ()
    embedded: tuple[kinds.Embedded, ...] = ()
    crossed: tuple[kinds.Crossed, ...] = ()
    text: tuple[kinds.Text, ...] = ()
    image: tuple[kinds.Image, ...] = ()
    date: tuple[kinds.Date, ...] = ()
    passthrough: tuple[kinds.Passthrough, ...] = ()
    ignored: tuple[str, ...] = ()
    """Columns of the data that the model never sees."""

    def entries(self) -> Iterator[tuple[str, kinds.Entry]]:
        """Each entry with the key under which it stands."""
        for key in ROLES:
            for entry in getattr(self, key):
                yield key, entry

    def outputs(self) -> tuple[kinds.Output, ...]:
        """All model features, in the order in which the network sees them."""
        return tuple(output for _, entry in self.entries() for output in entry.outputs())

    def columns(self) -> tuple[str, ...]:
        """The raw columns that the model needs at serving time, each once, in order of first use."""
        return tuple(dict.fromkeys(column for _, entry in self.entries() for column in entry.columns()))

    def complete(self) -> tuple[str, ...]:
        """Columns whose role drops the rows in which they are missing."""
        dropping = (entry for _, entry in self.entries() if getattr(entry, "missing", None) == "drop")
        return tuple(dict.fromkeys(column for entry in dropping for column in entry.columns()))

    @model_validator(mode="after")
    def _no_clash(self) -> "Features":
        names = [output.name for output in self.outputs()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two entries make the same feature {twice[0]!r}: name a column once under a role")
        for reserved, what in ((LABEL, "label"), (WEIGHT, "weight of a row")):
            if reserved in names:
                raise ValueError(f"an entry makes the feature {reserved!r}, which is the transformed {what}: rename it")
        slashed = [name for name in names if "/" in name]
        if slashed:
            raise ValueError(
                f"feature {slashed[0]!r} has a slash, which Keras does not take in a name: rename the column"
            )
        used = set(self.columns()) & set(self.ignored)
        if used:
            raise ValueError(f"column {sorted(used)[0]!r} is both ignored and used: take it out of one of the two")
        for cross in self.crossed:
            self._check_cross(cross)
        return self

    def _check_cross(self, cross: kinds.Crossed) -> None:
        numeric = {entry.column for entry in (*self.numeric, *self.passthrough)}
        bucketized = {entry.column for entry in self.bucketized}
        categorical = {entry.column for entry in self.categorical if entry.encode == "one_hot"}
        for column in cross.columns_:
            if cross.product:
                if column not in numeric:
                    raise ValueError(f"column {column!r} of a product must also stand under numeric or passthrough")
            elif column not in bucketized | categorical:
                raise ValueError(f"crossed column {column!r} must also stand under bucketized or categorical")
            elif column in bucketized & categorical:
                raise ValueError(
                    f"crossed column {column!r} stands under bucketized and categorical: the cross needs one"
                )


ROLES: tuple[str, ...] = tuple(key for key in Features.model_fields if key != "ignored")
"""The keys under [features] that make model features."""
