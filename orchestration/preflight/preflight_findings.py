"""Findings of preflight, and the error that reports them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from errors import GateError, PipelineError, ResourceError, UserError

MAX_FINDINGS = 20
"""Number of findings shown per file."""


@dataclass
class Check:
    """Result of one check.

    Attributes:
        name: Name of the check.
        text: Result if nothing is wrong.
        findings: Errors, each with its fix.
    """

    name: str
    text: str = ""
    findings: list[PipelineError] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the lines of the findings, each once."""
        return list(dict.fromkeys(line for error in self.findings for line in str(error).splitlines()))


def refuse(checks: Iterable[Check]) -> None:
    """Raise all findings as one error.

    Raises:
        UserError: config, data, schema or user code is invalid; the text has all findings.
        GateError: only the rows differ from the schema.
        ResourceError: only the store, the disk or the environment cannot be used.
    """
    failed = [check for check in checks if check.findings]
    if failed:
        kind = exit_kind(failed)
        lines = dict.fromkeys(line for check in failed for line in check.lines())
        raise kind("\n".join(lines)) from failed[0].findings[0]


def exit_kind(checks: Iterable[Check]) -> type[PipelineError]:
    """Return the error type of all findings: UserError before GateError before ResourceError."""
    errors = [error for check in checks for error in check.findings]
    kinds: tuple[type[PipelineError], ...] = (UserError, GateError)
    return next((kind for kind in kinds if any(isinstance(error, kind) for error in errors)), ResourceError)


def short(lines: list[str], path: str) -> list[str]:
    """Return at most MAX_FINDINGS findings of a file, and a line with the number of the others."""
    return (
        lines
        if len(lines) <= MAX_FINDINGS
        else [*lines[:MAX_FINDINGS], f"{path}: and {len(lines) - MAX_FINDINGS:,} more like these"]
    )
