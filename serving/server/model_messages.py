"""Responses about a model, in the JSON form of TensorFlow Serving's protos with all their fields."""

from typing import Any

from serving.server.loaded_version import LoadedVersion
from serving.server.served_models import ServedModel
from serving.server.statuses import RequestError

SIGNATURES = "signature_def"
_REJECTED = "INVALID_ARGUMENT"
"""Code of a version that failed to load."""


def status(model: ServedModel, number: int | None, label: str | None) -> dict[str, Any]:
    """Return the GetModelStatusResponse of a model: of all versions, or of one by number or label.

    Raises:
        RequestError: the model has no such version.
    """
    if label is not None:
        number = model.labelled(label)
    states = {version: state for version, state in model.states.items() if number in (None, version)}
    if not states:
        request = f"any versions of model {model.source.name}"
        if number is not None:
            request = f"version {number} of model {model.source.name}"
        raise RequestError(f"Could not find {request}", "NOT_FOUND")
    return {
        "model_version_status": [
            {
                "version": str(version),
                "state": state,
                "status": {"error_code": _REJECTED if error else "OK", "error_message": error},
            }
            for version, (state, error) in sorted(states.items(), reverse=True)
        ]
    }


def metadata(model: ServedModel, loaded: LoadedVersion) -> dict[str, Any]:
    """Return the metadata of a version as TensorFlow Serving's REST API does: its signatures."""
    return {
        "model_spec": {"name": model.source.name, "signature_name": "", "version": str(loaded.number)},
        "metadata": {SIGNATURES: signatures(loaded)},
    }


def signatures(loaded: LoadedVersion) -> dict[str, Any]:
    """Return the SignatureDefMap of a version."""
    return {SIGNATURES: {name: signature.definition for name, signature in loaded.session.signatures.items()}}
