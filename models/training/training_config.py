"""The sections of the config that training reads, parsed once at its entry."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from models.roles import Features
from spec.columns.duties import Duties
from spec.columns.label import Label
from spec.training import Training


class TrialConfig(BaseModel):
    """What the training of one network depends on; the tuner changes `network` and `training`."""

    model_config = ConfigDict(frozen=True)

    label: Label
    network: Mapping[str, Any]
    """`name` and the network's keys."""
    training: Training


class TrainerConfig(TrialConfig):
    """What training and export depend on."""

    features: Features
    columns: Duties = Duties()
    cleaning: Mapping[str, Any] | None = None
    """Keys of [data] that clean the cells of served rows; None for formats that are not cleaned."""
