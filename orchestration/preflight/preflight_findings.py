"""What preflight found: all of it, each with what mends it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from errors import PipelineError, ResourceError, UserError

SHOWN = 20
"""Findings of one file that are told."""


@dataclass
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is, in a word or two.
        text: What was found where all is well.
        findings: What is wrong: errors whose text says how to mend it.
    """

    name: str
    text: str = ""
    findings: list[PipelineError] = field(default_factory=list)

    def told(self) -> list[str]:
        """The findings' lines, each once."""
        return list(dict.fromkeys(line for error in self.findings for line in str(error).splitlines()))


def refuse(checks: Iterable[Check]) -> None:
    """End where anything is wrong.

    Raises:
        UserError: config, data, schema or user code cannot be used; says all that is wrong, also of the machine.
        ResourceError: only the store, the disk or the environment cannot be used.
    """
    found = [check for check in checks if check.findings]
    if found:
        kind = exit_kind(found)
        raise kind("\n".join(dict.fromkeys(line for check in found for line in check.told()))) from found[0].findings[0]


def exit_kind(checks: Iterable[Check]) -> type[PipelineError]:
    """What the findings come to: the user's own things first."""
    errors = [error for check in checks for error in check.findings]
    return UserError if any(isinstance(error, UserError) for error in errors) else ResourceError


def short(lines: list[str], path: str) -> list[str]:
    """At most SHOWN lines about a file, and how many more there are."""
    return lines if len(lines) <= SHOWN else [*lines[:SHOWN], f"{path}: and {len(lines) - SHOWN:,} more like these"]
