"""Interface of the server to an engine: a loaded version with its signatures, and a function that loads one."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from serving.server.json_api.json_values import Input
from serving.server.statuses import RequestError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Signature:
    """A signature of a loaded model.

    Attributes:
        name: Name of the signature.
        inputs: Inputs, sorted by name.
        outputs: Names of the outputs, sorted.
        batches: Whether requests can share a batch: the first dimension of each input and output is the rows.
        definition: SignatureDef of the SavedModel as JSON of protobuf, with all fields.
    """

    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    batches: bool
    definition: Mapping[str, Any]

    @functools.cached_property
    def _is_flat(self) -> bool:
        """Whether each input has one value for each row."""
        return all(spec.shape == (-1,) for spec in self.inputs)

    def check_shapes(self, inputs: Mapping[str, Array]) -> set[tuple[int, ...]]:
        """Check the shapes of a request's arrays, and return the different ones.

        Args:
            inputs: Input name -> array.

        Raises:
            RequestError: an array does not have the shape of its input.
        """
        shapes = {value.shape for value in inputs.values()}
        if self._is_flat and all(len(shape) == 1 for shape in shapes):
            return shapes  # the usual case: the comparison of each input costs several times as much
        for spec in self.inputs:
            shape, expected = inputs[spec.name].shape, spec.shape
            if expected is None:
                continue
            if len(shape) != len(expected) or any(
                size not in (-1, actual) for size, actual in zip(expected, shape, strict=True)
            ):
                raise RequestError(
                    f"input {spec.name} has shape {list(shape)}, expected {list(expected)}, where -1 is any number"
                )
        return shapes


class Session(Protocol):
    """A loaded version."""

    folder: str
    """Folder of the version, with its assets.extra."""
    signatures: Mapping[str, Signature]
    """Signature name -> signature."""

    def run(self, signature: Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run a signature.

        Args:
            signature: Signature of this model.
            inputs: Input name -> array; text is bytes.

        Returns:
            Output name -> array.

        Raises:
            RequestError: the model refuses the inputs, or the engine fails.
        """

    def warm_up(self) -> int:
        """Run requests before the version serves; return their number.

        Raises:
            ValueError: a request fails.
        """

    def close(self) -> None:
        """Free the model's memory."""


class Engine(Protocol):
    """Loader of versions."""

    def load(self, name: str, number: int, folder: str, cores: int) -> Session:
        """Load a version.

        Args:
            name: Name of the model.
            number: Number of the version.
            folder: Folder of the version.
            cores: Number of cores that the version may use.

        Raises:
            ValueError: the version cannot be loaded.
        """

    def stop(self) -> None:
        """Abort a load that is running."""
