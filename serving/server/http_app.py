"""ASGI application: limits, access control, compression and metrics around the routes."""

import gzip
import hmac
import time
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serving.server import rest_api
from serving.server.deadline import Deadlines
from serving.server.json_api import json_responses
from serving.server.metrics import Metrics
from serving.server.playground import playground
from serving.server.served_models import ServedModels
from serving.server.server_settings import ServerSettings
from serving.server.statuses import RequestError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_COMPRESS_FROM = 1024
"""Smallest compressed response, in bytes; compression of smaller ones gains little."""
_OPEN = ("/healthz", "/readyz")
"""Paths of health probes, which need no token."""


class HttpApp:
    """ASGI application of the server.

    Args:
        models: Models to serve.
        settings: Limits, token, origins and paths.
        metrics: Metrics that count the requests.
        log: Receives the description of an unexpected error.

    Attributes:
        draining: Whether the server stops: `/readyz` answers 503.
    """

    def __init__(
        self, models: ServedModels, settings: ServerSettings, metrics: Metrics, log: Callable[[str], object]
    ) -> None:
        self._models = models
        self._settings = settings
        self._metrics = metrics
        self._deadlines = Deadlines(settings.limits.seconds)
        self._log = log
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = {name.lower(): value for name, value in scope["headers"]}
        path = scope["raw_path"].decode("latin-1").partition("?")[0]
        response_headers: Headers = self._cors(headers)
        try:
            status, kind, body = await self._answer(scope["method"], path, headers, receive)
        except RequestError as error:
            status, kind, body = error.http_status, "application/json", json_responses.error(error.message)
            if error.code == "UNAVAILABLE":
                response_headers.append((b"retry-after", b"1"))
            if error.code == "UNAUTHENTICATED":
                response_headers.append((b"www-authenticate", b"Bearer"))
            if status in (413, 504):
                response_headers.append((b"connection", b"close"))  # the rest of the body is not read
        if path == "/" or path.startswith(playground.PREFIX):
            response_headers += playground.HEADERS
        if len(body) >= _COMPRESS_FROM and _accepts_gzip(headers.get(b"accept-encoding", b"")):
            body = gzip.compress(body, 1)
            response_headers.append((b"content-encoding", b"gzip"))
        response_headers += [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": response_headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(
        self, method: str, path: str, headers: dict[bytes, bytes], receive: Receive
    ) -> tuple[int, str, bytes]:
        """Return the HTTP status, content type and body of the response."""
        host = headers.get(b"host", b"").decode("latin-1")
        if self._settings.accepts_host is not None and not self._settings.accepts_host(host):
            raise RequestError(f"unknown host name {host}: use localhost or the address", "PERMISSION_DENIED")
        if path in _OPEN and method in ("GET", "HEAD"):
            return self._health(path)
        if method == "OPTIONS" and b"origin" in headers and self._settings.origins:
            return 200, "text/plain", b""
        if self._settings.playground and method in ("GET", "HEAD") and (page := playground.file(path)):
            return 200, *page
        self._check_token(headers.get(b"authorization", b""))
        if path == self._settings.metrics_path and method == "GET":
            return 200, "text/plain; version=0.0.4; charset=utf-8", self._metrics.text()
        if self._settings.playground and path == playground.MODELS and method == "GET":
            return 200, "application/json", json_responses.dumps(playground.describe(self._models))
        if not path.lower().startswith("/v1/"):
            raise RequestError(f"there is nothing at {path}", "NOT_FOUND")
        return 200, "application/json", await self._model_request(method, path, headers, receive)

    def _health(self, path: str) -> tuple[int, str, bytes]:
        if path == "/readyz" and (self.draining or not self._models.ready):
            return 503, "text/plain", b"not ready\n"
        return 200, "text/plain", b"ok\n"

    def _check_token(self, header: bytes) -> None:
        token = self._settings.token
        if token is not None and not hmac.compare_digest(header, f"Bearer {token}".encode()):
            raise RequestError("send the header Authorization: Bearer TOKEN with the server's token", "UNAUTHENTICATED")

    async def _model_request(self, method: str, path: str, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        started = time.monotonic()
        route = None
        code = "OK"
        try:
            route = rest_api.route(method, path)
            with self._deadlines.start():
                return await self._routed(route, headers, receive)
        except TimeoutError as error:
            code = "DEADLINE_EXCEEDED"
            raise RequestError(f"no response within {self._settings.limits.seconds:g} seconds", code) from error
        except RequestError as error:
            code = error.code
            raise
        except Exception as error:
            code = "INTERNAL"
            self._log(f"{method} {path}: {type(error).__name__}: {error}")
            raise RequestError("the server failed; see its log", code) from error
        finally:
            name = route.model if route and route.model in self._models.by_name else ""
            self._metrics.request(name, route.method if route else "", "REST", code, time.monotonic() - started)

    async def _routed(self, route: rest_api.Route, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        body = await self._body(headers, receive)
        return await rest_api.answer(self._models, route, body)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Read and decompress the body of a request.

        Raises:
            RequestError: the body exceeds the limit or cannot be decompressed, or the client disconnected.
        """
        limit = self._settings.limits.body_bytes
        length = headers.get(b"content-length", b"0")
        blocks: list[bytes] = []
        size = 0
        if length.isdigit() and int(length[:20]) > limit:
            raise _too_large(limit)
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestError("the client closed the connection", "CANCELLED")
            blocks.append(message.get("body", b""))
            size += len(blocks[-1])
            if size > limit:
                break
            if not message.get("more_body", False):
                return _decompressed(b"".join(blocks), headers.get(b"content-encoding", b""), limit)
        raise _too_large(limit)

    def _cors(self, headers: dict[bytes, bytes]) -> Headers:
        """Return the CORS headers for the origin of a request; none if the origin is not configured."""
        origin = headers.get(b"origin", b"").decode("latin-1")
        origins = self._settings.origins
        if not origin or not ("*" in origins or origin in origins):
            return []
        allowed = "*" if "*" in origins else origin
        return [
            (b"access-control-allow-origin", allowed.encode("latin-1")),
            (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
            (b"access-control-allow-headers", b"Content-Type, Authorization"),
            (b"vary", b"Origin"),
        ]


def _too_large(limit: int) -> RequestError:
    return RequestError(f"the body is larger than {limit} bytes: split the request", http_status=413)


def _accepts_gzip(header: bytes) -> bool:
    return any(part.strip().split(b";")[0] == b"gzip" and b"q=0" not in part for part in header.lower().split(b","))


def _decompressed(body: bytes, encoding: bytes, limit: int) -> bytes:
    """Decompress a body, up to a limit in bytes.

    Raises:
        RequestError: the body exceeds the limit, is not valid gzip, or has another encoding.
    """
    if encoding.lower() in (b"", b"identity"):
        return body
    if encoding.lower() != b"gzip":
        raise RequestError(f"Content-Encoding {encoding.decode('latin-1')} is not supported: use gzip", http_status=415)
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        content = unpack.decompress(body, limit + 1)
    except zlib.error as error:
        raise RequestError(f"the body is not gzip: {error}") from error
    if len(content) > limit:
        raise _too_large(limit)
    if not unpack.eof:
        raise RequestError("the body is not gzip: it ends early")
    return content
