"""The config of one pipeline: configs/NAME.toml as frozen, typed models."""

import pkgutil
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

import models.networks
from models.recipe import Training
from models.roles import Features, Label, Strict
from pipeline import usercode

METRICS = {
    "regression": ("mae", "rmse", "r2"),
    "binary": ("accuracy", "log_loss", "auc", "precision", "recall"),
    "classes": ("accuracy", "log_loss"),
}
"""Task -> metrics that its evaluation has."""
NOT_BUILT = {
    "gates": "validation compares with the reviewed schema only",
    "schedule": "start runs by hand",
    "tuner": "set the values in [network] and [training]",
    "variant": "write a second config",
    "spans": "data.path names one file",
}
"""Sections that are planned and refused by name -> what to do instead."""


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


class Baseline(Strict):
    """The comparison with the latest blessed model."""

    metric: str
    tolerance: float = Field(default=0.01, ge=0.0)
    """How much worse is still accepted, as a share of the baseline's value."""


class Evaluation(Strict):
    """What the evaluator measures and demands, on the test split."""

    slices: tuple[str | tuple[str, ...], ...] = ()
    """Columns whose values make slices; a list of columns makes their cross."""
    floor: dict[str, float] = Field(default_factory=dict)
    """Metric -> worst acceptable value (for an error: the largest)."""
    baseline: Baseline | None = None

    @property
    def slicings(self) -> tuple[tuple[str, ...], ...]:
        """Each slicing as a tuple of columns."""
        return tuple((entry,) if isinstance(entry, str) else entry for entry in self.slices)


class Config(Strict):
    """One pipeline."""

    data: Data
    features: Features
    label: Label
    network: dict[str, Any] = Field(default_factory=lambda: {"name": "mlp"}, validate_default=True)
    """`name`, a file in models/networks, and that file's own keys."""
    training: Training = Training()
    evaluation: Evaluation = Evaluation()

    @field_validator("network")
    @classmethod
    def _known_network(cls, network: dict[str, Any]) -> dict[str, Any]:
        name = network.get("name", "mlp")
        if name not in networks():
            raise ValueError(f"name {name!r} is none of {', '.join(networks())}")
        own = {key: value for key, value in network.items() if key != "name"}
        return {"name": name, **network_settings(name).model_validate(own).model_dump(mode="json")}

    @model_validator(mode="after")
    def _known_metrics(self) -> "Config":
        known = METRICS[self.label.task]
        named = [*self.evaluation.floor, *([self.evaluation.baseline.metric] if self.evaluation.baseline else [])]
        for metric in named:
            if metric not in known:
                raise ValueError(
                    f"evaluation: metric {metric!r} is none of {', '.join(known)} (task {self.label.task})"
                )
        if self.label.column in (*self.features.columns(), *self.features.ignored):
            raise ValueError(f"label: column {self.label.column!r} stands under [features] too: take it out there")
        return self

    def plain(self, *sections: str) -> dict[str, Any]:
        """Sections as JSON-able values, defaults included."""
        whole: Mapping[str, Any] = self.model_dump(mode="json", by_alias=True)
        return {section: whole[section] for section in sections or whole}


def networks() -> list[str]:
    """Names of the networks: the files in models/networks."""
    return sorted(module.name for module in pkgutil.iter_modules(models.networks.__path__))


def network_settings(name: str) -> type[Strict]:
    """The typed keys of one network."""
    settings: type[Strict] = usercode.load(f"models.networks.{name}").Settings
    return settings
