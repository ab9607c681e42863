"""Keys of [push]: what stays in the serving folder."""

from pydantic import Field

from models.strict import Strict


class Push(Strict):
    """How models are pushed."""

    keep: int = Field(default=5, ge=1)
    """The last so many versions that this pipeline pushed stay in the serving folder; older ones are removed."""
    uncompared: bool = False
    """True: a blessed model is pushed also where it was not compared with the one that serves."""
    older_span: bool = False
    """True: also where its data is of an older span than that of the model that serves."""
