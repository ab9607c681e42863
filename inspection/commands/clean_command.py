"""`inspect clean`: what no kept run, blessed or pushed model needs, its way to the trash and back, and its removal."""

import argparse
import contextlib
import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from errors import ResourceError, UserError
from inspection.clean import trash
from inspection.clean.clean_up import Kept, Removal, alone, pipelines, size, survey
from inspection.display_names import nearest
from inspection.inspect_parser import place
from inspection.store.metadata_store import Store, open_store
from inspection.text_output import drawn, table

LATEST = "latest"


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Returns what may go, was moved, put back or removed, and a function that draws it."""
    root, url = place(args)
    root = os.path.abspath(root)
    if not os.path.isdir(root):
        raise UserError(f"{root} is not there: name the folder of all runs with --root")
    known = pipelines(store)
    if args.pipeline not in (None, *known):
        raise UserError(f"no pipeline {args.pipeline!r} in {store.where}. {nearest(args.pipeline, known)}")
    names = [name for name in known if args.pipeline in (None, name)]
    if args.empty_trash:
        return _empty(root, args.pipeline)
    if args.undo is not None:
        return _undo(root, url, args.undo, names)
    return _clean(store, root, url, names, args)


def refuse(value: dict[str, Any]) -> None:
    """Ends the command with what was left alone and why, after it was shown.

    Raises:
      ResourceError: Something could not be attributed, moved or removed.
    """
    lines = [f"{name}: nothing is removed: {reason}" for name, reason in value["refused"].items()]
    if value["kept"]:
        lines.append(
            f"{len(value['kept'])} path{'s' if len(value['kept']) > 1 else ''} left alone, see above: remove by hand "
            "what you know to be of no use any more"
        )
    if lines:
        raise ResourceError("\n".join(lines))


def _clean(
    store: Store, root: str, url: str | None, names: Sequence[str], args: argparse.Namespace
) -> tuple[dict[str, Any], Callable[[], str]]:
    found: list[Removal] = []
    kept: list[Kept] = []
    busy: list[str] = []
    refused: dict[str, str] = {}
    batch = trash.Batch(root)
    with trash.held(root) if args.yes else contextlib.nullcontext():
        for name in names:
            # A run may need any of it.
            with alone(root, name) if args.yes else contextlib.nullcontext(True) as is_alone:
                if not is_alone:
                    busy.append(name)
                    continue
                seen = survey(store, root, name, args.keep)
                kept += seen.kept
                if seen.refused is not None:
                    refused[name] = seen.refused
                elif args.yes and seen.found:
                    moved, failed = batch.move(open_store(root, url, readonly=False), seen.found)
                    found, kept = found + moved, kept + failed
                else:
                    found += seen.found
    waiting = sum(size(each.path) for each in trash.entries(root))
    value = {
        "moved": bool(args.yes),
        "found": found,
        "kept": kept,
        "refused": refused,
        "left_alone": busy,
        "trash": {"folder": batch.folder or None, "bytes": waiting},
    }
    total = size_of(found)
    lines = [f"{name}: a run goes on, so all of it stays" for name in busy]
    if not found:
        reason = f": all of it belongs to the last {args.keep} runs, or to models that serve"
        lines.append(f"nothing to remove{'' if refused or kept or busy else reason}")
    elif args.yes:
        lines.append(
            f"{total} moved to {batch.folder}; the store keeps their rows. {_command('--undo', root)} puts it back"
        )
    else:
        lines.append(
            f"{total} may go: --yes moves it to {os.path.join(root, trash.FOLDER)}, from where it can be put back"
        )
    if waiting:
        lines.append(f"The trash takes {human(waiting)} of the disk: {_command('--empty-trash', root)} frees it")
    return value, lambda: _text(found, kept, lines)


def _undo(root: str, url: str | None, time: str, names: Sequence[str]) -> tuple[dict[str, Any], Callable[[], str]]:
    with trash.held(root), contextlib.ExitStack() as locks:
        there = trash.entries(root)
        times = sorted({os.path.basename(each.batch) for each in there})
        if not times:
            raise UserError(f"{os.path.join(root, trash.FOLDER)} holds nothing that could be put back")
        if time not in (LATEST, *times):
            raise UserError(f"the trash has no clean-up {time!r}. There is: {', '.join(times)}")
        wanted = [e for e in there if os.path.basename(e.batch) == (times[-1] if time == LATEST else time)]
        wanted = [each for each in wanted if each.pipeline in names]
        busy = [name for name in {e.pipeline for e in wanted} if not locks.enter_context(alone(root, name))]
        wanted = [each for each in wanted if each.pipeline not in busy]
        back, kept = trash.put_back(open_store(root, url, readonly=False), root, wanted)
    found = [Removal(pipeline=e.pipeline, kind=e.kind, path=e.origin, size=size(e.origin)) for e in back]
    lines = [f"{name}: a run goes on, so nothing is put back" for name in busy]
    lines.append(f"{size_of(found)} put back")
    value = {"put_back": found, "kept": kept, "refused": {}, "left_alone": busy}
    return value, lambda: _text(found, kept, lines)


def _empty(root: str, pipeline: str | None) -> tuple[dict[str, Any], Callable[[], str]]:
    with trash.held(root):
        there = [each for each in trash.entries(root) if pipeline in (None, each.pipeline)]
        removed, kept = trash.empty(root, there)
    lines = [f"{size_of(removed)} removed from the disk" if removed else "the trash is empty"]
    return {"removed": removed, "kept": kept, "refused": {}}, lambda: _text(removed, kept, lines)


def _command(option: str, root: str) -> str:
    return f"`python runner.py inspect clean {option} --root {shlex.quote(root)}`"


def _text(found: Sequence[Removal], kept: Sequence[Kept], lines: Sequence[str]) -> str:
    groups: dict[tuple[str, str], list[Removal]] = {}
    for each in found:
        groups.setdefault((each.pipeline, each.kind), []).append(each)
    paths = [[each.pipeline, each.kind, human(each.size), each.path] for each in found]
    totals = [[*key, f"{len(group):,}", size_of(group)] for key, group in sorted(groups.items())]
    return drawn(
        table(["PIPELINE", "WHAT", "SIZE", "PATH"], paths),
        table(["PIPELINE", "WHAT", "COUNT", "SIZE"], totals),
        table(["PIPELINE", "STAYS", "WHY"], [[each.pipeline, each.path, each.reason] for each in kept]),
        lines,
    )


def size_of(found: Sequence[Removal]) -> str:
    """Says how much several things take."""
    return human(sum(each.size for each in found))


def human(count: float) -> str:
    """Says bytes in the unit that a person would use."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f"{count:.0f} B" if units[0] == "B" else f"{count:.1f} {units[0]}"
