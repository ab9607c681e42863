"""Checks of requests (host, origin, method, path) and security headers of responses.

Every site that the user's browser visits can send requests to 127.0.0.1. With DNS rebinding, Host contains the name of
that site; with a cross-site request, Origin does. Both are refused.
"""

import ipaddress
import re
import socket
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""No scripts, and nothing from other hosts."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/@?#\\\s]+)(?::\d{1,5})?")
_STEP = re.compile(r"(?:^|[/\\])\.{1,2}(?:$|[/\\])")


def loopback(address: str) -> bool:
    """Return whether an address is reachable only from this machine."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


def host_check(names: Iterable[str]) -> Callable[[str], bool]:
    """Return a check of Host headers: localhost, IP addresses, which DNS cannot redirect, and these names pass."""
    accepted = {"localhost", *(name.lower() for name in names)}

    def knows(host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].strip("[]").lower()
        if name in accepted:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    return knows


class Guard:
    """ASGI middleware that refuses forbidden requests and adds security headers.

    Args:
      app: The application.
      names: Accepted host names, besides localhost and IP addresses, which DNS cannot redirect.
    """

    def __init__(self, app: App, *, names: Iterable[str] = ()) -> None:
        self._app = app
        self._knows = host_check(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or refuse it with a reason."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return None

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                existing = dict(message.get("headers", ()))
                security_headers = [
                    (name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in existing
                ]
                message = {**message, "headers": [*message.get("headers", ()), *security_headers]}
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            return await self._app(scope, receive, send_with_headers)
        status, reason = refusal
        body = f"{reason}\n".encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await send_with_headers({"type": "http.response.start", "status": status, "headers": headers})
        await send_with_headers({"type": "http.response.body", "body": body})

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and reason if a request is refused."""
        headers: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value.decode("latin-1"))
        hosts = headers.get(b"host", [])
        if len(hosts) != 1 or not self._knows(hosts[0]):
            return 403, "Unknown host name. Use localhost or the IP address, or start `ui` with --allow NAME."
        for origin in headers.get(b"origin", []):
            if origin.lower() != f"http://{hosts[0]}".lower():
                return 403, "Requests from another origin are refused."
        if scope["method"] not in ("GET", "HEAD"):
            return 405, "Only GET and HEAD are allowed: this page is read-only."
        if not _is_safe(scope.get("raw_path") or scope["path"].encode()):
            return 400, "Invalid path."
        return None


def _is_safe(raw: bytes) -> bool:
    """Return whether a path has no `..`, also after decoding it twice."""
    path = raw.split(b"?")[0].decode("latin-1")
    for _ in range(3):
        if re.search(r"[\x00-\x1f\x7f\\#]|//", path) or _STEP.search(path):
            return False
        path = urllib.parse.unquote(path)
    return True


def own_name() -> str:
    """Return the name of this machine, under which others reach it."""
    return socket.gethostname().lower()
