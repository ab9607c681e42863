"""The base of all typed settings. Plain Python: the command line reads configs without TensorFlow."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _written(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_written)]
"""A text that a config may write as an integer: 1 means "1"."""


class Strict(BaseModel):
    """Immutable, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @classmethod
    def idle(cls, given: Mapping[str, Any]) -> Collection[str]:
        """Name the keys that do nothing beside others.

        Args:
            given: The section as it is written, not validated.
        """
        return ()
