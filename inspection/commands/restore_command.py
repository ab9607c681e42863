"""`inspect restore FILE`."""

import argparse
import os
from collections.abc import Callable
from typing import Any

from inspection.inspect_parser import root_and_url
from inspection.store.store_backup import restore


def answer(_: None, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Restore a backup; return the new path of the previous store, and a function that formats it."""
    root, url = root_and_url(args)
    previous = restore(os.path.abspath(root), url, args.file)
    note = f"; the previous store is {previous}" if previous else ""
    return {"restored": args.file, "aside": previous}, lambda: f"restored {args.file}{note}\n"
