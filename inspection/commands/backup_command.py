"""`inspect backup FILE`."""

import argparse
import os
from collections.abc import Callable
from typing import Any

from inspection.commands.clean_command import human
from inspection.inspect_parser import place
from inspection.store.store_backup import backup


def answer(_: None, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Copies the store, and returns what came of it."""
    root, url = place(args)
    count = backup(os.path.abspath(root), url, args.file)
    return {"file": args.file, "bytes": count}, lambda: f"{args.file}: {human(count)}\n"
