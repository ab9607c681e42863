"""Models whose predictions are columns of the rows, and the evaluator on them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from spec.file_names import VERDICT

OUTPUTS: dict[str, dict[str, Callable[[Any, Any], Any]]] = {
    "regression": {"prediction": lambda tf, of: of("prediction")},
    "binary": {"probabilities": lambda tf, of: tf.stack([1 - of("p1"), of("p1")], axis=1)},
    "classes": {"probabilities": lambda tf, of: tf.stack([of("p0"), of("p1"), of("p2"), of("p3")], axis=1)},
    "anomaly": {"score": lambda tf, of: of("score"), "anomaly": lambda tf, of: tf.cast(of("flag"), tf.int64)},
    "clusters": {
        "cluster": lambda tf, of: tf.cast(of("cluster"), tf.int64),
        "distances": lambda tf, of: tf.stack([of("d0"), of("d1")], axis=1),
    },
}
"""Task -> output -> its value, computed from columns of the rows."""


@pytest.fixture(scope="session")
def telling() -> Callable[..., Any]:
    """Return a function that saves a model whose predictions are columns of the rows, so that a test sets them."""
    import tensorflow as tf

    def column(examples: Any, name: str, kind: Any) -> Any:
        return tf.io.parse_example(examples, {name: tf.io.FixedLenFeature([], kind)})[name]

    def run(
        path: str,
        task: str,
        *,
        names: Sequence[str] | None = None,
        label: str | None = "y",
        weight: str | None = None,
        suffix: str = "",
        signature: str = "serving_examples",
        temperature: float | None = None,
    ) -> str:
        text = tf.TensorSpec([None], tf.string, name="examples")
        module = tf.Module()

        @tf.function(input_signature=[text])
        def serving_examples(examples: Any) -> Any:
            def of(name: str) -> Any:
                return column(examples, name + suffix, tf.float32)

            if task == "classes" and names is not None:
                return {"probabilities": tf.stack([of(f"p{number}") for number in range(len(names))], axis=1)}
            return {name: make(tf, of) for name, make in OUTPUTS[task].items()}

        @tf.function(input_signature=[text])
        def labels(examples: Any) -> Any:
            values = column(examples, str(label), tf.float32)
            outputs = {"label": tf.cast(values, tf.float64 if task == "regression" else tf.int64)}
            return outputs if weight is None else {**outputs, "weight": column(examples, weight, tf.float32)}

        @tf.function(input_signature=[text])
        def vectors(examples: Any) -> Any:
            return {"vectors": tf.stack([column(examples, name, tf.float32) for name in ("v0", "v1")], axis=1)}

        signatures: dict[str, Any] = {signature: serving_examples}
        if label is not None:
            signatures["labels"] = labels
        if task == "clusters":
            signatures["vectors"] = vectors
        if temperature is not None:
            fitted = tf.function(lambda: {"temperature": tf.constant(temperature, tf.float64)})
            signatures["temperature"] = fitted.get_concrete_function()
        if names is not None:
            module.names = tf.constant(list(names))
            class_names = tf.function(lambda: {"names": tf.identity(module.names)})
            signatures["class_names"] = class_names.get_concrete_function()
        tf.saved_model.save(module, path, signatures=signatures)
        return path

    return run


@pytest.fixture
def judged(tmp_path: Any, write_examples: Any, telling: Any) -> Callable[..., Any]:
    """Return a function that evaluates rows with given predictions, and returns verdict, folder and blessing."""
    import json
    import types

    from tfx.types import artifact_utils, standard_artifacts
    from tfx.utils import path_utils

    from components.evaluator import executor
    from spec import settings

    def run(
        task: str,
        rows: Mapping[str, Any],
        *,
        names: Sequence[str] | None = None,
        types_of: Mapping[str, str] | None = None,
        before: Mapping[str, Any] | None = None,
        label: str | None = "y",
        plain: Any = None,
        temperature: float | None = None,
        **overrides: Any,
    ) -> Any:
        write_examples(tmp_path / "examples" / "Split-test" / "data-00000-of-00001.gz", rows)
        config = {
            "task": task,
            "label": label,
            "columns": dict(types_of or {}),
            "slices": [],
            "max_slices": 100,
            "threshold": 0.5,
            "top_k": 2,
            "precision_at": None,
            "floor": {},
            "baseline": [],
            "rules": [],
            "gaps": [],
            "identifier": None,
            "group": None,
            "weight": None,
            "advisory": False,
            "importance": 0,
            "split": "test",
            **overrides,
        }
        examples = standard_artifacts.Examples()
        examples.uri, examples.split_names = str(tmp_path / "examples"), artifact_utils.encode_split_names(["test"])
        models = []
        for number, model_options in enumerate(({}, before) if before is not None else ({},)):
            model = standard_artifacts.Model()
            model.uri, model.id = str(tmp_path / f"model {number}"), number
            options = {
                "task": task,
                "names": names,
                "label": label,
                "weight": config["weight"],
                "temperature": None if number else temperature,
                **(model_options or {}),
            }
            telling(path_utils.serving_model_dir(model.uri), options.pop("task"), **options)
            models.append(model)
        evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
        evaluation.uri, blessing.uri = str(tmp_path / "evaluation"), str(tmp_path / "blessing")
        inputs = {"examples": [examples], "model": models[:1], "baseline_model": models[1:]}
        if plain is not None:
            predictions = standard_artifacts.InferenceResult()
            predictions.uri = str(plain)
            inputs["plain_predictions"] = [predictions]
        properties = {"settings": json.dumps(settings.pack(config, None)), "code": ""}
        executor.Executor().Do(inputs, {"evaluation": [evaluation], "blessing": [blessing]}, properties)
        with open(f"{evaluation.uri}/{VERDICT}") as file:
            return types.SimpleNamespace(verdict=json.load(file), folder=evaluation.uri, blessing=blessing)

    return run
