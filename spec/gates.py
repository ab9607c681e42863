"""Base of the settings of all gates: the action, the type of a share, and the check against the label."""

from typing import Annotated, Literal

from pydantic import Field

from spec.base import Strict
from spec.columns.label import Label

Action = Literal["warn", "block", "off"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class GateSettings(Strict):
    """Base of the Settings of a gate."""

    action: Action = "warn"
    """warn, block the run, or off."""

    def check(self, label: Label) -> None:
        """Check that the keys have an effect for the label's task.

        Raises:
            ValueError: A key has none.
        """
