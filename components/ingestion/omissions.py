"""Omissions: parts of the data that are skipped, dropped, cut or converted, counted by reason, with the first names.

Readers record them; the summary of ingestion, `new`, `doctor`, `schema diff` and the report show them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

NAMED = 20
"""Largest number of file names stored per reason."""
SHOWN = 3
"""Largest number of file names in a sentence."""
SHOWN_COLUMNS = 12
"""Largest number of column names in a sentence."""
LONGEST = 60
"""Largest number of characters of a name in a sentence."""


@dataclass
class Omission:
    """Omissions with one reason.

    Attributes:
        action: `skipped`, `left out`, `cut`, `converted`, `not used`, or `read` for a part that a user may not expect.
        kind: Kind of the part: `file`, `folder`, `sheet`, `column`, `row`, `line`, `cell` or `range`.
        reason: Reason, or result of a conversion, as the end of a sentence.
        count: Number of omitted parts.
        names: First names: paths below the data's folder; all names of columns, and none of rows.
    """

    action: str
    kind: str
    reason: str
    count: int = 0
    names: list[str] = field(default_factory=list)

    def line(self, *, rest: str = "...") -> str:
        """Return a sentence with action, count, reason and names.

        Args:
            rest: Text in place of the names that do not fit.
        """
        limit = SHOWN_COLUMNS if self.kind == "column" else SHOWN
        names = ", ".join(map(short, self.names[:limit]))
        more = f", {rest}" if self.names and self.count > min(len(self.names), limit) else ""
        listed = f" ({names}{more})" if names else ""
        return f"{self.action} {_counted(self.count, self.kind)}: {self.reason}{listed}"


class Omissions:
    """Omissions by reason, in the order in which they were first recorded."""

    def __init__(self, plain: Iterable[Mapping[str, Any]] = ()) -> None:
        self._found: dict[tuple[str, str, str], Omission] = {}
        for entry in plain:
            self._take(Omission(**entry))

    def __iter__(self) -> Iterator[Omission]:
        return iter(self._found.values())

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, kind: str, reason: str, name: str | None = None, *, action: str = "skipped", count: int = 1) -> None:
        """Record an omission.

        Args:
            kind: As `Omission` has it.
            reason: Why; equal reasons are counted together.
            name: Path or name of the part, if it has one.
            action: Action, as `Omission` has it.
            count: Number of omissions.
        """
        self._take(Omission(action, kind, reason, count, [] if name is None else [name]))

    def merge(self, other: "Omissions") -> None:
        """Add the omissions of another part of the data."""
        for omission in other:
            self._take(omission)

    def extend(self, further: "Omissions") -> None:
        """Take the counts of a reading of more rows of the same data, where they are larger."""
        for omission in further:
            key = (omission.action, omission.kind, omission.reason)
            if key not in self._found or self._found[key].count < omission.count:
                self._found[key] = omission

    def _take(self, added: Omission) -> None:
        key = (added.action, added.kind, added.reason)
        omission = self._found.setdefault(key, Omission(*key))
        if added.kind == "column":
            # A column counts once, although every file has it.
            omission.names = list(dict.fromkeys([*omission.names, *added.names]))
            omission.count = len(omission.names)
            return
        omission.count += added.count
        omission.names += added.names[: NAMED - len(omission.names)]

    def plain(self) -> list[dict[str, Any]]:
        """Return JSON-able values."""
        return [asdict(omission) for omission in self]

    def lines(self, *, rest: str = "...") -> list[str]:
        """Return one sentence per reason, with `rest` in place of the names that do not fit."""
        return [omission.line(rest=rest) for omission in self]

    def summary(self) -> list[str]:
        """Return counts per action, without the reasons: `skipped 3 files, 1 folder`."""
        totals: dict[str, dict[str, int]] = {}
        for omission in self:
            counts = totals.setdefault(omission.action, {})
            counts[omission.kind] = counts.get(omission.kind, 0) + omission.count
        return [
            f"{action} {', '.join(_counted(count, kind) for kind, count in counts.items())}"
            for action, counts in totals.items()
        ]


def _counted(count: int, kind: str) -> str:
    return f"{count:,} {kind}{'' if count == 1 else 's'}"


def short(name: str) -> str:
    """Shorten a name to its end, and escape characters that are not printable."""
    plain = name.encode("utf-8", "backslashreplace").decode()
    plain = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in plain)
    return (plain or "''") if len(plain) <= LONGEST else f"...{plain[-LONGEST:]}"
