"""`inspect backup FILE`."""

import argparse
import os
from collections.abc import Callable
from typing import Any

from inspection.commands.clean_command import human
from inspection.inspect_parser import root_and_url
from inspection.store.store_backup import backup


def answer(_: None, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Copy the store; return the size of the copy, and a function that formats it."""
    root, url = root_and_url(args)
    count = backup(os.path.abspath(root), url, args.file)
    return {"file": args.file, "bytes": count}, lambda: f"{args.file}: {human(count)}\n"
