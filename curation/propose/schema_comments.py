"""Carries reviewed comments of a schema file over to the one that follows it."""

import re
from dataclasses import dataclass, field

_NAME = re.compile(r'\s*name:\s*"((?:[^"\\]|\\.)*)"')
_MEASURED = re.compile(r"#.*\bmissing$")
"""A comment that the proposal writes itself, with figures that go stale."""


@dataclass
class Comments:
    """Comment lines of a schema's text.

    Attributes:
        head: Those at its top, up to the first blank line.
        above: Column -> those right above its block.
        within: Column -> those inside its block.
    """

    head: list[str] = field(default_factory=list)
    above: dict[str, list[str]] = field(default_factory=dict)
    within: dict[str, list[str]] = field(default_factory=dict)


def find(text: str) -> Comments:
    """Find the comments.

    Args:
        text: A schema in protobuf's text form, one block a column.
    """
    lines = text.splitlines()
    found = Comments()
    while lines and lines[0].startswith("#"):
        found.head.append(lines.pop(0))
    pending: list[str] = []
    own: list[str] = []
    name: str | None = None
    inside = False
    for line in lines:
        bare = line.strip()
        if line.startswith("feature {"):
            inside, own, name = True, [], None
        elif inside and line.startswith("}"):
            if name is not None:
                found.above[name], found.within[name] = pending, own
            inside, pending = False, []
        elif inside and bare.startswith("#"):
            own.append(line)
        elif inside and name is None and (match := _NAME.match(line)):
            name = match[1]
        elif not inside:
            pending = [*pending, line] if bare.startswith("#") else []
        if inside and not bare.startswith("#") and "#" in _outside_quotes(line):
            own.append("  " + line[_outside_quotes(line).index("#") :])
    return found


def carry(before: str, after: str) -> str:
    """Put the comments of one text into another.

    Args:
        before: The reviewed schema.
        after: The proposal that takes its place, as `schema_text` writes it.

    Returns:
        The proposal with the head of the reviewed text and, beside each column that both have, its comments.
    """
    known, own = find(before), find(after)
    lines = after.splitlines()[len(own.head) :]
    made = known.head or own.head
    names = [match[1] for line in lines if (match := _NAME.match(line)) and line.startswith("  name:")]
    features = iter(names)
    for line in lines:
        if line.startswith("feature {"):
            name = next(features)
            made += [*known.above.get(name, []), line]
        elif line.startswith("  name:") and (match := _NAME.match(line)):
            made.append(line)
            if match[1] in known.within and match[1] in own.within:
                made += [text for text in known.within.pop(match[1]) if not _MEASURED.search(text)]
        else:
            made.append(line)
    return "\n".join(made) + "\n"


def _outside_quotes(line: str) -> str:
    """The line with what stands in quotes blanked out."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: "." * len(match[0]), line)
