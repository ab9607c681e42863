"""A TensorFlow function and its ONNX form, run on the same rows."""

import numpy as np
import tensorflow as tf

from models.onnx_export.conversion import Conversion
from models.onnx_export.frozen_function import freeze
from serving import onnx_model
from spec.artifacts import signature_names


class Pair:
    """Both forms of a function of named tensors.

    Args:
        function: From keyword arguments to named tensors.
        specs: Name -> TensorSpec of each argument.
    """

    def __init__(self, function, specs):
        self.function = tf.function(function, autograph=False).get_concrete_function(**specs)
        conversion = Conversion(freeze(self.function))
        self.messages = conversion.messages
        self.model = conversion.model({})
        self.session = onnx_model.session(self.model.SerializeToString(), 1)
        self.specs = specs

    def onnx(self, **rows):
        """Return the outputs of the ONNX form, `error` among them."""
        inputs = {name: onnx_model.array(rows[name], spec.dtype.name) for name, spec in self.specs.items()}
        return onnx_model.run(self.session, inputs, [*sorted(self.function.structured_outputs), signature_names.ERROR])

    def tensorflow(self, **rows):
        """Return the outputs of the TensorFlow form, texts as str."""
        inputs = {name: tf.constant(rows[name], spec.dtype) for name, spec in self.specs.items()}
        outputs = {name: value.numpy() for name, value in self.function(**inputs).items()}
        return {
            name: np.vectorize(bytes.decode, otypes=[object])(value) if value.dtype.kind == "O" else value
            for name, value in outputs.items()
        }

    def check_equal(self, **rows):
        """Compare the outputs of rows that both accept."""
        actual, expected = self.onnx(**rows), self.tensorflow(**rows)
        errors = actual.pop(signature_names.ERROR)
        assert not errors.any(), {row: self.messages[errors[row] - 1] for row in np.flatnonzero(errors).tolist()}
        for name, value in expected.items():
            assert value.dtype == actual[name].dtype
            assert value.shape == actual[name].shape
            assert onnx_model.same(value, actual[name]), (name, value, actual[name])
