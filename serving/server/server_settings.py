"""Settings of the server: models, addresses, limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serving.server.engines.session import Engine


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model to serve.

    Attributes:
        name: Name of the model in requests.
        folder: Its serving folder.
        versions: Serve this many of the newest versions; None for all.
        pinned: Serve these versions instead of the newest.
        labels: Label -> version, which is also served.
        form: Column -> what the playground says about it: `choices`, `minimum`, `maximum`.
    """

    name: str
    folder: str
    versions: int | None = 1
    pinned: frozenset[int] = frozenset()
    labels: Mapping[str, int] = field(default_factory=dict)
    form: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a request and of the waiting ones.

    Attributes:
        body_bytes: Largest body, compressed or not.
        rows: Most rows of a request.
        queue_rows: Most rows that wait for a model; more are refused as overload.
        seconds: Longest time from the first byte of a request to its response.
        header_bytes: Largest head of a request.
        connections: Most open connections.
    """

    body_bytes: int = 32 << 20
    rows: int = 100_000
    queue_rows: int = 100_000
    seconds: float = 30.0
    header_bytes: int = 64 << 10
    connections: int = 1000


@dataclass(frozen=True, kw_only=True)
class RowLogSettings:
    """What is logged, and where.

    Attributes:
        folder: Folder of the log; each model has a folder in it.
        write: Writes a pyarrow.Table as a Parquet file at a path; the project has one module for such files.
        sample: Share of the rows.
        masked: Columns that are left out.
        model_bytes: Largest size of a model's files.
    """

    folder: str
    write: Callable[[str, Any], None]
    sample: float = 1.0
    masked: frozenset[str] = frozenset()
    model_bytes: int = 1 << 30


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How to serve.

    Attributes:
        models: The models.
        engine: Loads their versions.
        host: Address to listen on, for gRPC.
        grpc_port: Port of gRPC; None without gRPC, 0 for any free one.
        cores: Number of cores that the engine may use.
        batch_rows: Most rows of a batch.
        batch_seconds: Longest time that a request waits for others to join its batch.
        poll_seconds: Time between two looks at the serving folders.
        limits: Limits of requests.
        token: Bearer token that requests must have; None for no check.
        origins: Origins of pages that may send requests; `*` for all.
        metrics_path: Path of the metrics.
        certificate: File of the TLS certificate chain; None without TLS.
        key: File of its private key.
        playground: Whether / is a page to try the models.
        accepts_host: Whether a Host header is accepted; None for any. Against DNS rebinding, on addresses of this
            machine.
        drain_seconds: Longest time that a stop waits for running requests.
        row_log: The log of served rows; None for no log.
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
