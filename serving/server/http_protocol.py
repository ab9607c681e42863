"""HTTP connections with limits on the head of a request: its size, and the time that a client takes to send it."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.server.server_settings import Limits

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class LimitedProtocol(HttpToolsProtocol):  # type: ignore[misc]
    """uvicorn's protocol with httptools, which waits without limit for the head of a request of any size."""

    limits: Limits

    def connection_made(self, transport: Any) -> None:
        """Start the time for the first head."""
        super().connection_made(transport)
        self._head_bytes = 0
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
        """Start the time for the next head of a connection that is kept alive."""
        super().on_message_begin()
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Parse bytes, and refuse a head that is too large."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._timer is not None and self._head_bytes > self.limits.header_bytes:
            self._refuse(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Stop the time for the head."""
        self._head_bytes = 0
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time for the head."""
        self._stop_timer()
        super().connection_lost(exc)


def protocol(limits: Limits) -> Callable[..., Any]:
    """Return the class of connections with these limits."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})
