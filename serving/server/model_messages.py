"""Responses about a model, as TensorFlow Serving's protos and as JSON."""

from typing import Any

import google.protobuf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.server.served_models import LoadedVersion, ServedModel
from serving.server.statuses import RequestError

_ALL_FIELDS = (
    "including_default_value_fields"
    if google.protobuf.__version__.split(".")[0] in ("3", "4")
    else "always_print_fields_with_no_presence"
)
"""protobuf renamed the argument."""
SIGNATURES = "signature_def"
_REJECTED = 3
"""Code of a version that failed to load: INVALID_ARGUMENT."""


def status(model: ServedModel, number: int | None, label: str | None) -> Any:
    """Return the GetModelStatusResponse of a model: of all versions, or of one by number or label.

    Raises:
        RequestError: the model has no such version.
    """
    if label is not None:
        number = model.labelled(label)
    states = {one: state for one, state in model.states.items() if number in (None, one)}
    if not states:
        which = f"any versions of model {model.source.name}"
        if number is not None:
            which = f"version {number} of model {model.source.name}"
        raise RequestError(f"Could not find {which}", "NOT_FOUND")
    response = get_model_status_pb2.GetModelStatusResponse()
    for one, (state, error) in sorted(states.items(), reverse=True):
        added = response.model_version_status.add(version=one)
        added.state = get_model_status_pb2.ModelVersionStatus.State.Value(state)
        added.status.error_code = _REJECTED if error else 0
        added.status.error_message = error
    return response


def metadata(model: ServedModel, loaded: LoadedVersion) -> Any:
    """Return the GetModelMetadataResponse of a version: its signatures."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = model.source.name
    response.model_spec.version.value = loaded.number
    response.metadata[SIGNATURES].Pack(_signatures(loaded))
    return response


def metadata_json(model: ServedModel, loaded: LoadedVersion) -> dict[str, Any]:
    """Return the metadata of a version as TensorFlow Serving's REST API does."""
    return {
        "model_spec": {"name": model.source.name, "signature_name": "", "version": str(loaded.number)},
        "metadata": {SIGNATURES: as_json(_signatures(loaded))},
    }


def as_json(message: Any) -> dict[str, Any]:
    """Convert a proto with all its fields, also those that are not set."""
    converted: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, **{_ALL_FIELDS: True}
    )
    return converted


def _signatures(loaded: LoadedVersion) -> Any:
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in loaded.session.signatures.items():
        signatures.signature_def[name].CopyFrom(signature.definition)
    return signatures
