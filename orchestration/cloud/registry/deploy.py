"""`deploy`: let an endpoint of Vertex AI answer with a pushed version."""

import re
from dataclasses import dataclass

import buckets
import printing
from errors import ResourceError, UserError
from orchestration.cloud.registry.vertex_models import Deployment, VertexModels
from orchestration.cloud.remote import Access, check_vertex
from orchestration.paths import Root
from serving import versions

IMAGE = "us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
"""Google's image for models of TensorFlow 2.15, that of the legacy stack."""
_NAME = re.compile(r"[A-Za-z][\w-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A deployment that the user requests.

    Attributes:
        name: A pipeline, PIPELINE-VARIANT or PIPELINE-sample.
        root: The root of cloud runs.
        number: The pushed version; None for the newest.
        image: Container image that serves it; None for Google's.
        machine_type: Machine of each replica.
        max_replicas: Replicas at most.
    """

    name: str
    root: str
    number: int | None
    image: str | None
    machine_type: str
    max_replicas: int


def run(request: Request, access: Access) -> int:
    """Deploy a version; what is done already is not done again.

    Returns:
        0.

    Raises:
        UserError: what is needed is missing, or the version does not exist. Nothing was sent.
        ResourceError: the bucket or the service refuses.
    """
    check_vertex(access)
    deployment = _wanted(request)
    service = VertexModels(access)
    try:
        missing = service.missing_permissions()
    except ResourceError as error:
        missing = []
        printing.line(f"note: the permissions of this account cannot be read ({error})")
    if missing:
        raise ResourceError(
            f"project {access.project}: this account lacks {', '.join(missing)}: let an owner grant it "
            "roles/aiplatform.user. Nothing was sent"
        )
    endpoint = service.endpoint(deployment)
    version = service.registered(deployment)
    if version is None:
        version = service.upload(deployment)
        printing.line(f"uploaded   {deployment.uri} as version {version} of model {deployment.model_id}")
    else:
        printing.line(f"known      {deployment.uri} is version {version} of model {deployment.model_id}")
    if endpoint is None:
        endpoint = service.create_endpoint(deployment)
        printing.line(f"created    endpoint {endpoint.name}")
    if service.answers(deployment, endpoint, version):
        printing.line(f"unchanged  {endpoint.name} answers with it")
        return 0
    printing.line(f"deploying to {endpoint.name}: the service starts a machine, which takes minutes")
    service.deploy(deployment, endpoint, version)
    printing.line(f"deployed   {endpoint.name} answers with version {deployment.number} of {deployment.name}")
    return 0


def _wanted(request: Request) -> Deployment:
    """Find the version in the bucket."""
    if not request.root.startswith("gs://"):
        raise UserError(
            f"--root {request.root}: Vertex AI reads models from Google's buckets: name the root of cloud runs, as "
            "--root gs://BUCKET/FOLDER. Nothing was sent"
        )
    if not _NAME.fullmatch(request.name):
        raise UserError(f"{request.name}: a model's id has at most 63 letters, digits, - and _: rename the pipeline")
    folder = Root(request.root.rstrip("/")).serving(request.name)
    try:
        numbers = versions.pushed(folder)
    except buckets.BucketError as error:
        raise ResourceError(str(error)) from error
    if not numbers:
        raise UserError(
            f"{folder} has no pushed version: run {request.name} first, or correct --root. Nothing was sent"
        )
    number = request.number or max(numbers)
    if number not in numbers:
        newest_versions = ", ".join(map(str, sorted(numbers)[-5:]))
        raise UserError(f"{folder} has no version {number}. Newest versions: {newest_versions}. Nothing was sent")
    return Deployment(
        name=request.name,
        number=number,
        uri=versions.path(folder, number),
        image=request.image or IMAGE,
        machine_type=request.machine_type,
        max_replicas=request.max_replicas,
    )
