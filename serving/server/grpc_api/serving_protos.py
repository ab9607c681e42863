"""TensorFlow Serving's messages and stubs, without TensorFlow.

The modules of tensorflow-serving-api import messages of the package tensorflow, which would start TensorFlow. The
messages do not need its code, so an empty package of the same name replaces it while they are imported.
"""

import contextlib
import importlib.util
import sys
import types
from collections.abc import Iterator

from errors import UserError

_PACKAGE = "tensorflow"


@contextlib.contextmanager
def _stand_in() -> Iterator[None]:
    """Replace the package by an empty one inside the block, unless it is imported already."""
    if _PACKAGE in sys.modules:
        yield
        return
    package_spec = importlib.util.find_spec(_PACKAGE)
    if package_spec is None or importlib.util.find_spec("tensorflow_serving") is None:
        raise UserError(
            "gRPC needs the package tensorflow-serving-api, which is not installed: leave out --grpc-port, and use REST"
        )
    empty = types.ModuleType(_PACKAGE)
    empty.__path__ = list(package_spec.submodule_search_locations or ())
    sys.modules[_PACKAGE] = empty
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]:
            del sys.modules[name]


with _stand_in():
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        inference_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
        regression_pb2,
    )

__all__ = [
    "classification_pb2",
    "get_model_metadata_pb2",
    "get_model_status_pb2",
    "inference_pb2",
    "model_service_pb2_grpc",
    "predict_pb2",
    "prediction_service_pb2_grpc",
    "regression_pb2",
]
