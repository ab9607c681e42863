"""The methods `classify` and `regress`: predictions for tf.Examples.

TensorFlow Serving requires a signature with the outputs `classes` and `scores`, or `outputs`. The signature
`serving_examples` of this project's models, with the outputs `probabilities` or `prediction`, is accepted too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from serving.server.engines.session import Signature
from serving.server.loaded_version import LoadedVersion
from serving.server.served_models import ServedModel
from serving.server.statuses import RequestError
from spec.artifacts.signature_names import CLASS_NAMES, DEFAULT, EXAMPLES

Array = np.ndarray[Any, Any]
Classes = list[list[tuple[str, float]]]
"""Label and score of each class of each row."""


def signature(loaded: LoadedVersion, name: str) -> Signature:
    """Return a signature by name, "" for the default.

    Raises:
        RequestError: the model has no such signature.
    """
    requested = loaded.session.signatures.get(name or DEFAULT)
    if requested is None:
        raise RequestError(f'Serving signature name: "{name or DEFAULT}" not found in signature def')
    return requested


def _of_examples(loaded: LoadedVersion, name: str) -> Signature:
    """Return the named signature, which must take one tensor of tf.Examples.

    Without a name it is `serving_default`, or `serving_examples` if the default one takes columns.

    Raises:
        RequestError: the model has no such signature, or it takes other inputs.
    """
    chosen = None
    if not name:
        chosen = loaded.session.signatures.get(DEFAULT)
        if chosen is None or len(chosen.inputs) != 1 or chosen.inputs[0].dtype != "object":
            chosen = loaded.session.signatures.get(EXAMPLES, chosen)
    chosen = chosen or signature(loaded, name)
    if len(chosen.inputs) != 1 or chosen.inputs[0].dtype != "object":
        raise RequestError(
            f"Expected one input Tensor. Signature {chosen.name} has {len(chosen.inputs)} of other types"
        )
    return chosen


async def _run(
    model: ServedModel, loaded: LoadedVersion, chosen: Signature, rows: list[bytes], ids: Sequence[str] | None
) -> dict[str, Array]:
    if not rows:
        raise RequestError("Input is empty")
    texts = np.empty(len(rows), object)
    texts[:] = rows
    return await model.run(loaded, chosen, {chosen.inputs[0].name: texts}, ids=ids)


async def classify(
    model: ServedModel, loaded: LoadedVersion, name: str, rows: list[bytes], ids: Sequence[str] | None = None
) -> Classes:
    """Classify serialized tf.Examples.

    Args:
        model: Model that predicts.
        loaded: Version of the model.
        name: Name of the signature; "" for the default.
        rows: Serialized tf.Examples.
        ids: The client's id of each row, for the log; None without ids.

    Returns:
        Label and score of each class of each row; labels are "" if the model has none.

    Raises:
        RequestError: the signature is not a classification, or the run fails.
    """
    chosen = _of_examples(loaded, name)
    scores_name = next((output for output in ("scores", "probabilities") if output in chosen.outputs), None)
    has_labels = "classes" in chosen.outputs and scores_name != "probabilities"
    if scores_name is None and not has_labels:
        raise RequestError(
            'Expected classification signature outputs to contain at least one of "classes" or "scores". Signature '
            f"{chosen.name} has {', '.join(chosen.outputs)}",
            "FAILED_PRECONDITION",
        )
    outputs = await _run(model, loaded, chosen, rows, ids)
    scores = _table(outputs[scores_name], "scores") if scores_name else None
    labels = _table(outputs["classes"], "classes") if has_labels else None
    width = scores.shape[1] if scores is not None else labels.shape[1] if labels is not None else 0
    if labels is None:
        labels = np.broadcast_to(await class_names(model, loaded, width), (len(rows), width))
    if scores is None:
        scores = np.zeros((len(rows), width), np.float32)
    if labels.shape != scores.shape:
        raise RequestError(f"Tensors class and score should match. Got {labels.shape} vs. {scores.shape}")
    return [
        [(text(label), decimal(score)) for label, score in zip(row_labels, row_scores, strict=True)]
        for row_labels, row_scores in zip(labels, scores, strict=True)
    ]


async def regress(
    model: ServedModel, loaded: LoadedVersion, name: str, rows: list[bytes], ids: Sequence[str] | None = None
) -> list[float]:
    """Predict a number for each serialized tf.Example; arguments as of `classify`.

    Raises:
        RequestError: the signature is not a regression, or the run fails.
    """
    chosen = _of_examples(loaded, name)
    output = next((key for key in ("outputs", "prediction") if key in chosen.outputs), None)
    if output is None:
        raise RequestError(
            f"No regression outputs found in SignatureDef: {chosen.name} has {', '.join(chosen.outputs)}",
            "FAILED_PRECONDITION",
        )
    values = (await _run(model, loaded, chosen, rows, ids))[output]
    if values.shape not in ((len(rows),), (len(rows), 1)):
        raise RequestError(
            f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {values.shape}"
        )
    return [decimal(value) for value in values.ravel()]


async def class_names(model: ServedModel, loaded: LoadedVersion, width: int) -> Array:
    """Return the class names that are saved in the model, bytes of (width,); all b"" if it has none of this number."""
    chosen = loaded.session.signatures.get(CLASS_NAMES)
    if chosen is not None and not chosen.inputs:
        names = next(iter((await model.run(loaded, chosen, {})).values()))
        if names.shape == (width,):
            return np.asarray(names)
    return np.full(width, b"", object)


def _table(value: Array, name: str) -> Array:
    if value.ndim != 2:
        raise RequestError(f"Expected {name} of shape [batch_size num_classes] but got {list(value.shape)}")
    return value


def text(label: Any) -> str:
    """Return the name of a class."""
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)


def decimal(value: Any) -> float:
    """Convert a NumPy number to the shortest decimal of its dtype: float32's 0.1 becomes 0.1, not 0.10000000149."""
    return float(str(value))
