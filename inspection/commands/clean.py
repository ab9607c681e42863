"""`inspect clean`: what no kept run, blessed or pushed model needs, and its removal."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

from inspection.cleaning import Removal, pipelines, removals, remove
from inspection.command import place
from inspection.drawing import drawn, table
from inspection.store import Store, open_store


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Returns what may go, or what went, and a function that draws it."""
    root, url = place(args)
    root = os.path.abspath(root)
    names = [name for name in pipelines(store) if args.pipeline in (None, name)]
    found: list[Removal] = []
    busy: list[str] = []
    if args.yes:
        writable = open_store(root, url, readonly=False)
    for name in names:
        gone = remove(writable, root, name, args.keep) if args.yes else removals(store, root, name, args.keep)
        found += gone or []
        busy += [name] if gone is None else []
    value = {"removed": bool(args.yes), "found": found, "left_alone": busy}
    return value, lambda: _text(found, busy, removed=args.yes, keep=args.keep)


def _text(found: Sequence[Removal], busy: Sequence[str], *, removed: bool, keep: int) -> str:
    lines = [f"{name}: a run goes on, so all of it stays\n" for name in busy]
    if not found:
        return "".join([*lines, f"nothing to remove: all belongs to the last {keep} runs, or to models that serve\n"])
    groups: dict[tuple[str, str], list[Removal]] = {}
    for each in found:
        groups.setdefault((each.pipeline, each.kind), []).append(each)
    rows = [[*key, f"{len(group):,}", size(sum(each.size for each in group))] for key, group in sorted(groups.items())]
    total = size(sum(each.size for each in found))
    lines.append(drawn(table(["PIPELINE", "WHAT", "COUNT", "SIZE"], rows)))
    lines.append(f"{total} removed; the store keeps their rows\n" if removed else f"{total} may go: --yes removes it\n")
    return "".join(lines)


def size(count: float) -> str:
    """Says bytes in the unit that a person would use."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f"{count:.0f} B" if units[0] == "B" else f"{count:.1f} {units[0]}"
