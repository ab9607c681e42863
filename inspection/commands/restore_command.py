"""`inspect restore FILE`."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inspection.inspect_parser import root_and_url
from inspection.store.store_backup import restore

SHOWN = 10
"""Missing artifacts that the text names."""


def answer(_: None, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Restore a backup; return the new path of the previous store, the missing artifacts, and a formatting function."""
    root, url = root_and_url(args)
    previous, missing = restore(os.path.abspath(root), url, args.file)
    gone = [{"artifact": int(artifact.id), "type": artifact.type, "path": artifact.uri} for artifact in missing]
    return {"restored": args.file, "aside": previous, "gone": gone}, lambda: _text(args.file, previous, gone)


def _text(file: str, previous: str | None, gone: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"restored {file}" + (f"; the previous store is {previous}" if previous else "")]
    if gone:
        are = "are" if len(gone) > 1 else "is"
        lines.append(
            f"{len(gone)} artifact{'s' if len(gone) > 1 else ''} of the backup {are} no longer on disk, and marked as "
            "deleted: stages that need them run again. To undo this, put the files back and restore again"
        )
        lines += [f"  {missing['type']} {missing['artifact']}: {missing['path']}" for missing in gone[:SHOWN]]
        lines += [f"  and {len(gone) - SHOWN} more: --json lists all"] if len(gone) > SHOWN else []
    return "\n".join(lines) + "\n"
