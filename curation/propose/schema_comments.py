"""Transfer of reviewed comments from a schema file to its next version."""

import re
from dataclasses import dataclass, field

_NAME = re.compile(r'\s*name:\s*"((?:[^"\\]|\\.)*)"')
_MEASURED = re.compile(r"#.*\bmissing$|# kept .* in this data\b")
"""A generated comment, which goes stale."""


@dataclass
class Comments:
    """Comment lines of a schema's text.

    Attributes:
        head: Lines at the top, up to the first blank line.
        above: Column -> lines directly above its block.
        within: Column -> lines inside its block.
    """

    head: list[str] = field(default_factory=list)
    above: dict[str, list[str]] = field(default_factory=dict)
    within: dict[str, list[str]] = field(default_factory=dict)


def find(text: str) -> Comments:
    """Find the comments of a schema.

    Args:
        text: A schema in protobuf's text format, one block per column.
    """
    lines = text.splitlines()
    comments = Comments()
    while lines and lines[0].startswith("#"):
        comments.head.append(lines.pop(0))
    pending: list[str] = []
    block_comments: list[str] = []
    name: str | None = None
    inside = False
    for line in lines:
        bare = line.strip()
        if line.startswith("feature {"):
            inside, block_comments, name = True, [], None
        elif inside and line.startswith("}"):
            if name is not None:
                comments.above[name], comments.within[name] = pending, block_comments
            inside, pending = False, []
        elif inside and bare.startswith("#"):
            block_comments.append(line)
        elif inside and name is None and (match := _NAME.match(line)):
            name = match[1]
        elif not inside:
            pending = [*pending, line] if bare.startswith("#") else []
        if inside and not bare.startswith("#") and "#" in _outside_quotes(line):
            block_comments.append("  " + line[_outside_quotes(line).index("#") :])
    return comments


def carry(approved: str, proposed: str) -> str:
    """Copy the comments of a schema to the schema that replaces it.

    Args:
        approved: The reviewed schema.
        proposed: The proposal that replaces it, as `schema_text` writes it.

    Returns:
        The proposal with the head of the reviewed schema and the comments of each column that both have.
    """
    reviewed, generated = find(approved), find(proposed)
    lines = proposed.splitlines()[len(generated.head) :]
    head = reviewed.head or generated.head
    names = [match[1] for line in lines if (match := _NAME.match(line)) and line.startswith("  name:")]
    features = iter(names)
    for line in lines:
        if line.startswith("feature {"):
            name = next(features)
            head += [*reviewed.above.get(name, []), line]
        elif line.startswith("  name:") and (match := _NAME.match(line)):
            head.append(line)
            if match[1] in reviewed.within and match[1] in generated.within:
                head += [text for text in reviewed.within.pop(match[1]) if not _MEASURED.search(text)]
        else:
            head.append(line)
    return "\n".join(head) + "\n"


def _outside_quotes(line: str) -> str:
    """Replace quoted strings of a line by dots of the same length."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: "." * len(match[0]), line)
