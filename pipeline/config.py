"""The config of one pipeline: configs/NAME.toml as frozen, typed models."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from components.evaluator import metric_catalog
from components.ingestion.discovery import formats
from components.validation.gate_catalog import Gates
from errors import UserError
from models import network_files
from models.roles import Features
from pipeline import stages, user_code
from pipeline.checks import extension_checks, format_checks, inference_checks, tuner_checks
from pipeline.checks import network_checks as networks
from spec.base import Strict
from spec.cells.cleaning import folded, section
from spec.cloud import Cloud
from spec.columns import task as tasks
from spec.columns.duties import Duties
from spec.columns.label import Label
from spec.data import Data
from spec.evaluation import Evaluation
from spec.inference import Inference
from spec.limits import Limits
from spec.push import Push
from spec.rows import data_paths
from spec.rows.grouping import read_group, ungrouped
from spec.rows.stratification import unstratified
from spec.stages.custom_stages import Stages
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
    """Custom function that computes the model features instead of [features], such as
    "my_module.preprocessing_fn"."""
    files: tuple[str, ...] = ()
    """Other files that custom code reads, relative to the project; they are part of the cache key."""
    network: dict[str, Any] = Field(default_factory=lambda: {"name": "mlp"}, validate_default=True)
    """`name`, a file of models/networks or a custom function, and its keys; or only the name."""
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    gates: Gates = Gates()
    tuner: Tuning | None = None
    push: Push = Push()
    inference: Inference | None = None
    stages: Stages = Stages()
    limits: Limits = Limits()
    cloud: Cloud = Cloud()
    schedule: tuple[Schedule, ...] = ()
    notify: Notify = Notify()

    @field_validator("network", mode="before")
    @classmethod
    def _known_network(cls, value: Any) -> Any:
        value = {"name": value} if isinstance(value, str) else value
        return networks.complete(value) if isinstance(value, dict) else value

    _known_roles = field_validator("features", mode="before")(extension_checks.check_roles)
    _known_task = field_validator("label", mode="before")(extension_checks.check_task)

    @field_validator("preprocessing")
    @classmethod
    def _own_function(cls, path: str | None) -> str | None:
        if path is not None:
            user_code.check_function(path)
        return path

    @field_validator("evaluation")
    @classmethod
    def _user_metrics(cls, evaluation: Evaluation) -> Evaluation:
        _check_functions("metrics", evaluation.metrics)
        return evaluation

    @field_validator("gates")
    @classmethod
    def _user_gates(cls, gates: Gates) -> Gates:
        _check_functions("custom", gates.custom)
        return gates

    @model_validator(mode="after")
    def _features_come_from_somewhere(self) -> "Config":
        roles = [key for key, _ in self.features.entries()]
        if self.preprocessing is None and not self.features.outputs():
            raise ValueError(
                "features: name a column under a role, or compute the features in a custom preprocessing function"
            )
        if self.preprocessing is not None and roles:
            raise ValueError(f"features.{roles[0]} has no effect with preprocessing: remove one of the two")
        return self

    @model_validator(mode="after")
    def _known_format(self) -> "Config":
        if self.data.format is not None:
            format_checks.check(self.data)
        format_checks.check_csv(self.data)
        if self.inference is not None:
            inference_checks.check(self.inference, self.label)
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
                    f"to {role.height} x {role.width}, but in serving an image is resized once: make both equal, "
                    "or remove data.image.height and width"
                )
        return self

    @model_validator(mode="after")
    def _known_metrics(self) -> "Config":
        self.evaluation.check(self.label, metric_catalog.names(self.label.task, self.evaluation.metrics))
        self.evaluation.check_measured(self.training)
        self.gates.check(self.label)
        if self.label.column in (*self.features.columns(), *self.features.ignored):
            raise ValueError(
                f"label: column {self.label.column!r} is the label and also under [features]: remove it there"
            )
        return self

    @model_validator(mode="after")
    def _spans_are_files(self) -> "Config":
        for schedule in self.schedule:
            if schedule.on == "new-span" and self.data.sql is not None:
                raise ValueError(
                    f'schedule {schedule.name!r}: on = "new-span" watches files, but data.sql is a query: write '
                    'on = "time" with cron; a run whose rows are unchanged trains nothing'
                )
        return self

    @model_validator(mode="after")
    def _groups_stay_together(self) -> "Config":
        if reason := ungrouped(self.data.split.by, self.columns.group):
            raise ValueError(reason)
        if self.data.split.stratify is not None and (reason := unstratified(self.label, self.columns)):
            raise ValueError(reason)
        return self

    @model_validator(mode="after")
    def _categories_are_folded(self) -> "Config":
        categories = [
            ("features.categorical", entry.column, entry.categories) for entry in self.features.of("categorical")
        ]
        label = self.label
        values = (*(label.classes if label.kind == "classes" else ()), *([label.positive] if label.positive else []))
        for key, column, names in (*categories, ("label", label.column, values)):
            for name in names if column in self.data.fold_case else ():
                if name != folded(name):
                    raise ValueError(
                        f"{key}: column {column!r} is lower-cased by data.fold_case, so {name!r} never occurs: write "
                        f"{folded(name)!r}"
                    )
        return self

    @model_validator(mode="after")
    def _splits_are_no_feature(self) -> "Config":
        split = self.data.split
        if split.by == "column" and split.column in self.features.columns():
            raise ValueError(
                f"data.split.column: {split.column!r} is the split column and also under [features]: remove it there"
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
        duplicates = {name for name in names if names.count(name) > 1}
        if duplicates:
            raise ValueError(f"two schedules are named {sorted(duplicates)[0]!r}: rename one")
        return schedules

    def _valid(self, section: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Validate new values of a tuned section against the rest of the config; return them with defaults."""
        if section == "network":
            network, training = networks.complete(dict(values)), self.training
        else:
            plain = self.plain("training")["training"]
            changed_keys = {key: value for key, value in values.items() if value != plain.get(key)}
            explicit_keys = self.training.model_dump(include=self.training.model_fields_set)
            network, training = self.network, Training.model_validate({**explicit_keys, **changed_keys})
            training.check(self.label.task, self.label.names)
        networks.check(network, self.label.task, self.features.outputs(), training)
        return network if section == "network" else training.model_dump(mode="json")

    def user_modules(self) -> list[str]:
        """Return the modules of roles, task, network, functions, gates and metrics, which stages import by name."""
        network = str(self.network["name"])
        functions = [
            *([self.preprocessing] if self.preprocessing else []),
            *self.gates.custom,
            *self.evaluation.metrics,
        ]
        modules = [*self.features.modules(), tasks.module(self.label.task), network_files.module(network)]
        return list(dict.fromkeys([*modules, *(path.rpartition(".")[0] for path in functions)]))

    def watched(self, columns: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the columns that the gates check.

        Args:
            columns: Column name -> type of the approved schema.

        Returns:
            `used`: columns that the model reads or predicts; `compared`: those of them that are checked for drift;
            `categories`: those of them with a vocabulary.
        """
        duties = {self.columns.id, self.columns.time, self.columns.group}
        duty = [name for name in (self.label.column, self.columns.weight) if name is not None]
        if self.preprocessing is not None:
            read = [name for name in columns if name not in {*duties, *self.features.ignored, *duty}]
            return {"used": [*read, *duty], "compared": [*read, *duty], "categories": []}
        entries = [entry for _, entry in self.features.entries()]
        not_compared = {name for entry in entries if not entry.compared for name in entry.columns()}
        used = list(self.features.columns())
        return {
            "used": [*used, *duty],
            "compared": [*(name for name in used if name not in not_compared | duties), *duty],
            "categories": [*dict.fromkeys(name for entry in entries if entry.vocabulary for name in entry.columns())],
        }

    def cleaning(self, paths: Any) -> dict[str, Any] | None:
        """Return the keys of [data] for cleaning cells; None for formats whose cells are not cleaned.

        Args:
            paths: The data's paths or patterns.
        """
        form = formats.of(data_paths.flat(paths)[0][1], self.data.format)
        # A path with an unknown extension is CSV, or an error when it is read.
        return section(self.plain("data")["data"]) if form is None or form.is_cleaned else None

    def remarks(self, columns: Mapping[str, str]) -> list[str]:
        """Return warnings about settings that are valid but probably not intended.

        Args:
            columns: Column name -> type of the approved schema.
        """
        group = self.columns.group if self.data.split.by == "hash" and self.data.split.column is None else None
        entries = [entry for _, entry in self.features.entries()]
        not_compared = {name for entry in entries if not entry.compared for name in entry.columns()}
        values = {name for entry in entries if entry.compared for name in entry.columns()}
        read = [name for name in self.watched(columns)["used"] if name in values or name not in not_compared]
        remark = read_group(group, read)
        return [remark] if remark else []

    def plain(self, *sections: str) -> dict[str, Any]:
        """Return sections as JSON-serializable values, including defaults."""
        sections_by_name: Mapping[str, Any] = self.model_dump(mode="json", by_alias=True)
        return {section: sections_by_name[section] for section in sections or sections_by_name}


def _check_functions(key: str, paths: Iterable[str]) -> None:
    """Check that the user's functions which a key names can be imported; raise ValueError with the key."""
    for path in paths:
        try:
            user_code.check_function(path)
        except UserError as error:
            raise ValueError(f"{key}: {error}") from error
