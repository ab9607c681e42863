"""Settings of the server: models, addresses, limits and the log of served rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serving.server.engines.session import Engine


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model to serve.

    Attributes:
        name: Name of the model in requests.
        folder: Serving folder of the model.
        versions: Number of newest versions to serve; None for all.
        pinned: Versions to serve instead of the newest ones.
        labels: Label -> version, which is served too.
        form: Column -> limits of the playground's form: `choices`, `minimum`, `maximum`.
    """

    name: str
    folder: str
    versions: int | None = 1
    pinned: frozenset[int] = frozenset()
    labels: Mapping[str, int] = field(default_factory=dict)
    form: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of requests, queues and connections.

    Attributes:
        body_bytes: Maximum size of a body in bytes, compressed and uncompressed.
        rows: Maximum number of rows of a request.
        queue_rows: Maximum number of rows that wait for a model; more are refused as overload.
        seconds: Maximum time for the head of a request, and from its head to its response, in seconds.
        header_bytes: Maximum size of the head of a request in bytes.
        connections: Maximum number of open connections.
    """

    body_bytes: int = 32 << 20
    rows: int = 100_000
    queue_rows: int = 100_000
    seconds: float = 30.0
    header_bytes: int = 64 << 10
    connections: int = 1000


@dataclass(frozen=True, kw_only=True)
class RowLogSettings:
    """Settings of the log of served rows.

    Attributes:
        folder: Folder of the log; each model has a folder in it.
        write: Writes a pyarrow.Table as a Parquet file at a path.
        sample: Share of the rows that are logged, above 0 to 1.
        masked: Columns that are left out.
        model_bytes: Maximum size of a model's files in bytes.
    """

    folder: str
    write: Callable[[str, Any], None]
    sample: float = 1.0
    masked: frozenset[str] = frozenset()
    model_bytes: int = 1 << 30


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Settings of the server.

    Attributes:
        models: Models to serve.
        engine: Engine that loads the versions.
        host: Address on which gRPC listens.
        grpc_port: Port of gRPC; None without gRPC, 0 for any free one.
        cores: Number of cores that the engine may use.
        batch_rows: Maximum number of rows of a batch.
        batch_seconds: Maximum time that a request waits for others to join its batch, in seconds.
        poll_seconds: Time between two polls of the serving folders, in seconds.
        limits: Limits of requests, queues and connections.
        token: Bearer token that requests must have; None for no check.
        origins: Origins of pages that may send requests (CORS); `*` for all.
        metrics_path: HTTP path of the Prometheus metrics.
        certificate: File of the TLS certificate chain; None without TLS.
        key: File of the certificate's private key.
        playground: Whether / is a page to try the models.
        accepts_host: Returns whether a Host header is accepted, against DNS rebinding on addresses of this machine;
            None accepts any.
        drain_seconds: Maximum time that a stop waits for running requests, in seconds.
        row_log: Settings of the log of served rows; None for no log.
    """

    models: tuple[ModelSource, ...]
    engine: Engine
    host: str = "127.0.0.1"
    grpc_port: int | None = None
    cores: int = 1
    batch_rows: int = 1024
    batch_seconds: float = 0.001
    poll_seconds: float = 1.0
    limits: Limits = field(default_factory=Limits)
    token: str | None = field(default=None, repr=False)
    origins: tuple[str, ...] = ()
    metrics_path: str = "/metrics"
    certificate: str | None = None
    key: str | None = None
    playground: bool = True
    accepts_host: Callable[[str], bool] | None = None
    drain_seconds: float = 30.0
    row_log: RowLogSettings | None = None
