"""The server process: HTTP and gRPC in one event loop, until a signal stops it."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn

from errors import ResourceError
from serving.server import http_protocol
from serving.server.http_app import HttpApp
from serving.server.metrics import Metrics
from serving.server.served_models import ServedModels
from serving.server.server_settings import ServerSettings

Log = Callable[[str], object]
_STOP = (signal.SIGINT, signal.SIGTERM)


class _Server(uvicorn.Server):  # type: ignore[misc]
    """uvicorn's server, stopped by `stop` instead of by its own signal handlers, which raise the signal again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller."""
        yield


def run(listening: socket.socket, settings: ServerSettings, log: Log) -> None:
    """Serve until SIGINT or SIGTERM, then finish the requests that are running.

    Args:
        listening: Listening socket for HTTP.
        settings: Models, addresses and limits.
        log: Receives a line for each event.

    Raises:
        ResourceError: the port of gRPC is not available, or the TLS files cannot be read.
    """
    asyncio.run(serve(listening, settings, log))


async def serve(
    listening: socket.socket, settings: ServerSettings, log: Log, stop: "asyncio.Event | None" = None
) -> None:
    """Serve until `stop` is set, or a signal; arguments and errors as of `run`."""
    metrics = Metrics()
    models = ServedModels(settings, metrics, log)
    app = HttpApp(models, settings, metrics, log)
    server = _Server(_config(app, settings))
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ValueError, RuntimeError):  # signals reach only the main thread
        for number in _STOP:
            loop.add_signal_handler(number, stop.set)
    async with models.watched(), _grpc(models, settings, metrics, log):
        serving = loop.create_task(server.serve(sockets=[listening]))
        stopping = loop.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        app.draining = True
        server.should_exit = True
        await serving
        stopping.cancel()


@contextlib.asynccontextmanager
async def _grpc(models: ServedModels, settings: ServerSettings, metrics: Metrics, log: Log) -> AsyncIterator[None]:
    if settings.grpc_port is None:
        yield
        return
    from serving.server.grpc_api import grpc_server  # its packages cost time and memory

    async with grpc_server.started(models, settings, metrics, log):
        yield


def _config(app: HttpApp, settings: ServerSettings) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=http_protocol.protocol(settings.limits),
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=settings.limits.connections,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=max(1, int(settings.drain_seconds)),
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )
    try:
        config.load()
    except OSError as error:
        raise ResourceError(
            f"the TLS files {settings.certificate} and {settings.key} cannot be used: {error.strerror or error}. "
            "They must be PEM files of a certificate chain and its private key"
        ) from error
    return config
