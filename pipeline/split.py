"""Keys of [data] split: how rows are divided."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from models.strict import Strict

MOST_SHARES = 10**9
"""Of one split: sums and products of shares stay within 64 bits."""

_DIVIDE: Mapping[str, tuple[str, ...]] = {
    "hash": ("salt", "column", "train", "eval", "test"),
    "column": ("salt", "column", "values", "train", "eval"),
    "time": ("train", "eval", "test"),
    "span": ("salt", "column", "train", "eval"),
    "files": ("salt", "column", "train", "eval"),
    "all": (),
}
"""How rows are divided -> keys that act there."""


class Split(Strict):
    """How rows are divided."""

    by: Literal["hash", "column", "time", "span", "files", "all"] = "hash"
    """hash: of the cells that hold rows together, see `column`. column: `column` names the split. time: the first share
    of the rows, in order of [columns] time, is train, then eval, then test. files: data.path names the files of each
    split. span: the newest span is test, those before it are train and eval, by a hash. all: every row is in every
    split, which shows nothing about rows that were not seen."""
    salt: str = ""
    """Goes before the text that is hashed: another salt divides the rows anew. Without one the rule is stock TFX's."""
    column: str | None = None
    """hash: rows with equal cells here go to one split; without it those of [columns] group or id, and without these
    the whole row decides. column: holds the split's name; where no row names eval, it is cut out of train."""
    values: dict[str, Literal["train", "eval", "test"]] = Field(default_factory=dict)
    """column: the split of a cell that holds something else than train, eval or test."""
    train: int = Field(default=8, ge=1, le=MOST_SHARES)
    """Share of the rows; the shares need not add up to anything."""
    eval: int = Field(default=1, ge=1, le=MOST_SHARES)
    test: int = Field(default=1, ge=1, le=MOST_SHARES)

    @classmethod
    def idle(cls, given: Mapping[str, Any]) -> Collection[str]:
        """Keys of other ways to divide."""
        acting = _DIVIDE.get(str(given.get("by", "hash")))
        return () if acting is None else [key for key in cls.model_fields if key != "by" and key not in acting]

    @model_validator(mode="after")
    def _fits(self) -> "Split":
        if self.by == "column" and self.column is None:
            raise ValueError("by = 'column' needs column: name the one that holds the split")
        for key in self.idle({"by": self.by}):
            default = type(self).model_fields[key].get_default(call_default_factory=True)
            if key in self.model_fields_set and getattr(self, key) != default:
                raise ValueError(f"{key} does nothing with by = {self.by!r}: take it out")
        return self

    @property
    def shares(self) -> dict[str, int]:
        """Split name -> share, in the order in which the hash sees them."""
        return {"train": self.train, "eval": self.eval, "test": self.test}
