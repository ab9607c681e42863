"""The config of one pipeline: configs/NAME.toml as frozen, typed models."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from components.evaluator import metric_catalog
from components.ingestion.discovery import formats
from components.validation.gate_catalog import Gates
from errors import UserError
from models.roles import Features
from pipeline import format_checks, role_checks, stages, tuner_checks, user_code
from pipeline import network_checks as networks
from spec.base import Strict
from spec.cells.cleaning import folded, section
from spec.columns.duties import Duties
from spec.columns.label import Label
from spec.custom_stages import Stages
from spec.data import Data
from spec.evaluation import Evaluation
from spec.limits import Limits
from spec.push import Push
from spec.rows import data_paths
from spec.rows.grouping import read_group, ungrouped
from spec.timing.schedule import Notify, Schedule
from spec.training import Training
from spec.tuning import Tuning


class Config(Strict):
    """One pipeline."""

    data: Data
    columns: Duties = Duties()
    features: Features = Features()
    label: Label
    preprocessing: str | None = None
    """Function of your own that makes the model features instead of [features], such as
    "my_module.preprocessing_fn"."""
    files: tuple[str, ...] = ()
    """Further files that your own code reads, relative to the project; they become part of the cache key."""
    network: dict[str, Any] = Field(default_factory=lambda: {"name": "mlp"}, validate_default=True)
    """`name`, a file of models/networks or a function of your own, and its keys; or the name alone."""
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    gates: Gates = Gates()
    tuner: Tuning | None = None
    push: Push = Push()
    stages: Stages = Stages()
    limits: Limits = Limits()
    schedule: tuple[Schedule, ...] = ()
    notify: Notify = Notify()

    @field_validator("network", mode="before")
    @classmethod
    def _known_network(cls, value: Any) -> Any:
        value = {"name": value} if isinstance(value, str) else value
        return networks.complete(value) if isinstance(value, dict) else value

    @field_validator("features", mode="before")
    @classmethod
    def _known_roles(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            role_checks.check(value)
        return value

    @field_validator("preprocessing")
    @classmethod
    def _own_function(cls, path: str | None) -> str | None:
        if path is not None:
            user_code.check_function(path)
        return path

    @field_validator("evaluation")
    @classmethod
    def _user_metrics(cls, evaluation: Evaluation) -> Evaluation:
        for path in evaluation.metrics:
            try:
                user_code.check_function(path)
            except UserError as error:
                raise ValueError(f"metrics: {error}") from error
        return evaluation

    @field_validator("gates")
    @classmethod
    def _user_gates(cls, gates: Gates) -> Gates:
        for path in gates.custom:
            try:
                user_code.check_function(path)
            except UserError as error:
                raise ValueError(f"custom: {error}") from error
        return gates

    @model_validator(mode="after")
    def _features_come_from_somewhere(self) -> "Config":
        roles = [key for key, _ in self.features.entries()]
        if self.preprocessing is None and not self.features.outputs():
            raise ValueError("features: name a column under a role, or make the features yourself with preprocessing")
        if self.preprocessing is not None and roles:
            raise ValueError(f"features.{roles[0]} does nothing beside preprocessing: take one of the two out")
        return self

    @model_validator(mode="after")
    def _known_format(self) -> "Config":
        if self.data.format is not None:
            format_checks.check(self.data)
        return self

    @model_validator(mode="after")
    def _one_size(self) -> "Config":
        size = self.data.image
        if size.height is None or self.data.format == "pixels":
            return self
        for role in self.features.of("image"):
            if (role.height, role.width) != (size.height, size.width):
                raise ValueError(
                    f"data.image: ingestion would resize the images to {size.height} x {size.width} and features.image "
                    f"to {role.height} x {role.width}, but an image that is served is resized once: make both equal, "
                    "or take data.image.height and width out"
                )
        return self

    @model_validator(mode="after")
    def _known_metrics(self) -> "Config":
        self.evaluation.check(self.label, metric_catalog.names(self.label.task, self.evaluation.metrics))
        self.gates.check(self.label)
        if self.label.column in (*self.features.columns(), *self.features.ignored):
            raise ValueError(f"label: column {self.label.column!r} stands under [features] too: take it out there")
        return self

    @model_validator(mode="after")
    def _spans_are_files(self) -> "Config":
        for schedule in self.schedule:
            if schedule.on == "new-span" and self.data.sql is not None:
                raise ValueError(
                    f'schedule {schedule.name!r}: on = "new-span" looks at files, and data.sql is a query: write '
                    'on = "time" with cron; a run that gets the same rows again trains nothing'
                )
        return self

    @model_validator(mode="after")
    def _groups_stay_together(self) -> "Config":
        if reason := ungrouped(self.data.split.by, self.columns.group):
            raise ValueError(reason)
        return self

    @model_validator(mode="after")
    def _categories_are_folded(self) -> "Config":
        given = [("features.categorical", entry.column, entry.categories) for entry in self.features.of("categorical")]
        label = self.label
        values = (*(label.classes if label.task == "classes" else ()), *([label.positive] if label.positive else []))
        for key, column, names in (*given, ("label", label.column, values)):
            for name in names if column in self.data.fold_case else ():
                if name != folded(name):
                    raise ValueError(
                        f"{key}: column {column!r} holds {folded(name)!r} and never {name!r}, since data.fold_case "
                        f"names it: write {folded(name)!r}"
                    )
        return self

    @model_validator(mode="after")
    def _splits_are_no_feature(self) -> "Config":
        split = self.data.split
        if split.by == "column" and split.column in self.features.columns():
            raise ValueError(
                f"data.split.column: {split.column!r} names each row's split, and stands under [features] too: take it "
                "out there"
            )
        return self

    @model_validator(mode="after")
    def _training_fits(self) -> "Config":
        self.training.check(self.label.task, self.label.names)
        networks.check(self.network, self.label.task, self.features.outputs(), self.training)
        return self

    @model_validator(mode="after")
    def _known_space(self) -> "Config":
        if self.tuner is not None:
            tuner_checks.check(self.tuner, self.plain("network", "training"), self._valid, task=self.label.task)
        return self

    @model_validator(mode="after")
    def _custom_stages(self) -> "Config":
        for stage in self.stages.entries():
            try:
                user_code.check_function(stage.path)
            except UserError as error:
                raise ValueError(f"stages.after_{stage.after}: {error}") from error
        stages.check_custom(self)
        return self

    @model_validator(mode="after")
    def _limits_of_stages(self) -> "Config":
        self.limits.check(stages.ids(self))
        return self

    @field_validator("schedule")
    @classmethod
    def _distinct(cls, schedules: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
        names = [schedule.name for schedule in schedules]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two schedules are named {sorted(twice)[0]!r}: rename one")
        return schedules

    def _valid(self, section: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Other values for a section that is tuned, with its defaults, if they fit the rest of the config."""
        if section == "network":
            network, training = networks.complete(dict(values)), self.training
        else:
            plain = self.plain("training")["training"]
            own = {key: value for key, value in values.items() if value != plain.get(key)}
            given = self.training.model_dump(include=self.training.model_fields_set)
            network, training = self.network, Training.model_validate({**given, **own})
            training.check(self.label.task, self.label.names)
        networks.check(network, self.label.task, self.features.outputs(), training)
        return network if section == "network" else training.model_dump(mode="json")

    def user_modules(self) -> list[str]:
        """Return the modules of roles, network, functions, gates and metrics, which stages import by name."""
        network = str(self.network["name"])
        functions = [
            *([self.preprocessing] if self.preprocessing else []),
            *self.gates.custom,
            *self.evaluation.metrics,
        ]
        modules = [*self.features.modules(), network.rpartition(".")[0] or f"models.networks.{network}"]
        return list(dict.fromkeys([*modules, *(path.rpartition(".")[0] for path in functions)]))

    def watched(self, columns: Mapping[str, str]) -> dict[str, list[str]]:
        """Columns that the gates look at.

        Args:
            columns: Column name -> type of the reviewed schema.

        Returns:
            `used`: what the model reads; `compared`: of these what may drift; `categories`: of these what has them.
        """
        duties = {self.columns.id, self.columns.time, self.columns.group}
        duty = [name for name in (self.label.column, self.columns.weight) if name is not None]
        if self.preprocessing is not None:
            read = [name for name in columns if name not in {*duties, *self.features.ignored, *duty}]
            return {"used": [*read, *duty], "compared": [*read, *duty], "categories": []}
        entries = [entry for _, entry in self.features.entries()]
        apart = {name for entry in entries if not entry.compared for name in entry.columns()}
        used = list(self.features.columns())
        return {
            "used": [*used, *duty],
            "compared": [*(name for name in used if name not in apart | duties), *duty],
            "categories": [*dict.fromkeys(name for entry in entries if entry.vocabulary for name in entry.columns())],
        }

    def cleaning(self, paths: Any) -> dict[str, Any] | None:
        """Keys of [data] that say how cells are cleaned; None for formats whose cells are taken as they are.

        Args:
            paths: The data's paths or patterns.
        """
        form = formats.of(data_paths.flat(paths)[0][1], self.data.format)
        # A path without a known name is CSV, or an error when it is read.
        return section(self.plain("data")["data"]) if form is None or form.is_cleaned else None

    def remarks(self, columns: Mapping[str, str]) -> list[str]:
        """Say what is allowed and hardly meant.

        Args:
            columns: Column name -> type of the reviewed schema.
        """
        group = self.columns.group if self.data.split.by == "hash" and self.data.split.column is None else None
        entries = [entry for _, entry in self.features.entries()]
        apart = {name for entry in entries if not entry.compared for name in entry.columns()}
        values = {name for entry in entries if entry.compared for name in entry.columns()}
        read = [name for name in self.watched(columns)["used"] if name in values or name not in apart]
        remark = read_group(group, read)
        return [remark] if remark else []

    def plain(self, *sections: str) -> dict[str, Any]:
        """Sections as JSON-able values, defaults included."""
        whole: Mapping[str, Any] = self.model_dump(mode="json", by_alias=True)
        return {section: whole[section] for section in sections or whole}
