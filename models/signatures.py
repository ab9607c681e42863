"""What the SavedModel answers.

`serving_default` takes one dense tensor of (batch,) per raw feature, under the feature's name as `input_names` spells
it, `serving_examples` serialized tf.Examples, both never the label; `transform_features` turns serialized tf.Examples
into model features. For evaluation `labels` gives the label of tf.Examples that have one, and `class_names` the
classes in order.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf

from models.label import LABEL, Label

Answer = Callable[[Any], dict[str, tf.Tensor]]


class Served(tf.Module):  # type: ignore[misc]
    """The transform graph, the network and its answer in one module.

    Args:
        network: Keras model from model features to outputs.
        transform: `TFTransformOutput.transform_features_layer()`.
        answer: Network outputs to named answers.
        raw_spec: Raw feature name -> FixedLenFeature, without the label.
        label: The label's role.
        label_spec: Its FixedLenFeature.
        class_names: Names of the classes in order; None for a regression.
        features: Names of the model features that the network reads.
    """

    def __init__(
        self,
        *,
        network: Any,
        transform: Any,
        answer: Answer,
        raw_spec: Mapping[str, Any],
        label: Label,
        label_spec: Any,
        class_names: tuple[str, ...] | None,
        features: list[str],
    ) -> None:
        super().__init__()
        self._network = network
        self._transform = transform
        self._answer = answer
        self._raw_spec = dict(raw_spec)
        self._label = label
        self._class_names = class_names
        self._label_spec = {**self._raw_spec, str(label.column): label_spec}
        self._features = features

    def model_features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Raw columns, (batch, 1) each, to model features."""
        transformed = self._transform(dict(raw))
        return {name: transformed[name] for name in self._features}

    def answer(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Raw columns, (batch, 1) each, to named answers."""
        return self._answer(self._network(self.model_features(raw), training=False))

    def label(self, raw: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Raw columns, the label among them, to (batch,): a float64 number in its own unit, or an int64 class index."""
        if self._label.task == "regression":
            return tf.cast(tf.reshape(raw[str(self._label.column)], [-1]), tf.float64)
        return tf.reshape(self._transform(dict(raw))[LABEL], [-1])

    def signatures(self) -> dict[str, Any]:
        """Trace the signatures."""
        columns = input_names(self._raw_spec)
        rows = {name: tf.TensorSpec([None], self._raw_spec[column].dtype, name) for name, column in columns.items()}
        examples = tf.TensorSpec([None], tf.string, name="examples")

        @tf.function  # type: ignore[untyped-decorator]
        def serving_default(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
            named = {columns[name]: value for name, value in raw.items()}
            return self.answer({c: tf.reshape(value, [-1, *self._raw_spec[c].shape]) for c, value in named.items()})

        @tf.function  # type: ignore[untyped-decorator]
        def serving_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.answer(tf.io.parse_example(examples, self._raw_spec))

        @tf.function  # type: ignore[untyped-decorator]
        def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.model_features(tf.io.parse_example(examples, self._raw_spec))

        @tf.function  # type: ignore[untyped-decorator]
        def labels(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"label": self.label(tf.io.parse_example(examples, self._label_spec))}

        found = {
            "serving_default": serving_default.get_concrete_function(**rows),
            "serving_examples": serving_examples.get_concrete_function(examples),
            "transform_features": transform_features.get_concrete_function(examples),
            "labels": labels.get_concrete_function(examples),
        }
        if self._class_names is not None:
            names = tf.constant(self._class_names)
            found["class_names"] = tf.function(lambda: {"names": tf.identity(names)}).get_concrete_function()
        return found


def input_names(columns: Iterable[str]) -> dict[str, str]:
    """Names that TensorFlow accepts for a signature's inputs: ASCII letters, digits and _, a letter first.

    Returns:
        Input name -> column, in order; `sq ft` becomes `sq_ft`.
    """
    names: dict[str, str] = {}
    for column in columns:
        name = re.sub(r"\W", "_", column, flags=re.ASCII)
        name = name if name[:1].isalpha() else f"arg_{name}"
        while name in names or name == "self":
            name += "_"
        names[name] = column
    return names
