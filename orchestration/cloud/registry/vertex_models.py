"""Model Registry and endpoints of Vertex AI, with Google's client."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import google.auth
from google.api_core import exceptions
from google.auth.transport.requests import AuthorizedSession
from google.cloud import aiplatform_v1

from errors import ResourceError, UserError
from orchestration.cloud.vertex_service import SECONDS, VertexService

WAIT_SECONDS = 3600.0
"""Time limit of a deployment: the service starts a machine and loads the model."""
LABEL = "keras-pipeline"
"""Label of what this module creates, with the name of the pipeline; nothing without it is changed."""
PERMISSIONS = (
    "aiplatform.models.upload",
    "aiplatform.models.get",
    "aiplatform.endpoints.list",
    "aiplatform.endpoints.create",
    "aiplatform.endpoints.deploy",
    "aiplatform.endpoints.undeploy",
)
_MANAGER = "https://cloudresourcemanager.googleapis.com"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A pushed version, and how it is served.

    Attributes:
        name: The pipeline.
        number: The pushed version.
        uri: Its folder in the bucket.
        image: Container image that serves it.
        machine_type: Machine of each replica.
        max_replicas: Replicas at most; there is always one.
    """

    name: str
    number: int
    uri: str
    image: str
    machine_type: str
    max_replicas: int

    @property
    def model_id(self) -> str:
        """The pipeline's name in the form of an id."""
        return re.sub(r"[^a-z0-9_-]", "-", self.name.lower())

    @property
    def alias(self) -> str:
        """Alias of the version in the registry."""
        return f"pushed-{self.number}"


class VertexModels(VertexService):
    """The client.

    Args:
        access: Project and region. An endpoint that begins with http:// is asked without credentials.
    """

    def missing_permissions(self) -> list[str]:
        """Return the permissions that this account lacks.

        Raises:
            ResourceError: the service does not tell; the message says why.
        """
        access = self._access
        is_local = (access.endpoint or "").startswith("http://")
        url = f"{access.endpoint if is_local else _MANAGER}/v1/projects/{access.project}:testIamPermissions"
        with self._errors():
            answer = _session(is_local).post(url, json={"permissions": list(PERMISSIONS)}, timeout=SECONDS)
        if answer.status_code != 200:
            raise ResourceError(f"{answer.status_code} {answer.reason}")
        granted = json.loads(answer.content).get("permissions", [])
        return [name for name in PERMISSIONS if name not in granted]

    def registered(self, deployment: Deployment) -> str | None:
        """Return the version of the registry that is a pushed version; None if there is none.

        Raises:
            UserError: the registry has a model of this id that is not ours, or another model under this alias.
        """
        model = self._model(deployment.model_id)
        if model is None:
            return None
        if model.labels.get(LABEL) != deployment.model_id:
            raise UserError(
                f"the Model Registry has a model {deployment.model_id} that this command did not create: rename one "
                "of them"
            )
        version = self._model(f"{deployment.model_id}@{deployment.alias}")
        if version is None:
            return None
        if version.artifact_uri.rstrip("/") != deployment.uri:
            raise UserError(
                f"{deployment.alias} of model {deployment.model_id} is {version.artifact_uri}, not {deployment.uri}: "
                "it is of another --root; remove the alias there, or deploy from that root"
            )
        return str(version.version_id)

    def upload(self, deployment: Deployment) -> str:
        """Add a pushed version to the registry, and return its version there."""
        model = aiplatform_v1.Model(
            display_name=deployment.name,
            artifact_uri=deployment.uri,
            version_aliases=[deployment.alias, "default"],
            version_description=f"version {deployment.number} of the serving folder",
            labels={LABEL: deployment.model_id, "pushed": str(deployment.number)},
            container_spec={"image_uri": deployment.image},
            **self._encryption(),
        )
        request = aiplatform_v1.UploadModelRequest(
            parent=self._parent, model=model, service_account=self._access.service_account or ""
        )
        if self._model(deployment.model_id) is None:
            request.model_id = deployment.model_id
        else:
            request.parent_model = f"{self._parent}/models/{deployment.model_id}"
        with self._errors():
            uploaded = self._models().upload_model(request=request, timeout=SECONDS).result(timeout=WAIT_SECONDS)
        return str(uploaded.model_version_id)

    def endpoint(self, deployment: Deployment) -> Any:
        """Return our endpoint of a pipeline; None if there is none."""
        with self._errors():
            endpoints = list(self._endpoints().list_endpoints(parent=self._parent, timeout=SECONDS))
        pipeline_endpoints = [endpoint for endpoint in endpoints if endpoint.labels.get(LABEL) == deployment.model_id]
        return min(pipeline_endpoints, key=lambda endpoint: str(endpoint.name), default=None)

    def create_endpoint(self, deployment: Deployment) -> Any:
        """Create the endpoint of a pipeline."""
        endpoint = aiplatform_v1.Endpoint(
            display_name=deployment.name,
            labels={LABEL: deployment.model_id},
            network=self._access.network or "",
            **self._encryption(),
        )
        with self._errors():
            started = self._endpoints().create_endpoint(parent=self._parent, endpoint=endpoint, timeout=SECONDS)
            return started.result(timeout=WAIT_SECONDS)

    def deploy(self, deployment: Deployment, endpoint: Any, version: str) -> None:
        """Let an endpoint answer with a version of the registry, and wait until it does.

        What this command deployed there before is removed once the new version answers.
        """
        deployed = aiplatform_v1.DeployedModel(
            model=f"{self._parent}/models/{deployment.model_id}@{version}",
            display_name=f"{deployment.name}-{deployment.number}",
            service_account=self._access.service_account or "",
            dedicated_resources={
                "machine_spec": {"machine_type": deployment.machine_type},
                "min_replica_count": 1,
                "max_replica_count": deployment.max_replicas,
            },
        )
        client = self._endpoints()
        with self._errors():
            client.deploy_model(
                endpoint=endpoint.name, deployed_model=deployed, traffic_split={"0": 100}, timeout=SECONDS
            ).result(timeout=WAIT_SECONDS)
            for previous in endpoint.deployed_models:
                if _model_id(previous.model) == deployment.model_id:
                    client.undeploy_model(
                        endpoint=endpoint.name, deployed_model_id=previous.id, traffic_split={}, timeout=SECONDS
                    ).result(timeout=WAIT_SECONDS)

    def answers(self, deployment: Deployment, endpoint: Any, version: str) -> bool:
        """Return whether an endpoint sends all its requests to a version of the registry."""
        return any(
            _model_id(deployed.model) == deployment.model_id
            and deployed.model_version_id == version
            and endpoint.traffic_split.get(deployed.id) == 100
            for deployed in endpoint.deployed_models
        )

    def _model(self, name: str) -> Any:
        try:
            with self._errors():
                return self._models().get_model(name=f"{self._parent}/models/{name}", timeout=SECONDS)
        except ResourceError as error:
            if isinstance(error.__cause__, exceptions.NotFound):
                return None
            raise

    def _encryption(self) -> Mapping[str, Any]:
        key = self._access.encryption_key
        return {"encryption_spec": {"kms_key_name": key}} if key else {}

    def _models(self) -> Any:
        return aiplatform_v1.ModelServiceClient(**self._options)

    def _endpoints(self) -> Any:
        return aiplatform_v1.EndpointServiceClient(**self._options)


def _session(is_local: bool) -> Any:
    if is_local:
        return AuthorizedSession(google.auth.credentials.AnonymousCredentials())
    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    return AuthorizedSession(credentials)


def _model_id(name: str) -> str:
    return name.rpartition("/models/")[2].partition("@")[0]
