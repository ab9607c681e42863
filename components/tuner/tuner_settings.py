"""Settings of the tuner node, as its executor gets them."""

from typing import Any

from models.roles import Features
from models.training.training_config import TrialConfig
from spec.tuning import Tuning


class TunerSettings(TrialConfig):
    """The config's values, the search space, and the settings that all trials share."""

    features: Features
    """[features]."""
    tuner: Tuning
    """[tuner]."""

    def sections(self) -> dict[str, Any]:
        """Return the tuned sections `network` and `training` as plain dicts, which dotted keys address."""
        return self.model_dump(mode="json", by_alias=True, include={"network", "training"})

    def shared(self) -> dict[str, Any]:
        """Return the sections that all trials share, as JSON-able values, for the cache key of their results."""
        return self.model_dump(mode="json", by_alias=True, include={"features", "label"})
