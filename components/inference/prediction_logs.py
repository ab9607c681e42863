"""Predictions as TFX's BulkInferrer writes them: gzipped TFRecords of PredictionLogs, one for each row.

Source of the file's name and of the messages: tfx.components.bulk_inferrer.executor and tfx_bsl's run_inference, with
the Predict method and serialized tf.Examples.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from spec.artifacts.signature_names import EXAMPLES

FILE = "prediction_logs-00000-of-00001.gz"
_INPUT = "examples"


class PredictionLogs:
    """Writes the prediction logs of one artifact.

    Args:
        folder: Folder of the artifact, on this machine or in a bucket.
    """

    def __init__(self, folder: str) -> None:
        options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
        self._writer = tf.io.TFRecordWriter(f"{folder}/{FILE}", options)

    def __enter__(self) -> "PredictionLogs":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self._writer.close()

    def add(self, examples: Sequence[bytes], outputs: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Write a log for each row.

        Args:
            examples: n serialized tf.Examples.
            outputs: Output of the model -> its values, (n,) or (n, width).
        """
        for row, example in enumerate(examples):
            log = prediction_log_pb2.PredictionLog()
            predicted = log.predict_log
            predicted.request.model_spec.signature_name = EXAMPLES
            predicted.request.inputs[_INPUT].CopyFrom(tf.make_tensor_proto([example], tf.string))
            for name, values in outputs.items():
                predicted.response.outputs[name].CopyFrom(tf.make_tensor_proto(values[row : row + 1]))
            self._writer.write(log.SerializeToString(deterministic=True))
