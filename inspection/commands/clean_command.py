"""`inspect clean`: move files that no recent run, blessed or pushed model needs to the trash; restore, delete them."""

import argparse
import contextlib
import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from errors import ResourceError, UserError
from inspection.clean import trash
from inspection.clean.clean_up import Kept, Removal, pipelines, survey
from inspection.clean.pipeline_files import alone, size
from inspection.display_names import nearest
from inspection.inspect_parser import root_and_url
from inspection.store.metadata_store import Store, open_store
from inspection.text_output import drawn, table

LATEST = "latest"


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Return the files that can be removed, or were moved, put back or deleted, and a function that formats them."""
    root, url = root_and_url(args)
    root = os.path.abspath(root)
    if not os.path.isdir(root):
        raise UserError(f"{root} does not exist: name the folder of all runs with --root")
    known_pipelines = pipelines(store)
    if args.pipeline not in (None, *known_pipelines):
        raise UserError(f"no pipeline {args.pipeline!r} in {store.location}. {nearest(args.pipeline, known_pipelines)}")
    names = [name for name in known_pipelines if args.pipeline in (None, name)]
    if args.empty_trash:
        return _empty(root, args.pipeline)
    if args.undo is not None:
        return _undo(root, url, args.undo, names)
    return _clean(store, root, url, names, args)


def refuse(value: dict[str, Any]) -> None:
    """Raise an error if something was not removed, after the result was printed.

    Raises:
      ResourceError: Something could not be attributed, moved or deleted.
    """
    lines = [f"{name}: nothing is removed: {reason}" for name, reason in value["refused"].items()]
    if value["kept"]:
        lines.append(
            f"{len(value['kept'])} path{'s' if len(value['kept']) > 1 else ''} kept, see above: delete manually what "
            "you no longer need"
        )
    if lines:
        raise ResourceError("\n".join(lines))


def _clean(
    store: Store, root: str, url: str | None, names: Sequence[str], args: argparse.Namespace
) -> tuple[dict[str, Any], Callable[[], str]]:
    removable: list[Removal] = []
    kept_paths: list[Kept] = []
    busy: list[str] = []
    refused: dict[str, str] = {}
    trash_batch = trash.Batch(root)
    with trash.locked(root) if args.yes else contextlib.nullcontext():
        for name in names:
            # A run in progress may need any file of its pipeline.
            with alone(root, name) if args.yes else contextlib.nullcontext(True) as is_alone:
                if not is_alone:
                    busy.append(name)
                    continue
                result = survey(store, root, name, args.keep)
                kept_paths += result.kept
                if result.refused is not None:
                    refused[name] = result.refused
                elif args.yes and result.removable:
                    moved, failed = trash_batch.move(open_store(root, url, readonly=False), result.removable)
                    removable, kept_paths = removable + moved, kept_paths + failed
                else:
                    removable += result.removable
    trash_bytes = sum(size(entry.path) for entry in trash.entries(root))
    value = {
        "moved": bool(args.yes),
        "found": removable,
        "kept": kept_paths,
        "refused": refused,
        "left_alone": busy,
        "trash": {"folder": trash_batch.folder or None, "bytes": trash_bytes},
    }
    total = size_of(removable)
    lines = [f"{name}: a run is in progress, so nothing of it is removed" for name in busy]
    if not removable:
        reason = f": the last {args.keep} runs and the models that serve need all of it"
        lines.append(f"nothing to remove{'' if refused or kept_paths or busy else reason}")
    elif args.yes:
        lines.append(
            f"{total} moved to {trash_batch.folder}; the store keeps its records. "
            f"{_command('--undo', root)} puts it back"
        )
    else:
        lines.append(
            f"{total} can be removed: --yes moves it to {os.path.join(root, trash.FOLDER)}, and --undo puts it back"
        )
    if trash_bytes:
        lines.append(f"The trash uses {human(trash_bytes)}: {_command('--empty-trash', root)} frees it")
    return value, lambda: _text(removable, kept_paths, lines)


def _undo(root: str, url: str | None, time: str, names: Sequence[str]) -> tuple[dict[str, Any], Callable[[], str]]:
    with trash.locked(root), contextlib.ExitStack() as locks:
        entries = trash.entries(root)
        times = sorted({os.path.basename(entry.batch) for entry in entries})
        if not times:
            raise UserError(f"{os.path.join(root, trash.FOLDER)} contains nothing that can be put back")
        if time not in (LATEST, *times):
            raise UserError(f"the trash has no clean-up {time!r}. Clean-ups: {', '.join(times)}")
        selected = [
            entry for entry in entries if os.path.basename(entry.batch) == (times[-1] if time == LATEST else time)
        ]
        selected = [entry for entry in selected if entry.pipeline in names]
        busy = [name for name in {entry.pipeline for entry in selected} if not locks.enter_context(alone(root, name))]
        selected = [entry for entry in selected if entry.pipeline not in busy]
        put_back, kept_paths = trash.put_back(open_store(root, url, readonly=False), root, selected)
    restored = [
        Removal(pipeline=entry.pipeline, kind=entry.kind, path=entry.origin, size=size(entry.origin))
        for entry in put_back
    ]
    lines = [f"{name}: a run is in progress, so nothing is put back" for name in busy]
    lines.append(f"{size_of(restored)} put back")
    value = {"put_back": restored, "kept": kept_paths, "refused": {}, "left_alone": busy}
    return value, lambda: _text(restored, kept_paths, lines)


def _empty(root: str, pipeline: str | None) -> tuple[dict[str, Any], Callable[[], str]]:
    with trash.locked(root):
        entries = [entry for entry in trash.entries(root) if pipeline in (None, entry.pipeline)]
        removed, kept_paths = trash.empty(root, entries)
    lines = [f"{size_of(removed)} deleted" if removed else "the trash is empty"]
    return {"removed": removed, "kept": kept_paths, "refused": {}}, lambda: _text(removed, kept_paths, lines)


def _command(option: str, root: str) -> str:
    return f"`python runner.py inspect clean {option} --root {shlex.quote(root)}`"


def _text(removals: Sequence[Removal], kept_paths: Sequence[Kept], lines: Sequence[str]) -> str:
    groups: dict[tuple[str, str], list[Removal]] = {}
    for removal in removals:
        groups.setdefault((removal.pipeline, removal.kind), []).append(removal)
    paths = [[removal.pipeline, removal.kind, human(removal.size), removal.path] for removal in removals]
    totals = [[*key, f"{len(group):,}", size_of(group)] for key, group in sorted(groups.items())]
    return drawn(
        table(["PIPELINE", "WHAT", "SIZE", "PATH"], paths),
        table(["PIPELINE", "WHAT", "COUNT", "SIZE"], totals),
        table(["PIPELINE", "STAYS", "WHY"], [[path.pipeline, path.path, path.reason] for path in kept_paths]),
        lines,
    )


def size_of(removals: Sequence[Removal]) -> str:
    """Return the total size of several paths as text."""
    return human(sum(removal.size for removal in removals))


def human(count: float) -> str:
    """Format a number of bytes with a unit."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f"{count:.0f} B" if units[0] == "B" else f"{count:.1f} {units[0]}"
