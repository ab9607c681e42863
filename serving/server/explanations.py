"""The method `explain`: contribution of each column to a prediction, as in KServe's protocol version 1."""

import asyncio
from typing import Any

from serving.explanation.background import NotExplainableError
from serving.explanation.shapley import Explanation
from serving.server import example_methods
from serving.server.json_api import json_requests
from serving.server.loaded_version import LoadedVersion
from serving.server.served_models import ServedModel
from serving.server.statuses import RequestError
from spec.artifacts.signature_names import DEFAULT


async def explain(
    model: ServedModel, loaded: LoadedVersion, name: str, request: "dict[str, object]", most_rows: int
) -> list[dict[str, Any]]:
    """Explain the predictions of rows.

    Args:
        model: Model that predicts.
        loaded: Version of the model.
        name: Signature of the request; "" for the default.
        request: Parsed body with rows for `serving_default`.
        most_rows: Maximum number of rows that may be predicted for a request.

    Returns:
        For each row `output`, `value`, `base_value`, `contributions` by column, `class` of a classification or
        `cluster` of a clustering, and `unexplained` columns with the reason, if there are any.

    Raises:
        RequestError: the rows do not fit the inputs, are too many, or the model cannot be explained.
    """
    if name not in ("", DEFAULT):
        raise RequestError(f"explanations have the inputs of {DEFAULT}: leave signature_name out, not {name!r}")
    signature = example_methods.signature(loaded, DEFAULT)
    inputs, _ = json_requests.arrays(request, signature.inputs)
    try:
        explainer = loaded.explainer
    except NotExplainableError as error:
        raise RequestError(f"{model.source.name}: {error}", "FAILED_PRECONDITION") from error
    if any(value.ndim != 1 for value in inputs.values()):
        raise RequestError("expected one value of each input for each row")
    counts = {len(value) for value in inputs.values()}
    if len(counts) > 1:
        raise RequestError(f"inputs have different numbers of rows: {', '.join(map(str, sorted(counts)))}")
    [count] = counts
    if count * explainer.rows > most_rows:
        raise RequestError(
            f"to explain a row, {explainer.rows} rows are predicted, and a request may have {most_rows}: send at most "
            f"{most_rows // explainer.rows} rows to explain",
            http_status=413,
        )
    explained = []
    for place in range(count):
        row = {input_name: value[place] for input_name, value in inputs.items()}
        try:
            mixed = await asyncio.to_thread(explainer.mixed, row)
            outputs = await model.run(loaded, signature, mixed, logged=False)
            explanation = await asyncio.to_thread(explainer.explanation, outputs)
        except NotExplainableError as error:
            raise RequestError(f"{model.source.name}: {error}", "FAILED_PRECONDITION") from error
        explained.append(await _as_json(model, loaded, explanation, outputs))
    return explained


async def _as_json(model: ServedModel, loaded: LoadedVersion, explanation: Explanation, outputs: Any) -> dict[str, Any]:
    content: dict[str, Any] = {
        "output": explanation.output,
        "value": explanation.value,
        "base_value": explanation.base_value,
        "contributions": dict(explanation.contributions),
    }
    if explanation.output == "probabilities" and explanation.place is not None:
        width = outputs["probabilities"].shape[1]
        names = await example_methods.class_names(model, loaded, width)
        content["class"] = example_methods.text(names[explanation.place]) or str(explanation.place)
    elif explanation.place is not None:
        content["cluster"] = explanation.place
    if explanation.unexplained:
        content["unexplained"] = dict(explanation.unexplained)
    return content
