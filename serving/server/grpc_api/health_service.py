"""The standard health service of gRPC."""

from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.server.served_models import ServedModels


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """The standard health service: "" is the whole server, another name a model."""

    def __init__(self, models: ServedModels) -> None:
        self._models = models

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802  the service's name
        """Return whether a version is loaded."""
        if request.service and request.service not in self._models.by_name:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {request.service}")
        ready = self._models.by_name[request.service].ready if request.service else self._models.ready
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        return health_pb2.HealthCheckResponse(status=status)
