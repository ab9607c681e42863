"""`ui`: the web page."""

import argparse
from typing import Any

from orchestration.cli import options

PORT = 8400


def add(commands: Any) -> None:
    """Its place among the commands."""
    ui = commands.add_parser("ui", help="look around in a browser: runs, models, data, logs; reads only")
    ui.add_argument("--port", type=_port, default=PORT, metavar="N", help=f"0: a free one (default: {PORT})")
    ui.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
    ui.add_argument("--expose", action="store_true", help="say that others may see everything, for another --host")
    ui.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name to answer under; may be given more than once",
    )
    options.add_store(ui, options.absent)
    ui.set_defaults(do=run)


def _port(text: str) -> int:
    """A port, as an argument's type; the system would take a larger number modulo 65536."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"expected 0 to 65535, got {port}")
    return port


def run(arguments: argparse.Namespace) -> int:
    """Serve until it is stopped."""
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
