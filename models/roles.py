"""[features]: entries by role. A role is a file of models/features, or a module of the user's project.

Plain Python: the command line reads configs without TensorFlow. Only the roles that a config names are imported.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict, create_model, model_validator

import models.features
from spec.base import Strict
from spec.columns.duties import WEIGHT
from spec.columns.label import LABEL
from spec.columns.role import Output, Role

IGNORED = "ignored"
"""Key of [features] that is not a role."""
FIRST = (
    *("numeric", "bucketized", "categorical", "hashed", "embedded", "crossed", "text", "image", "date"),
    "passthrough",
)
"""Roles whose features come first, in this order, which trained models depend on; the others follow by name."""


class RoleFile(Protocol):
    """Module of a role; models/features/__init__.py describes it."""

    Settings: type[Role]

    def outputs(self, settings: Any) -> Iterator[Output]:
        """Yield the model features of an entry."""

    def transform(self, columns: Any, settings: Any) -> Mapping[str, Any]:
        """Return the tensors of these features by name."""


def shipped() -> tuple[str, ...]:
    """Return the roles of models/features in the order of their features."""
    return tuple(in_order(module.name for module in pkgutil.iter_modules(models.features.__path__)))


def in_order(names: Iterable[str]) -> list[str]:
    """Sort roles by the order of their features."""
    return sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def is_module(name: str) -> bool:
    """Return whether a key of [features] names a module: a role of models/features or of the project."""
    import project

    return name != IGNORED and (name in shipped() or "." in name or project.source(name) is not None)


def module(name: str) -> str:
    """Return the dotted path of a role's module."""
    return f"{models.features.__name__}.{name}" if name in shipped() else name


def role(name: str) -> RoleFile:
    """Import a role.

    Args:
        name: Key of the role under [features].
    """
    return cast(RoleFile, importlib.import_module(module(name)))


class Features(Strict):
    """Columns by role: one key a role with a list of entries, and `ignored`."""

    model_config = ConfigDict(extra="allow")

    ignored: tuple[str, ...] = ()
    """Columns of the data that the model never sees."""

    @model_validator(mode="before")
    @classmethod
    def _parse_roles(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        fields: dict[str, Any] = {IGNORED: (tuple[str, ...], ())}
        for name in filter(is_module, values):
            settings: Any = role(name).Settings
            fields[name] = (tuple[settings, ...], ())
        # A key that is neither a role nor `ignored` is an error of this model, with its place in the config.
        model: Any = create_model("Roles", __base__=_Roles, **fields)
        return dict(model.model_validate(dict(values)))

    def of(self, name: str) -> tuple[Any, ...]:
        """Return the entries of one role, in the order of the config."""
        entries: tuple[Any, ...] = (self.model_extra or {}).get(name, ())
        return entries

    def roles(self) -> list[str]:
        """Return the roles that have entries, in the order of their features."""
        return in_order(name for name in self.model_extra or {} if self.of(name))

    def entries(self) -> Iterator[tuple[str, Role]]:
        """Yield each entry with its role."""
        for name in self.roles():
            for entry in self.of(name):
                yield name, entry

    def outputs(self) -> tuple[Output, ...]:
        """Return all model features, in the order in which the network sees them."""
        return tuple(output for name, entry in self.entries() for output in role(name).outputs(entry))

    def columns(self) -> tuple[str, ...]:
        """Return the raw columns that the model needs at serving time, each once, in order of first use."""
        return tuple(dict.fromkeys(column for _, entry in self.entries() for column in entry.columns()))

    def complete(self) -> tuple[str, ...]:
        """Return the columns whose role drops the rows in which they are null."""
        dropping = (entry for _, entry in self.entries() if getattr(entry, "missing", None) == "drop")
        return tuple(dict.fromkeys(column for entry in dropping for column in entry.columns()))

    def modules(self) -> list[str]:
        """Return the dotted paths of the modules of all roles that have entries."""
        return list(map(module, self.roles()))

    @model_validator(mode="after")
    def _no_clash(self) -> "Features":
        names = [output.name for output in self.outputs()]
        duplicate_names = sorted({name for name in names if names.count(name) > 1})
        if duplicate_names:
            raise ValueError(
                f"two entries make the same feature {duplicate_names[0]!r}: name a column once under a role"
            )
        for reserved, meaning in ((LABEL, "label"), (WEIGHT, "weight of a row")):
            if reserved in names:
                raise ValueError(
                    f"an entry makes the feature {reserved!r}, which is the transformed {meaning}: rename it"
                )
        slashed = [name for name in names if "/" in name]
        if slashed:
            raise ValueError(
                f"feature {slashed[0]!r} has a slash, which Keras does not allow in a name: rename the column"
            )
        contradictory = set(self.columns()) & set(self.ignored)
        if contradictory:
            raise ValueError(f"column {sorted(contradictory)[0]!r} is both ignored and used: remove one of the two")
        for name, entry in self.entries():
            if check := getattr(role(name), "check", None):
                check(entry, self)
        return self


class _Roles(BaseModel):
    model_config = ConfigDict(extra="forbid")
