"""Who may ask, and what an answer may do: hosts, origins, methods, paths, headers.

A page on 127.0.0.1 can be asked by every site that its user's browser visits. A name that such a site owns and lets
point here (DNS rebinding) stands in Host, and a request that it makes carries its Origin: both are refused.
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
"""No script at all, nothing from another host."""
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
    """Says whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


class Guard:
    """Wraps an application.

    Args:
      app: What answers.
      names: Host names under which it may be asked beside localhost and addresses in numbers, which nobody can point
        elsewhere.
    """

    def __init__(self, app: App, *, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or says why not."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return None

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                given = dict(message.get("headers", ()))
                kept = [
                    (name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in given
                ]
                message = {**message, "headers": [*message.get("headers", ()), *kept]}
            await send(message)

        refused = self._refused(scope)
        if refused is None:
            return await self._app(scope, receive, guarded)
        status, told = refused
        body = f"{told}\n".encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await guarded({"type": "http.response.start", "status": status, "headers": headers})
        await guarded({"type": "http.response.body", "body": body})

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Returns status and reason where a request is not to be answered."""
        given: dict[bytes, list[str]] = {}
        for name, value in scope["headers"]:
            given.setdefault(name.lower(), []).append(value.decode("latin-1"))
        hosts = given.get(b"host", [])
        if len(hosts) != 1 or not self.knows(hosts[0]):
            return 403, "This page answers under localhost and its own address only; --allow NAME adds a name."
        for origin in given.get(b"origin", []):
            if origin.lower() != f"http://{hosts[0]}".lower():
                return 403, "A page of another origin asks; it gets no answer."
        if scope["method"] not in ("GET", "HEAD"):
            return 405, "This page is for reading only."
        if not _plain(scope.get("raw_path") or scope["path"].encode()):
            return 400, "A path is of names and single slashes."
        return None

    def knows(self, host: str) -> bool:
        """Says whether a Host header names this server."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]").lower()
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _plain(raw: bytes) -> bool:
    """Says whether a path is one that no decoding, once or twice, leads out of its folder."""
    path = raw.split(b"?")[0].decode("latin-1")
    for _ in range(3):
        if re.search(r"[\x00-\x1f\x7f\\#]|//", path) or _STEP.search(path):
            return False
        path = urllib.parse.unquote(path)
    return True


def own_name() -> str:
    """Returns this machine's name, under which others reach it where it is exposed."""
    return socket.gethostname().lower()
