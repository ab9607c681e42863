"""`inspect backup FILE`."""

import argparse
import os
from collections.abc import Callable
from typing import Any

from inspection.backup import backup
from inspection.command import place
from inspection.commands.clean import human


def answer(_: None, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Copies the store, and returns what came of it."""
    root, url = place(args)
    count = backup(os.path.abspath(root), url, args.file)
    return {"file": args.file, "bytes": count}, lambda: f"{args.file}: {human(count)}\n"
