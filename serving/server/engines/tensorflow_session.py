"""The engine TensorFlow: a SavedModel in a session, as TensorFlow Serving loads it.

A session's callable costs a third less CPU time per call than a Python signature, which matters for single rows.
"""

import logging
import os
import re
from collections.abc import Mapping
from typing import Any

import google.protobuf
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import config_pb2
from tensorflow_serving.apis import prediction_log_pb2

from serving.server.engines.session import Signature
from serving.server.grpc_api import tensor_protos
from serving.server.json_api.json_values import Input
from serving.server.statuses import RequestError
from spec.artifacts.check_messages import FAILED
from spec.artifacts.signature_names import DEFAULT
from spec.file_names import WARM_UP

_MAX_WARM_UPS = 1000
"""TensorFlow Serving reads no more."""
_HIDDEN = "__saved_model"
_ALL_FIELDS = (
    "including_default_value_fields"
    if google.protobuf.__version__.split(".")[0] in ("3", "4")
    else "always_print_fields_with_no_presence"
)
"""Argument of json_format for unset fields; protobuf 5 renamed it."""
_CHECK = re.compile(FAILED)
"""Error of a check in this project's graphs: its message, and the cell."""

Array = np.ndarray[Any, Any]


class TensorflowSession:
    """A SavedModel that is loaded into a session.

    Args:
        folder: Folder of the SavedModel.
        cores: Number of cores that TensorFlow may use.

    Attributes:
        folder: Folder of the SavedModel.
        signatures: Signature name -> signature.

    Raises:
        ValueError: TensorFlow cannot load the model.
    """

    def __init__(self, folder: str, cores: int) -> None:
        self.folder = folder
        # Graphs of columns are many small operations: another thread for each costs more than it gains.
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=cores, inter_op_parallelism_threads=cores)
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
        try:
            with self._session.graph.as_default():
                graph = tf.compat.v1.saved_model.loader.load(self._session, [tf.saved_model.SERVING], folder)
        except (tf.errors.OpError, DecodeError, OSError, LookupError, TypeError, ValueError, RuntimeError) as error:
            self._session.close()
            raise ValueError(_reason(error)) from error
        definitions = {
            name: definition for name, definition in sorted(graph.signature_def.items()) if not name.startswith(_HIDDEN)
        }
        self.signatures: Mapping[str, Signature] = {
            name: _signature(name, definition) for name, definition in definitions.items()
        }
        self._callables = {
            name: self._callable(signature, definitions[name]) for name, signature in self.signatures.items()
        }

    def _callable(self, signature: Signature, definition: Any) -> Any:
        options = config_pb2.CallableOptions()
        options.feed.extend(definition.inputs[spec.name].name for spec in signature.inputs)
        options.fetch.extend(definition.outputs[name].name for name in signature.outputs)
        return self._session._make_callable_from_options(options)

    def run(self, signature: Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run a signature.

        Args:
            signature: Signature of this model.
            inputs: Input name -> array.

        Returns:
            Output name -> array.

        Raises:
            RequestError: TensorFlow refuses the inputs, or fails.
        """
        try:
            values = self._callables[signature.name](*(inputs[spec.name] for spec in signature.inputs))
        except tf.errors.OpError as error:
            raise RequestError(_reason(error), _code(error)) from error
        except (TypeError, ValueError) as error:
            raise RequestError(str(error)) from error
        return dict(zip(signature.outputs, values, strict=True))

    def warm_up(self) -> int:
        """Run the warm-up requests that are saved in the model.

        Returns:
            Number of requests.

        Raises:
            ValueError: a request fails.
        """
        path = os.path.join(self.folder, WARM_UP)
        if not os.path.isfile(path):
            return 0
        count = 0
        try:
            for record in tf.data.TFRecordDataset(path).take(_MAX_WARM_UPS).as_numpy_iterator():
                request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
                signature = self.signatures.get(request.model_spec.signature_name or DEFAULT)
                if signature is not None and request.inputs:
                    self.run(signature, tensor_protos.arrays(request.inputs, signature.inputs))
                    count += 1
        except (RequestError, DecodeError, tf.errors.OpError) as error:
            raise ValueError(f"request {count + 1} of its {WARM_UP} fails: {_reason(error)}") from error
        return count

    def close(self) -> None:
        """Free the model's memory."""
        self._callables.clear()
        self._session.close()


def _signature(name: str, definition: Any) -> Signature:
    inputs = tuple(_input(input_name, info) for input_name, info in sorted(definition.inputs.items()))
    infos = [*definition.inputs.values(), *definition.outputs.values()]
    batches = bool(inputs) and all(
        not info.tensor_shape.unknown_rank and info.tensor_shape.dim and info.tensor_shape.dim[0].size == -1
        for info in infos
    )
    content = json_format.MessageToDict(definition, preserving_proto_field_name=True, **{_ALL_FIELDS: True})
    return Signature(name, inputs, tuple(sorted(definition.outputs)), batches, content)


def _input(name: str, info: Any) -> Input:
    dtype = tf.dtypes.as_dtype(info.dtype)
    shape = None if info.tensor_shape.unknown_rank else tuple(dim.size for dim in info.tensor_shape.dim)
    return Input(name, "object" if dtype == tf.string else dtype.name, dtype.name, shape)


def _code(error: tf.errors.OpError) -> str:
    """Return the name of an error's status code; INTERNAL for all that are not listed."""
    names = {
        tf.errors.INVALID_ARGUMENT: "INVALID_ARGUMENT",
        tf.errors.FAILED_PRECONDITION: "FAILED_PRECONDITION",
        tf.errors.OUT_OF_RANGE: "OUT_OF_RANGE",
        tf.errors.NOT_FOUND: "NOT_FOUND",
        tf.errors.RESOURCE_EXHAUSTED: "RESOURCE_EXHAUSTED",
        tf.errors.CANCELLED: "CANCELLED",
        tf.errors.UNIMPLEMENTED: "UNIMPLEMENTED",
        tf.errors.UNAVAILABLE: "UNAVAILABLE",
        tf.errors.DEADLINE_EXCEEDED: "DEADLINE_EXCEEDED",
        tf.errors.DATA_LOSS: "DATA_LOSS",
    }
    return names.get(error.error_code, "INTERNAL")


def _reason(error: Exception) -> str:
    """Return the line of an error that states the cause; of a check, its message with the cell."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line != "Graph execution error:" and not line.startswith("Detected at")]
    cause = (causes or [type(error).__name__])[0]
    if check := _CHECK.match(cause):
        cause = _unescaped(" ".join(part for part in check.groups() if part is not None))
    return cause[:500]


def _unescaped(text: str) -> str:
    """Decode the escapes that TensorFlow writes for quotes and non-ASCII characters."""
    return text.encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")


class TensorflowEngine:
    """Loads SavedModels."""

    def __init__(self) -> None:
        # Its loader for sessions warns at each load that there is another one.
        tf.get_logger().setLevel(logging.ERROR)

    def load(self, name: str, number: int, folder: str, cores: int) -> TensorflowSession:
        """Load a version; arguments and errors as of `Engine`."""
        return TensorflowSession(folder, cores)

    def stop(self) -> None:
        """Do nothing: a load cannot be ended."""
