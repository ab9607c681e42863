"""The base of all typed settings. Plain Python: the command line reads configs without TensorFlow."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Immutable, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
