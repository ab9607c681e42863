"""The base of all typed settings. Plain Python: the command line reads configs without TensorFlow."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


def _written(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_written)]
"""A string that a config may write as an integer: 1 means "1"."""


class Strict(BaseModel):
    """Immutable model that rejects unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    renamed: ClassVar[Mapping[str, str]] = {}
    """Former name of a key -> its name."""

    @model_validator(mode="before")
    @classmethod
    def _current_names(cls, values: Any) -> Any:
        for former, name in cls.renamed.items():
            if isinstance(values, Mapping) and former in values:
                raise ValueError(f"{former} is now called {name}: rename it")
        return values

    @classmethod
    def idle(cls, section: Mapping[str, Any]) -> Collection[str]:
        """Return the keys of a section that have no effect with its other keys.

        Args:
            section: Section as written in the config, not validated.
        """
        return ()
