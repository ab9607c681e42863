"""What the tests of components share."""

import importlib
import shutil
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import project

from ..attributes import with_attributes


@pytest.fixture
def example_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Put an example of an extension into a project folder that modules are imported from; return the folder."""
    placed = []

    def place(module: str) -> Path:
        folder = tmp_path / "project"
        folder.mkdir()
        monkeypatch.setenv(project.VARIABLE, str(folder))
        monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
        shutil.copy(Path(__file__).parents[1] / "extensions" / f"{module}.py", folder)
        importlib.invalidate_caches()
        placed.append(module)
        return folder

    yield place
    for module in placed:
        sys.modules.pop(module, None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Return the clock of pushes, whose `now` a test sets."""
    from serving import versions

    clock = types.SimpleNamespace(now=1000.0)
    monkeypatch.setattr(versions, "time", types.SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture(scope="session")
def tallied() -> Callable[..., Any]:
    """Adds rows up as the evaluator does, over the batches that cuts make; returns the ledger and its cells."""
    from components.evaluator import slicing
    from components.evaluator.sums import folds
    from components.evaluator.sums.accumulators import MetricSums, draw

    def run(
        measure: Any,
        label: Any,
        answer: Mapping[str, Any],
        *,
        weight: Any = None,
        slicings: Sequence[Any] = (),
        columns: Mapping[str, Any] = {},
        cuts: Sequence[int] = (),
        max_slices: int = 100,
    ) -> tuple[MetricSums, dict[Any, int]]:
        rows = np.arange(len(label))
        weight = np.ones(len(label)) if weight is None else weight
        columns_by_name = {name: (column, np.ones(len(label), bool)) for name, column in columns.items()}
        survey = slicing.Survey(slicings, max_slices)
        survey.count(columns_by_name)
        numbered, _ = survey.cells()
        ledger = MetricSums(measure, 1 + sum(map(len, numbered)))
        for part in np.split(rows, sorted(cuts)):
            if not len(part):
                continue
            summed = measure.rows(label[part], {name: value[part] for name, value in answer.items()})
            places, fold = [np.zeros(len(part), np.int64)], folds.fold(draw(part))
            for entry, cell_of_key in zip(slicings, numbered, strict=True):
                cut = {name: (values[part], present[part]) for name, (values, present) in columns_by_name.items()}
                distinct, codes = slicing.keys(entry, cut)
                places.append(np.array([cell_of_key.get(key, -1) for key in distinct])[codes])
            for place in places:
                ledger.add(place, fold, weight[part], *summed)
        return ledger, {(): 0, **{key: cell for entry in numbered for key, cell in entry.items()}}

    return run


@pytest.fixture(scope="session")
def values_of(tallied: Callable[..., Any]) -> Callable[..., dict[str, float]]:
    """Metrics of all rows."""

    def run(measure: Any, label: Any, answer: Mapping[str, Any], **options: Any) -> dict[str, float]:
        ledger, _ = tallied(measure, label, answer, **options)
        values: dict[str, float] = measure.values(ledger.sums(0))
        return values

    return run


@pytest.fixture(scope="session")
def figures() -> Callable[[Any], dict[Any, dict[str, float]]]:
    """Slice -> metric -> value of an evaluation that TFMA loaded; without those of single classes."""

    def run(result: Any) -> dict[Any, dict[str, float]]:
        return {
            key: {
                name: float(value["boundedValue"]["value"] if "boundedValue" in value else value["doubleValue"])
                for name, value in metrics_of[""][""].items()
            }
            for key, metrics_of in result.slicing_metrics
        }

    return run


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory, write_examples: Callable[..., Any]) -> Any:
    """A SavedModel that doubles, and carries its sample rows."""
    import tensorflow as tf

    from models.export import self_check
    from spec.artifacts import signature_names

    class Doubled(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.factor = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])  # type: ignore[untyped-decorator]
        def serve(self, examples: Any) -> Any:
            parsed = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([], tf.float32)})
            return {"prediction": self.factor * parsed["x"]}

    folder = tmp_path_factory.mktemp("saved")
    model = Doubled()
    tf.saved_model.save(model, str(folder / "model"), signatures={signature_names.EXAMPLES: model.serve})
    rows = write_examples(folder / "rows.gz", {"x": [0.5, 1.0, 2.0], "price": [1.0, 2.0, 3.0]})
    self_check.write(str(folder / "model"), lambda rows: model.serve(tf.constant(rows)), [str(rows)], ["x"])
    return folder / "model"


@pytest.fixture
def read() -> Callable[..., dict[str, list[Any]]]:
    """Reads the rows at a path; columns as lists. A file on one format has a `read` of its own, which takes content."""
    import pyarrow as pa

    from components.ingestion import sources
    from spec.data import Data

    def run(path: Any, columns: Any = None, omissions: Any = None, **keys: Any) -> dict[str, list[Any]]:
        settings = Data(path="not read", **keys)
        batches = list(sources.batches(str(path), settings, columns or {}, omissions))
        run.types = {field.name: field.type for field in batches[0].schema}  # type: ignore[attr-defined]
        cells: dict[str, list[Any]] = pa.Table.from_batches(batches).to_pydict()
        return cells

    return run


@pytest.fixture
def look() -> Callable[..., Any]:
    """Looks at what is at a path."""
    from components.ingestion import sources
    from spec.data import Data

    def run(path: Any, omissions: Any = None, **keys: Any) -> Any:
        return sources.look(str(path), Data(path="not read", **keys), omissions)

    return run


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predict in batches of 17 rows, so that the rows of a test are several batches."""
    from components.evaluator import prediction

    monkeypatch.setattr(prediction, "BATCH", 17)


@pytest.fixture
def load_results() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the functions of TFMA that load an evaluation and its validation."""
    import tensorflow_model_analysis as tfma

    return tfma.load_eval_result, tfma.load_validation_result


@pytest.fixture
def file_reader(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that gives a reader of a file's content: columns as lists, and the attributes of its last call.

    The attributes are `types`, column -> type, and `omitted`, the lines on what was left out.
    """
    import pyarrow as pa

    from components.ingestion import sources
    from components.ingestion.omissions import Omissions
    from spec.data import Data

    def reader(name: str, columns: Mapping[str, str] = {}) -> Callable[..., dict[str, list[Any]]]:
        @with_attributes
        def run(
            content: str | bytes, columns: Mapping[str, str] = columns, name: str = name, **keys: Any
        ) -> dict[str, list[Any]]:
            path, omissions = tmp_path / name, Omissions()
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            batches = list(sources.batches(str(path), Data(path="not read", **keys), columns, omissions))
            run.types = {field.name: field.type for field in batches[0].schema}
            run.omitted = omissions.lines()
            table: dict[str, list[Any]] = pa.Table.from_batches(batches).to_pydict()
            return table

        return run

    return reader
