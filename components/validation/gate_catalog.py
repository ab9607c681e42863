"""Catalog of the gates: files of components/validation/gates, and user-defined ones by dotted path."""

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, create_model, field_validator

from components.validation import gate_findings, gates, unlearnable
from components.validation.gate_context import GateContext
from components.validation.gate_findings import Finding
from errors import UserError
from spec.base import Strict
from spec.columns.label import Label
from spec.gates import GateSettings

SUFFIX = "_gate"
"""Suffix of the name of a gate's module."""


@dataclass(frozen=True)
class Gate:
    """A gate with its settings.

    Attributes:
        name: Key of [gates], or the dotted path of a user-defined gate.
        settings: Class of the gate's settings.
        judge: Function that yields the findings.
    """

    name: str
    settings: GateSettings
    judge: Callable[[GateContext, Any], Iterable[Finding]]

    def findings(self, context: GateContext, *, advisory: bool) -> Iterator[Finding]:
        """Run the gate.

        Args:
            context: The run.
            advisory: Whether the gate only warns.

        Yields:
            Findings with gate and action set.
        """
        if self.settings.action == "off":
            return
        for finding in self.judge(context, self.settings):
            action = finding.action or self.settings.action
            finding.gate = self.name
            finding.action = "warn" if advisory or self.settings.action == "warn" else action
            yield finding


def module_names() -> dict[str, str]:
    """Return the module of each gate in the folder, by the gate's name."""
    names = sorted(module.name for module in pkgutil.iter_modules(gates.__path__) if module.name.endswith(SUFFIX))
    return {name.removesuffix(SUFFIX): f"{gates.__name__}.{name}" for name in names}


def _table(value: Any) -> Any:
    """Convert the short form of a gate's settings, an action alone, to a table."""
    return {"action": value} if isinstance(value, str) else value


class GatesBase(Strict):
    """Gates by name, each as a table or its action alone."""

    custom: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Gates of your own: a list of dotted paths such as ["my_module.my_gate"], or a table for each,
    [gates.custom."my_module.my_gate"], with its settings."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return the settings of a gate in the folder."""

    @field_validator("custom", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return {path: {} for path in value}
        return {path: _table(table) for path, table in value.items()} if isinstance(value, Mapping) else value

    def entries(self) -> Iterator[tuple[str, GateSettings]]:
        """Yield name and settings of the gates in the folder."""
        for name, settings in self:
            if isinstance(settings, GateSettings):
                yield name, settings

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield config key and column of each column that the settings name."""
        for name, settings in self.entries():
            for column in getattr(settings, "columns", {}):
                yield f"gates.{name}.columns", column

    def check(self, label: Label) -> None:
        """Check that the keys have an effect for the label's task.

        Raises:
            ValueError: A key has no effect for this task.
        """
        for _, settings in self.entries():
            settings.check(label)

    def loaded(self) -> list[Gate]:
        """Import the gates: those of the folder, then the user-defined ones.

        Raises:
            UserError: A user-defined gate cannot be used.
        """
        modules = module_names()
        folder = [Gate(name, settings, _module(modules[name]).judge) for name, settings in self.entries()]
        return [*folder, *(user_gate(path, values) for path, values in self.custom.items())]

    def findings(
        self, context: GateContext, *, advisory: bool = False, rejected: Collection[str | None] = ()
    ) -> list[Finding]:
        """Run the gates.

        Args:
            context: The run.
            advisory: Whether the gates only warn.
            rejected: Columns that differ from the schema, about which gates report nothing further.
        """
        findings = list(unlearnable.judge(context))
        for gate in self.loaded():
            findings += gate.findings(context, advisory=advisory)
        accepted = (finding for finding in findings if finding.column is None or finding.column not in rejected)
        return gate_findings.merge_splits(accepted)

    def modules(self) -> list[str]:
        """Return the modules of all gates, for the digest of the stage's code."""
        return [*module_names().values(), *(path.rpartition(".")[0] for path in self.custom)]


def user_gate(path: str, values: Mapping[str, Any]) -> Gate:
    """Import a user-defined gate and validate its settings.

    Args:
        path: MODULE.FUNCTION; the module may define `Settings`, a subclass of GateSettings.
        values: Settings of the gate, as in the config.

    Raises:
        UserError: The function does not exist, or the settings are invalid.
    """
    name, _, function = path.rpartition(".")
    module = _module(name)
    settings, judge = getattr(module, "Settings", GateSettings), getattr(module, function, None)
    if not callable(judge):
        raise UserError(f"gates.custom: {path!r} is not a function: expected {function}(context, settings) in {name}")
    if not (isinstance(settings, type) and issubclass(settings, GateSettings)):
        raise UserError(f"gates.custom: Settings of {name} is not a subclass of spec.gates.GateSettings")
    try:
        return Gate(path, settings.model_validate(values), judge)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        keys = ", ".join(settings.model_fields)
        raise UserError(f'gates.custom."{path}": {"; ".join(faults)}. Known keys: {keys}') from error


def _module(name: str) -> Any:
    return importlib.import_module(name)


if TYPE_CHECKING:
    Gates = GatesBase
else:
    Gates = create_model(
        "Gates",
        __base__=GatesBase,
        __module__=__name__,
        **{
            name: (Annotated[settings, BeforeValidator(_table)], settings())
            for name, settings in ((name, _module(module).Settings) for name, module in module_names().items())
        },
    )
