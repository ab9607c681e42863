"""Serves the pages until it is stopped."""

import os
import socket
from collections.abc import Iterable

import printing
from errors import ResourceError, UserError
from inspection.web import request_guard
from inspection.web.app import application


def serve(
    root: str,
    metadata: str | None,
    *,
    host: str,
    port: int,
    expose: bool,
    names: Iterable[str] = (),
) -> None:
    """Serves the pages; says the address on standard output, and returns when it is interrupted.

    Args:
      root: The folder of all runs.
      metadata: Where else the metadata is, or None.
      host: The address to listen on.
      port: The port; 0 for a free one.
      expose: Whether an address that others can reach is meant.
      names: Host names under which it may be asked beside localhost.

    Raises:
      UserError: The address is one that others can reach, and that is not said to be meant.
      ResourceError: The address or port cannot be had.
    """
    if not request_guard.loopback(host) and not expose:
        raise UserError(
            f"--host {host}: everybody who reaches this address would see all runs, data and logs, without a password. "
            "Leave --host out to serve this machine alone, or say --expose as well"
        )
    import uvicorn

    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    printing.line(f"http://{shown}:{listening.getsockname()[1]}/  (Ctrl-C stops it)")
    known = [*names, *([request_guard.own_name()] if expose else [])]
    app = application(os.path.abspath(root) if "://" not in root else root, metadata, names=known)
    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", server_header=False, proxy_headers=False, ws="none"
    )
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Takes the port before anything heavy is loaded, so that a taken one is told at once."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(128)  # who reads the address may ask at once and waits until all is loaded
    except (OSError, UnicodeError) as error:  # a name of more than 63 letters cannot be encoded
        raise ResourceError(
            f"{host}:{port} cannot be listened on: {getattr(error, 'strerror', None) or error}. Another --port may do"
        ) from error
    return made
