"""Keys of [data] split: how rows are divided."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from spec.base import Strict

MAX_SHARES = 10**9
"""Of one split: sums and products of shares stay within 64 bits."""

_DIVIDE: Mapping[str, tuple[str, ...]] = {
    "hash": ("salt", "column", "stratify", "train", "eval", "test"),
    "column": ("salt", "column", "values", "train", "eval"),
    "time": ("train", "eval", "test"),
    "span": ("salt", "column", "train", "eval"),
    "files": ("salt", "column", "train", "eval"),
    "all": (),
}
"""How rows are divided -> keys that act there."""


class Split(Strict):
    """How rows are divided into train, eval and test."""

    by: Literal["hash", "column", "time", "span", "files", "all"] = "hash"
    """hash: by a hash of the cells that keep rows together, see `column`. column: `column` names the split. time: in
    order of [columns] time the first share is train, the next eval, the last test. files: data.path names the files of
    each split. span: the newest span is test, earlier ones are train and eval, by a hash. all: every row is in every
    split, which says nothing about unseen rows."""
    salt: str = ""
    """Text that is hashed before each row's cells: another salt gives another division. Without one, the rule is that
    of stock TFX."""
    column: str | None = None
    """hash: rows with equal cells in this column go to the same split; unset: [columns] group, else id, else the whole
    row. column: column with the name of the split; if no row names eval, eval is cut out of train."""
    stratify: int | None = Field(default=None, ge=1)
    """hash, labels that are classes: if some split has fewer rows of a label than this, the rows of the label are
    sorted by their hashes and divided by the shares, so that no split has too few by chance. All other rows stay where
    the hash puts them. As data grows, rows of such a label may change their split. Not with rows that stay together:
    column, [columns] group or id. Reads the data once more. Unset: the hash alone decides."""
    values: dict[str, Literal["train", "eval", "test"]] = Field(default_factory=dict)
    """column: value -> split, for values other than train, eval and test, such as {validation = "eval"}."""
    train: int = Field(default=8, ge=1, le=MAX_SHARES)
    """Share of the train split; the three shares need not add up to anything."""
    eval: int = Field(default=1, ge=1, le=MAX_SHARES)
    """Share of the eval split."""
    test: int = Field(default=1, ge=1, le=MAX_SHARES)
    """Share of the test split."""

    @classmethod
    def idle(cls, section: Mapping[str, Any]) -> Collection[str]:
        """Keys of other ways to divide."""
        acting = _DIVIDE.get(str(section.get("by", "hash")))
        return () if acting is None else [key for key in cls.model_fields if key != "by" and key not in acting]

    @model_validator(mode="after")
    def _fits(self) -> "Split":
        if self.by == "column" and self.column is None:
            raise ValueError("by = 'column' needs column: name the one that holds the split")
        for key in self.idle({"by": self.by}):
            default = type(self).model_fields[key].get_default(call_default_factory=True)
            if key in self.model_fields_set and getattr(self, key) != default:
                raise ValueError(f"{key} does nothing with by = {self.by!r}: take it out")
        if self.stratify is not None and self.column is not None:
            raise ValueError(
                f"stratify divides rows of one label, and column = {self.column!r} keeps rows together: remove one "
                "of them"
            )
        return self

    @property
    def shares(self) -> dict[str, int]:
        """Split name -> share, in the order in which the hash sees them."""
        return {"train": self.train, "eval": self.eval, "test": self.test}
