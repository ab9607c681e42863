"""HTTP connections with limits on the head of a request, its size and the time until it is complete."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.server.server_settings import Limits

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class JoinedWrites:
    """Transport that joins the writes of one step of the event loop into one system call.

    uvicorn writes the head and the body of a response separately, and the call is the largest part of a small response.

    Args:
        transport: Transport of the connection; it has all other attributes.
        loop: Event loop of the connection.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._blocks: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, block: bytes) -> None:
        """Send a block at the end of this step."""
        if not self._blocks:
            self._loop.call_soon(self._flush)
        self._blocks.append(block)

    def close(self) -> None:
        """Close the connection after the pending writes."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        blocks, self._blocks = self._blocks, []
        if blocks and not self._transport.is_closing():
            self._transport.write(b"".join(blocks))


class LimitedProtocol(HttpToolsProtocol):  # type: ignore[misc]
    """HttpToolsProtocol of uvicorn, which has no limits of its own, with limits on the head of a request."""

    limits: Limits

    def connection_made(self, transport: Any) -> None:
        """Start the timer for the head of the first request."""
        super().connection_made(JoinedWrites(transport, self.loop))
        self._head_bytes = 0
        self._in_head = True
        self._timer: asyncio.TimerHandle | None = None
        self._start_timer()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.limits.seconds, self._refuse, _TOO_SLOW)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, response: bytes) -> None:
        self._stop_timer()
        self.transport.write(response)
        self.transport.close()

    def on_message_begin(self) -> None:
        """Note that a head begins, of a first request or of a next one on a connection that is kept alive."""
        super().on_message_begin()
        self._in_head = True

    def data_received(self, data: bytes) -> None:
        """Parse bytes; respond with 431 and close if the head is too large."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head:  # most heads arrive as a whole, and need no timer
            self._start_timer()
            if self._head_bytes > self.limits.header_bytes:
                self._refuse(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Stop the timer for the head."""
        self._head_bytes = 0
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer for the head."""
        self._stop_timer()
        super().connection_lost(exc)


def protocol(limits: Limits) -> Callable[..., Any]:
    """Return a subclass of LimitedProtocol with these limits, for uvicorn's `http`."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})
