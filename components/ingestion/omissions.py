"""What of the data is not read as it lies there: skipped, left out, cut, converted; by reason, with the first names.

Readers add to it, and everything that shows a run takes it from here: the line of ingestion, `new`, `doctor`,
`schema diff` and, by the file beside the examples' counts, the report.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

NAMED = 20
"""Names of files and folders that are kept of one reason."""
SHOWN = 3
"""Names of files and folders in a sentence."""
SHOWN_COLUMNS = 12
"""Names of columns in a sentence."""
LONGEST = 60
"""Characters of a name in a sentence."""


@dataclass
class Omission:
    """One reason.

    Attributes:
        action: What was done: `skipped`, `left out`, `cut`, `converted`, `not used`, or `read` where that may surprise.
        kind: What it was done to: `file`, `folder`, `sheet`, `column`, `row`, `line`, `cell` or `range`.
        reason: Why, or to what, as the end of a sentence.
        count: How many of them.
        names: The first ones: paths below the data's folder; all names of columns, and of rows none.
    """

    action: str
    kind: str
    reason: str
    count: int = 0
    names: list[str] = field(default_factory=list)

    def line(self) -> str:
        """All of it in a sentence."""
        most = SHOWN_COLUMNS if self.kind == "column" else SHOWN
        shown = ", ".join(map(short, self.names[:most]))
        more = ", ..." if self.names and self.count > min(len(self.names), most) else ""
        named = f" ({shown}{more})" if shown else ""
        return f"{self.action} {_counted(self.count, self.kind)}: {self.reason}{named}"


class Omissions:
    """Gathers reasons, in the order in which they first come."""

    def __init__(self, plain: Iterable[Mapping[str, Any]] = ()) -> None:
        self._found: dict[tuple[str, str, str], Omission] = {}
        for each in plain:
            self._take(Omission(**each))

    def __iter__(self) -> Iterator[Omission]:
        return iter(self._found.values())

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, kind: str, reason: str, name: str | None = None, *, action: str = "skipped", count: int = 1) -> None:
        """Count one more.

        Args:
            kind: As `Omission` has it.
            reason: Why; equal reasons are counted together.
            name: Its path or name; None where it has none.
            action: What was done.
            count: How many they are.
        """
        self._take(Omission(action, kind, reason, count, [] if name is None else [name]))

    def merge(self, other: "Omissions") -> None:
        """Take another part's."""
        for each in other:
            self._take(each)

    def _take(self, other: Omission) -> None:
        key = (other.action, other.kind, other.reason)
        own = self._found.setdefault(key, Omission(*key))
        if other.kind == "column":
            # Every file has it, and it is one.
            own.names = list(dict.fromkeys([*own.names, *other.names]))
            own.count = len(own.names)
            return
        own.count += other.count
        own.names += other.names[: NAMED - len(own.names)]

    def plain(self) -> list[dict[str, Any]]:
        """As JSON has it."""
        return [asdict(each) for each in self]

    def lines(self) -> list[str]:
        """A sentence a reason, for the terminal."""
        return [each.line() for each in self]

    def summary(self) -> list[str]:
        """How many there are, without the reasons: `skipped 3 files, 1 folder`."""
        totals: dict[str, dict[str, int]] = {}
        for each in self:
            counts = totals.setdefault(each.action, {})
            counts[each.kind] = counts.get(each.kind, 0) + each.count
        return [
            f"{action} {', '.join(_counted(count, kind) for kind, count in counts.items())}"
            for action, counts in totals.items()
        ]


def _counted(count: int, kind: str) -> str:
    return f"{count:,} {kind}{'' if count == 1 else 's'}"


def short(name: str) -> str:
    """A name in a sentence: its end where it is long, and what is no text as an escape."""
    plain = name.encode("utf-8", "backslashreplace").decode()
    plain = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in plain)
    return (plain or "''") if len(plain) <= LONGEST else f"...{plain[-LONGEST:]}"
