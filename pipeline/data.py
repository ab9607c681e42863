"""Keys of [data]: where the rows come from and how they are divided."""

from typing import Literal

from pydantic import Field

from models.strict import Strict


class Split(Strict):
    """How rows are divided."""

    by: Literal["hash"] = "hash"
    salt: str = ""
    """Goes before the text that is hashed: another salt divides the rows anew. Without one the rule is stock TFX's."""
    column: str | None = None
    """Rows with equal cells here go to one split; without it the whole row decides."""
    train: int = Field(default=8, ge=1)
    """Share of the rows; the shares need not add up to anything."""
    eval: int = Field(default=1, ge=1)
    test: int = Field(default=1, ge=1)

    @property
    def shares(self) -> dict[str, int]:
        """Split name -> share, in the order in which the hash sees them."""
        return {"train": self.train, "eval": self.eval, "test": self.test}


class Data(Strict):
    """Where the rows come from."""

    path: str
    """A .csv or .csv.gz file with a header line, relative to the data root."""
    split: Split = Split()
