"""Signatures of the SavedModel.

`serving_default` takes one dense tensor of (batch,) per raw column, named as by `input_names`, with nulls as in
`spec.cells.null_cells`. `serving_rows` takes the same names, and each cell as the text of a CSV file.
`serving_examples` takes serialized tf.Examples, where a null is an absent feature or an empty list. None of them takes
the label or a weight. All clean values as ingestion does: whitespace around text is stripped, and the null values of
[data] are nulls.

`transform_features` maps serialized tf.Examples to model features, `vectors` to the vectors that a clustering compares.
For evaluation, `labels` returns the label, and the weight if the pipeline has one, `class_names` the class names in
order, and `temperature` the divisor of the logits of a model with training.calibration.
"""

import re
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf

from models.tasks.label_graph import as_number
from models.transform_graph import raw_columns, text_cells
from models.transform_graph import served_cells as graph_cleaning
from spec.artifacts import signature_names
from spec.cells.cleaning import Cleaning, Rules
from spec.columns.label import LABEL, Label

Answer = Callable[[Any], dict[str, tf.Tensor]]


class Served(tf.Module):  # type: ignore[misc]
    """Module to save as a SavedModel: the transform graph, the network and the conversion to predictions.

    Args:
        network: Keras model from model features to outputs.
        transform: `TransformGraph` of models/transform_graph/loaded_graph.py.
        answer: Function from network outputs to named predictions.
        raw_spec: Raw column -> FixedLenFeature of [1], or VarLenFeature if the schema allows nulls; without label and
            weight.
        label: Settings of the label.
        label_spec: FixedLenFeature or VarLenFeature of the label column; None without a label column.
        class_names: Class names in order; None for a regression.
        features: Names of the model features that the network reads.
        weight: Column of row weights; None without one.
        weight_spec: FixedLenFeature of the weight column.
        vectors: Maps model features by name to the vectors of a clustering, float32 (batch, width); None for other
            tasks.
        transformed_label: Whether a regression's label is an output of the transform graph, because a user-defined
            preprocessing function may return it; otherwise it is the column itself.
        cleaning: Rules by which ingestion cleans cells; None for formats that are not cleaned.
        uncleaned: Columns that are not cleaned, such as encoded images.
        temperature: Divisor of the logits; None without calibration.
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
        weight: str | None = None,
        weight_spec: Any = None,
        vectors: Callable[[Mapping[str, tf.Tensor]], tf.Tensor] | None = None,
        transformed_label: bool = False,
        cleaning: Cleaning | None = None,
        uncleaned: Iterable[str] = (),
        temperature: float | None = None,
    ) -> None:
        super().__init__()
        # A SimpleNamespace hides the network from the tracking of tf.Module. TensorFlow would save each Keras variable
        # of a tracked network as a copy that the functions do not read: TF Serving would restore the copy and leave the
        # variable itself unset. The optimizer's state would be saved too. A tracked function would be saved once more
        # beside the copy that the signatures call.
        self._hidden = types.SimpleNamespace(
            network=network,
            # Traced once, and called by each signature. AutoGraph would spend seconds on the libraries' code, which has
            # no Python branch on a tensor.
            features_of=tf.function(self._transformed, autograph=False),
        )
        self._variables = [
            variable if isinstance(variable, tf.Variable) else variable.value
            for variable in getattr(network, "variables", ())
        ]
        self._transform = transform
        self._answer = answer
        self._raw_spec = dict(raw_spec)
        self._label = label
        self._class_names = class_names
        self._weight = weight
        self._label_spec = dict(self._raw_spec)
        for column, spec in ((label.column, label_spec), (weight, weight_spec)):
            if column is not None:
                self._label_spec[column] = spec
        self._features = features
        self._vectors = vectors
        self._transformed_label = transformed_label
        self._cleaning = cleaning
        self._uncleaned = tuple(uncleaned)
        self._temperature = temperature

    def model_features(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Transform raw columns, as tf.io.parse_example returns them, to model features: feature -> tensor."""
        features: dict[str, tf.Tensor] = self._hidden.features_of(dict(raw))
        return features

    def _transformed(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        if self._cleaning is not None:
            raw = graph_cleaning.columns(raw, self._cleaning, skip=self._uncleaned)
        transformed = self._transform(raw)
        return {name: transformed[name] for name in self._features}

    def answer(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Predict from raw columns, as tf.io.parse_example returns them: output -> tensor of (batch, ...)."""
        return self._answer(self._hidden.network(self._shaped(self.model_features(raw)), training=False))

    def label(self, raw: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Read the label from raw columns, (batch,): a float64 number in the label's unit, or an int64 class index."""
        if self._label.kind == "regression" and not self._transformed_label:
            column = raw[str(self._label.column)]
            label = raw_columns.densify(column) if isinstance(column, tf.SparseTensor) else raw_columns.Cells(column)
            return tf.reshape(as_number(label), [-1])
        label = tf.reshape(self._transform(dict(raw))[LABEL], [-1])
        return tf.cast(label, tf.float64) if self._label.kind == "regression" else label

    def labels(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Read `label` and, if there is a weight column, `weight` (float32) from raw columns, (batch,) each."""
        tensors = {"label": self.label(raw)}
        if self._weight is not None:
            tensors["weight"] = tf.cast(tf.reshape(raw[self._weight], [-1]), tf.float32)
        return tensors

    def signatures(self) -> dict[str, Any]:
        """Trace the signatures: name -> concrete function."""
        columns = input_names(self._raw_spec)
        rows = {name: tf.TensorSpec([None], self._raw_spec[column].dtype, name) for name, column in columns.items()}
        examples = tf.TensorSpec([None], tf.string, name="examples")

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def serving_default(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.answer(self._all_parsed({columns[name]: value for name, value in raw.items()}))

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def serving_rows(**texts: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.answer(self._all_parsed(self._cells({columns[name]: text for name, text in texts.items()})))

        texts = {name: tf.TensorSpec([None], tf.string, name) for name in columns}
        functions = {
            signature_names.DEFAULT: serving_default.get_concrete_function(**rows),
            signature_names.ROWS: serving_rows.get_concrete_function(**texts),
        }
        by_examples = {
            signature_names.EXAMPLES: (self.answer, self._raw_spec),
            "transform_features": (self.model_features, self._raw_spec),
        }
        if self._label.column is not None:
            by_examples["labels"] = (self.labels, self._label_spec)
        if self._vectors is not None:
            by_examples["vectors"] = (self._clustered, self._raw_spec)
        for name, (function, spec) in by_examples.items():
            functions[name] = _of_examples(function, spec).get_concrete_function(examples)
        if self._class_names is not None:
            functions[signature_names.CLASS_NAMES] = _constant("names", tf.constant(self._class_names))
        if self._temperature is not None:
            functions["temperature"] = _constant("temperature", tf.constant(self._temperature, tf.float64))
        return functions

    def _all_parsed(self, dense: Mapping[str, tf.Tensor]) -> dict[str, Any]:
        """Convert dense columns of (batch,) to the tensors that tf.io.parse_example would return."""
        parsed: dict[str, Any] = {}
        together: dict[tf.DType, list[str]] = {}
        for column, value in dense.items():
            feature = self._raw_spec[column]
            if isinstance(feature, tf.io.VarLenFeature):
                parsed[column] = raw_columns.sparsify(value)
            elif tuple(feature.shape) == (1,):
                together.setdefault(value.dtype, []).append(column)
            else:
                parsed[column] = tf.reshape(value, [-1, *feature.shape])
        # Stack and split are two operations for all columns of a dtype; a reshape of each would be one per column.
        for columns in together.values():
            matrix = tf.stack([dense[column] for column in columns], axis=1)
            parsed |= zip(columns, tf.split(matrix, len(columns), axis=1), strict=True)
        return parsed

    def _cells(self, texts: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Convert cells as in a CSV file to the dtypes of their columns; encoded images are unchanged.

        Args:
            texts: Column -> string (batch,).

        Returns:
            Column -> (batch,).
        """
        cells: dict[str, tf.Tensor] = {}
        together: dict[tuple[Any, Rules, bool], list[str]] = {}
        for column, text in texts.items():
            if column in self._uncleaned:
                cells[column] = text
                continue
            feature = self._raw_spec[column]
            rules = text_cells.UNCLEANED if self._cleaning is None else self._cleaning.rules(column)
            together.setdefault((feature.dtype, rules, isinstance(feature, tf.io.VarLenFeature)), []).append(column)
        for (dtype, rules, nullable), columns in together.items():
            matrix = tf.stack([texts[column] for column in columns], axis=1)
            matrix = text_cells.parse(matrix, dtype, rules, columns, nullable=nullable)
            cells |= zip(columns, tf.unstack(matrix, len(columns), axis=1), strict=True)
        return cells

    def _clustered(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        assert self._vectors is not None
        return {"vectors": self._vectors(self._shaped(self.model_features(raw)))}

    def _shaped(self, features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Reshape model features to the shapes of the network's inputs; images are flat in the transform graph."""
        inputs = getattr(self._hidden.network, "input", None)
        if not isinstance(inputs, Mapping):
            return features
        return {
            name: value
            if value.shape.as_list()[1:] == list(inputs[name].shape[1:])
            else tf.reshape(value, [-1, *inputs[name].shape[1:]])
            for name, value in features.items()
        }


def _constant(name: str, value: tf.Tensor) -> Any:
    """Return a signature without inputs that returns a constant."""
    return tf.function(lambda: {name: tf.identity(value)}, autograph=False).get_concrete_function()


def _of_examples(function: Callable[[Any], dict[str, tf.Tensor]], spec: Mapping[str, Any]) -> Any:
    """Wrap a function of parsed columns as a tf.function of serialized tf.Examples, string (batch,)."""
    return tf.function(lambda examples: function(tf.io.parse_example(examples, spec)), autograph=False)


def input_names(columns: Iterable[str]) -> dict[str, str]:
    """Make names that TensorFlow accepts for a signature's inputs: ASCII letters, digits and _, a letter first.

    TensorFlow saves their tensors under lower-case names, so names must differ by more than case.

    Returns:
        Input name -> column, in order; `sq ft` becomes `sq_ft`, and `age` next to `Age` becomes `age_`.
    """
    names: dict[str, str] = {}
    lowered: set[str] = set()
    for column in columns:
        name = re.sub(r"\W", "_", column, flags=re.ASCII)
        name = name if name[:1].isalpha() else f"arg_{name}"
        while name.lower() in lowered or name == "self":
            name += "_"
        lowered.add(name.lower())
        names[name] = column
    return names
