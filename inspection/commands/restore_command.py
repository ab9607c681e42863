"""`inspect restore FILE`."""

import argparse
import os
from collections.abc import Callable
from typing import Any

from inspection.inspect_parser import place
from inspection.store.store_backup import restore


def answer(_: None, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Puts a backup in place, and returns where the store that was there is now."""
    root, url = place(args)
    aside = restore(os.path.abspath(root), url, args.file)
    told = f"; the store that was there is {aside} now" if aside else ""
    return {"restored": args.file, "aside": aside}, lambda: f"{args.file} is the store again{told}\n"
