"""The raw columns of a batch, as the roles read them."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, TypeVar

from models.roles import Features
from models.transform_graph import raw_columns
from models.transform_graph.raw_columns import Cells

Result = TypeVar("Result")


class ColumnBatch(Mapping[str, Any]):
    """Raw columns by name: tensors of (batch, 1), or SparseTensors if the schema allows nulls.

    Args:
        raw: Column -> tensor of (batch, 1), or SparseTensor.
        features: All entries of [features].

    Attributes:
        features: All entries of [features].
    """

    def __init__(self, raw: Mapping[str, Any], features: Features) -> None:
        self.features = features
        self._raw = raw
        self._results: dict[tuple[Callable[..., Any], Hashable], Any] = {}

    def __getitem__(self, column: str) -> Any:
        return self._raw[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def cells(self, column: str, missing: Any = None) -> Cells:
        """Read a column with its nulls.

        Args:
            column: Name of the column.
            missing: `missing` of the role; None or "drop" if the role has no rule for nulls.

        Raises:
            ValueError: The schema allows nulls and the role has no rule for them.
        """
        return raw_columns.read(self[column], column, missing)

    def once(self, function: Callable[["ColumnBatch", Any], Result], settings: Hashable) -> Result:
        """Call a function of a role with this batch and an entry; later calls return the same result.

        Args:
            function: Called as function(columns, settings).
            settings: The entry, or a tuple of entries.
        """
        key = (function, settings)
        if key not in self._results:
            self._results[key] = function(self, settings)
        result: Result = self._results[key]
        return result
