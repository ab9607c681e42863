"""Prometheus metrics of the server."""

from collections.abc import Callable, Sequence
from typing import Any

import prometheus_client as prometheus

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384)


class Metrics:
    """Counts and latencies by model; names that clients send never become Prometheus labels."""

    def __init__(self) -> None:
        self._registry = prometheus.CollectorRegistry()
        self._children: dict[tuple[Any, ...], Any] = {}
        options = {"namespace": "serving", "registry": self._registry}
        labels = ["model", "method", "api"]
        self._requests = prometheus.Counter("requests", "Requests by status code.", [*labels, "code"], **options)
        self._seconds = prometheus.Histogram(
            "request_seconds", "Time from the whole request to its response.", labels, buckets=_SECONDS, **options
        )
        self._rows = prometheus.Counter("rows", "Rows of requests.", ["model"], **options)
        self._batches = prometheus.Histogram("batch_rows", "Rows of a batch.", ["model"], buckets=_ROWS, **options)
        self._version = prometheus.Gauge("version", "The newest loaded version.", ["model"], **options)
        self._loaded = prometheus.Gauge("loaded_versions", "Number of loaded versions.", ["model"], **options)
        self._failures = prometheus.Counter("load_failures", "Failed loads of versions.", ["model"], **options)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return bytes(prometheus.generate_latest(self._registry))

    def request(self, model: str, method: str, api: str, code: str, seconds: float) -> None:
        """Count a request and its latency.

        Args:
            model: Name of a served model; "" for an unknown one.
            method: Method, such as `predict`; "" for an unknown one.
            api: `REST` or `gRPC`.
            code: Name of the status code.
            seconds: Time from the request to its response.
        """
        self._child(self._requests, model, method, api, code).inc()
        self._child(self._seconds, model, method, api).observe(seconds)

    def _child(self, metric: Any, *labels: str) -> Any:
        """Return the series of a metric with these labels; `labels` of the library costs more than the count."""
        key = (metric, *labels)
        if key not in self._children:
            self._children[key] = metric.labels(*labels)
        return self._children[key]

    def rows(self, model: str, count: int) -> None:
        """Count rows of a request."""
        self._child(self._rows, model).inc(count)

    def batches(self, model: str) -> Callable[[int], None]:
        """Return a function that records the rows of a batch."""
        observe: Callable[[int], None] = self._batches.labels(model).observe
        return observe

    def loaded(self, model: str, numbers: Sequence[int]) -> None:
        """Record the numbers of the loaded versions."""
        self._version.labels(model).set(max(numbers, default=0))
        self._loaded.labels(model).set(len(numbers))

    def load_failed(self, model: str) -> None:
        """Count a failed load of a version."""
        self._failures.labels(model).inc()
