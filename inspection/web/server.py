"""Server of the pages."""

import os
import socket
from collections.abc import Iterable

import printing
from errors import ResourceError, UserError
from inspection.web import request_guard


def serve(
    root: str,
    metadata: str | None,
    *,
    host: str,
    port: int,
    expose: bool,
    names: Iterable[str] = (),
) -> None:
    """Print the address to standard output and serve the pages until interrupted.

    Args:
      root: The folder of all runs.
      metadata: URL of the store; None for SQLite in the root.
      host: The address to listen on.
      port: The port; 0 for a free one.
      expose: Whether addresses that others can reach are allowed.
      names: Accepted host names besides localhost.

    Raises:
      UserError: Others can reach the address, and `expose` is not set.
      ResourceError: The address or port is not available.
    """
    if not request_guard.loopback(host) and not expose:
        raise UserError(
            f"--host {host}: anyone who can reach this address would see all runs, data and logs without a password. "
            "Omit --host to serve only this machine, or add --expose"
        )
    import uvicorn

    from inspection.web.app import application  # `serve` of models only listens

    listening = listen(host, port)
    address = f"[{host}]" if ":" in host else host
    printing.line(f"http://{address}:{listening.getsockname()[1]}/  (Ctrl-C stops it)")
    accepted = [*names, *([request_guard.own_name()] if expose else [])]
    app = application(os.path.abspath(root) if "://" not in root else root, metadata, names=accepted)
    # h11 limits the size of a request's head; httptools, which uvicorn prefers, does not.
    config = uvicorn.Config(
        app, http="h11", log_level="warning", lifespan="off", server_header=False, proxy_headers=False, ws="none"
    )
    uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """Bind a port before heavy imports, so that an error is immediate.

    Args:
      host: The address to listen on.
      port: The port; 0 for a free one.

    Raises:
      ResourceError: The address or port is not available.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With the protocol named, asyncio sets TCP_NODELAY; without, each response waits 40 ms for the client.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)  # requests wait until everything is loaded
    except (OSError, UnicodeError) as error:  # a host name of more than 63 letters
        raise ResourceError(
            f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}. Choose another --port"
        ) from error
    return listening
