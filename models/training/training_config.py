"""The sections of the config that training reads, parsed once at its entry."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from models.roles import Features
from spec.columns.duties import Duties
from spec.columns.label import Label
from spec.training import Training


class TrialConfig(BaseModel):
    """Settings of the training of one network; the tuner changes `network` and `training`."""

    model_config = ConfigDict(frozen=True)

    label: Label
    network: Mapping[str, Any]
    """`name` and the network's keys."""
    training: Training

    @property
    def network_name(self) -> str:
        """Name of the network: a file of models/networks, or a dotted path."""
        return str(self.network["name"])


class TrainerConfig(TrialConfig):
    """Settings of training and export."""

    features: Features
    columns: Duties = Duties()
    cleaning: Mapping[str, Any] | None = None
    """Keys of [data] that clean the cells of served rows; None for formats that are not cleaned."""


class TrialOrder(BaseModel):
    """Settings that all trials of a process share: the first line of its input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_files: tuple[str, ...]
    """Paths of the transformed train split."""
    eval_files: tuple[str, ...]
    """Paths of the transformed eval split."""
    rows: Mapping[str, int | None] | None = None
    """Path -> number of its rows; None if unknown."""
    transform_output: str
    """Folder of the transform graph."""
    features: Features
    label: Label
    edges: bool = False
    """Whether the network reads the quantiles of numbers."""
    ignored_folders: tuple[str, ...] = ()
    """Folders whose files are not recorded as read."""
