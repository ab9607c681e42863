"""`ui`: the web interface."""

import argparse
from typing import Any

from orchestration.cli import options

PORT = 8400


def add(commands: Any) -> None:
    """Add the command to the parser."""
    ui = commands.add_parser("ui", help="show runs, models, data and logs in a browser, read-only")
    ui.add_argument("--port", type=_port, default=PORT, metavar="N", help=f"port; 0 for any free one (default: {PORT})")
    ui.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)")
    ui.add_argument("--expose", action="store_true", help="confirm that others may see everything, for another --host")
    ui.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="NAME",
        help="host name that requests may use; can be repeated",
    )
    options.add_store(ui, options.absent)
    ui.set_defaults(do=run)


def _port(text: str) -> int:
    """Parse a port; the system would take a larger number modulo 65536."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"expected 0 to 65535, got {port}")
    return port


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    from inspection.web.server import serve

    serve(
        arguments.root,
        arguments.metadata,
        host=arguments.host,
        port=arguments.port,
        expose=arguments.expose,
        names=arguments.allow,
    )
    return 0
