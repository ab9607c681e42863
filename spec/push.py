"""Keys of [push]: versions that the serving folder keeps, and models that it accepts."""

from pydantic import Field

from spec.base import Strict


class Push(Strict):
    """Which versions the serving folder keeps, and which models it accepts."""

    keep: int = Field(default=5, ge=1)
    """Number of versions that stay in the serving folder, of those that this pipeline pushed; older ones are removed
    and named in the log."""
    uncompared: bool = False
    """Push a blessed model even if it was not compared with the one that serves."""
    older_span: bool = False
    """Push a blessed model even if its data is of an older span than that of the model that serves."""
