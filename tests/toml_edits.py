"""Sets keys in the text of a TOML file, as a reader of the documents does in an editor: comments and order stay."""

import re
from collections.abc import Iterator

import tomli


def merged(text: str, snippet: str) -> str:
    """Return a TOML text with the keys of a snippet set, and its `[[tables]]` appended."""
    lines = text.splitlines()
    for header, statements in _sections(snippet.splitlines()):
        if header.startswith("[["):
            lines += ["", header, *(line for statement in statements for line in statement)]
            continue
        if header and header not in lines:
            lines += ["", header]
        for statement in statements:
            first = lines.index(header) + 1 if header else 0
            last = next((n for n in range(first, len(lines)) if re.match(r"\[+[\w.]+\]+", lines[n])), len(lines))
            key = statement[0].partition("=")[0].strip()
            place = next((n for n in range(first, last) if re.match(rf"{re.escape(key)}\s*=", lines[n])), None)
            if place is None:
                lines[first:first] = statement
            else:
                lines[place : place + len(_statement(lines, place))] = statement
    result = "\n".join(lines) + "\n"
    tomli.loads(result)
    return result


def _sections(lines: list[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield each table's header, "" above the first, and its statements."""
    header, statements, number = "", [], 0
    while number < len(lines):
        line = lines[number]
        if re.match(r"\[+[\w.]+\]+", line):
            if statements:
                yield header, statements
            header, statements = line.partition("#")[0].strip(), []
        elif line.strip() and not line.startswith("#"):
            statements.append(_statement(lines, number))
            number += len(statements[-1]) - 1
        number += 1
    yield header, statements


def _statement(lines: list[str], first: int) -> list[str]:
    """Return the lines of the `key = value` that begins at a line."""
    for last in range(first + 1, len(lines) + 1):
        try:
            tomli.loads("\n".join(lines[first:last]))
        except tomli.TOMLDecodeError:
            continue
        return lines[first:last]
    raise AssertionError(f"not TOML: {lines[first]}")
