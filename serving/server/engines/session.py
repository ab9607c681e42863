"""What the server needs from an engine: a loaded version with its signatures, and a function that loads one."""

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
        name: Its name.
        inputs: Its inputs, by name in order.
        outputs: Names of its outputs, in order.
        batches: Whether rows of several requests can be run as one: each input and output has rows.
        definition: Its SignatureDef, as protobuf writes it in JSON, with all fields.
    """

    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    batches: bool
    definition: Mapping[str, Any]

    def check_shapes(self, inputs: Mapping[str, Array]) -> None:
        """Compare the shapes of arrays by input with those of the signature.

        Raises:
            RequestError: one differs.
        """
        for one in self.inputs:
            shape, wanted = inputs[one.name].shape, one.shape
            if wanted is None:
                continue
            if len(shape) != len(wanted) or any(size not in (-1, got) for size, got in zip(wanted, shape, strict=True)):
                raise RequestError(
                    f"input {one.name} has shape {list(shape)}, expected {list(wanted)}, where -1 is any number"
                )


class Session(Protocol):
    """A loaded version."""

    folder: str
    """Folder of the version, with its assets.extra."""
    signatures: Mapping[str, Signature]
    """Its signatures by name."""

    def run(self, signature: Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run a signature on the array of each input by name; text is bytes.

        Raises:
            RequestError: the model refuses the inputs, or the engine fails.
        """

    def warm_up(self) -> int:
        """Run requests before the version serves, and return their number.

        Raises:
            ValueError: one of them fails.
        """

    def close(self) -> None:
        """Free the model's memory."""


class Engine(Protocol):
    """Loads versions."""

    def load(self, name: str, number: int, folder: str, cores: int) -> Session:
        """Load a version.

        Args:
            name: Name of the model.
            number: The version.
            folder: Folder of the version.
            cores: Number of cores that it may use.

        Raises:
            ValueError: it cannot be loaded.
        """

    def stop(self) -> None:
        """End a load that takes long."""
