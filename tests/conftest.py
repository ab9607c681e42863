"""Fixtures of all tests. Slow imports happen inside the fixtures."""

import dataclasses
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

import project

from .durations import pytest_configure  # noqa: F401  hook
from .evaluated import judged, telling  # noqa: F401  fixtures
from .flats import Flats, Judged
from .keys import copied_packages, stage_keys  # noqa: F401  fixtures
from .object_stores import gcs, s3, s3_url  # noqa: F401  fixtures
from .selection import (  # noqa: F401  hooks
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_terminal_summary,
    pytest_testnodedown,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# No process with TensorFlow stays after the commands of a test.
os.environ["CI"] = "true"
# A shell without job control starts `make faults &` with Ctrl-C ignored; commands that tests stop would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
hypothesis.settings.load_profile("repeatable")

Rows = Sequence[Mapping[str, Any]]


def pytest_make_parametrize_id(val: Any, argname: str) -> str | None:
    """Use the argument's name in the test id for bytes and long strings.

    Parallel test processes must collect equal ids, and compressed bytes may contain a time.
    """
    return argname if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 200) else None


@pytest.fixture(autouse=True)
def _same_project() -> Iterator[None]:
    """Restore the project folder: a command with --project changes it for the rest of its process."""
    folder = os.environ.get(project.VARIABLE)
    yield
    os.environ.pop(project.VARIABLE, None)
    if folder is not None:
        os.environ[project.VARIABLE] = folder


@pytest.fixture(autouse=True)
def _no_early_fit() -> Iterator[None]:
    """End the fits of plain models that no stage took over; after a real run, the worker does it."""
    yield
    if (background_fit := sys.modules.get("components.plain_models.background_fit")) is not None:
        background_fit.close()


@pytest.fixture(scope="session")
def pack() -> Callable[..., dict[str, Any]]:
    """Return a function that packs sections of a config as custom_config, as a TFX node passes it to user code."""
    from spec import settings

    def make(**sections: Any) -> dict[str, Any]:
        return {"settings": settings.pack(sections, None)}

    return make


@pytest.fixture(scope="session")
def write_examples() -> Callable[..., Path]:
    """Return a function that writes columns as gzipped tf.Examples: int64, float32 or bytes, one value per cell.

    With `beside`, it also writes the column cache in two batches, as ingestion does.
    """
    import pyarrow as pa

    from components.ingestion.write import example_encoding
    from components.ingestion.write.record_writer import RecordWriter
    from models.data import column_cache

    def write(path: Path, columns: Mapping[str, Any], beside: bool = False) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = RecordWriter(path.open("wb"))
        batch = pa.record_batch(list(map(pa.array, columns.values())), list(columns))
        writer.write(example_encoding.examples(batch).to_pylist())
        writer.close()
        if beside:
            cache = column_cache.Writer(str(path))
            cache.write(column_cache.typed(batch.slice(0, 1)))
            cache.write(column_cache.typed(batch.slice(1)))
            cache.close(writer.digest)
        return path

    return write


@pytest.fixture(scope="session")
def beam_pipeline() -> Callable[[], Any]:
    """Return a function that creates Beam pipelines that run in this process."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    return lambda: beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))


@pytest.fixture(scope="session")
def analyze(beam_pipeline: Callable[[], Any], write_examples: Callable[..., Path]) -> Callable[..., str]:
    """Return a function that runs preprocessing_fn like the transformation, and returns the folder of the graph.

    The table is given as columns; the first non-null value determines the type, and a column with a None is nullable.
    `examples` is a file for the transformed rows, gzipped tf.Examples.
    """
    import tensorflow as tf
    from tensorflow_transform import impl_helper
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

    from components.transformation import executor, graph_passes
    from components.transformation.analysis import Analysis
    from manifest import Shard
    from models.transform_graph import preprocessing

    kinds = {int: tf.int64, float: tf.float32, str: tf.string, bytes: tf.string}

    def feature(cells: Sequence[Any]) -> Any:
        kind = kinds[type(next(cell for cell in cells if cell is not None))]
        return tf.io.VarLenFeature(kind) if None in cells else tf.io.FixedLenFeature([1], kind)

    def run(
        folder: Path,
        columns: Mapping[str, Sequence[Any]],
        custom_config: Mapping[str, Any],
        examples: Path | None = None,
    ) -> str:
        spec = {name: feature(cells) for name, cells in columns.items()}
        raw = str(write_examples(folder / "raw.gz", columns))
        function = functools.partial(preprocessing.preprocessing_fn, custom_config=custom_config)
        temporary, graph = str(folder / "temporary"), str(folder / "graph")
        analysis = Analysis(function, impl_helper.get_type_specs_from_feature_specs(spec), temporary)
        needed = {name: spec[name] for name in analysis.columns}
        model = analysis.run(graph_passes.gather(beam_pipeline, [Shard(raw)], needed, temporary))
        transformed_metadata = metadata_io.read_metadata(f"{model}/{impl_helper.METADATA_DIR_NAME}")
        metadata = dataset_metadata.DatasetMetadata.from_feature_spec(spec)
        executor._write(graph, model, transformed_metadata, analysis.assets, metadata)
        if examples is not None:
            graph_passes.materialize(
                beam_pipeline, {str(examples): Shard(raw)}, needed, model, transformed_metadata.schema, temporary
            )
        return graph

    return run


@pytest.fixture(scope="session")
def trial_order(
    tmp_path_factory: pytest.TempPathFactory,
    analyze: Callable[..., str],
    pack: Callable[..., dict[str, Any]],
    write_examples: Callable[..., Path],
) -> Any:
    """Return the order for a trial process of the tuner: transformed splits, transform graph, features and label."""
    import numpy as np
    import tensorflow as tf
    import tensorflow_transform as tft

    from models.training.training_config import TrialOrder

    features = {"numeric": [{"column": "area"}], "categorical": [{"column": "zone"}]}
    label = {"column": "price"}

    def table(seed: int, rows: int) -> dict[str, list[Any]]:
        random = np.random.default_rng(seed)
        area, zone = random.uniform(50, 200, rows), random.choice(["north", "south"], rows)
        price = 1000 * area + 5e4 * (zone == "south") + random.normal(0, 1e4, rows)
        return {"area": area.tolist(), "zone": zone.tolist(), "price": price.tolist()}

    base = tmp_path_factory.mktemp("trials")
    splits = {"train": table(1, 64), "eval": table(2, 32)}
    graph = analyze(base, splits["train"], pack(features=features, label=label, edges=True))
    layer = tft.TFTransformOutput(graph).transform_features_layer()
    for name, rows in splits.items():
        transformed = layer({column: tf.constant(cells, shape=(len(cells), 1)) for column, cells in rows.items()})
        columns = {column: value.numpy()[:, 0] for column, value in transformed.items()}
        write_examples(base / "examples" / f"Split-{name}" / "rows-00000-of-00001.gz", columns)
    files = {f"{name}_files": [str(base / "examples" / f"Split-{name}" / "rows-00000-of-00001.gz")] for name in splits}
    return TrialOrder.model_validate({**files, "transform_output": graph, "features": features, "label": label})


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    """Return a PostgreSQL server; see postgresql_server.py."""
    from .postgresql_server import BINARIES, Server

    if not BINARIES:
        pytest.skip("PostgreSQL is missing: apt-get install postgresql")
    with Server() as server:
        yield server


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_store(request: pytest.FixtureRequest) -> Callable[[], str | None]:
    """Return a function that gives the URL of an empty store; None for SQLite under the root of the test.

    Tests that use it run on SQLite and on PostgreSQL.
    """
    if request.param == "sqlite":
        return lambda: None
    server = request.getfixturevalue("postgresql")
    return lambda: str(server.new_database())


@pytest.fixture
def mlmd(new_store: Callable[[], str | None]) -> Any:
    """Return an empty ML Metadata store: SQLite in memory, or a database of a PostgreSQL server."""
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as pb

    from inspection.store.store_address import connection_config

    url = new_store()
    config = pb.ConnectionConfig()
    config.fake_database.SetInParent()
    return MetadataStore(config if url is None else connection_config("", url))


@pytest.fixture
def flats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flats:
    """Return a small project, which the commands use as the user's project."""
    project_folder = Flats(tmp_path / "repository")
    (project_folder.root / project.FILE).write_text("format = 1\n")
    monkeypatch.setenv(project.VARIABLE, str(project_folder.root))
    return project_folder


@pytest.fixture(scope="session")
def points_run() -> Callable[..., Any]:
    """Return a function that starts a run of a small shipped pipeline in this process, stage by stage."""
    from components.fingerprints import code_digest
    from components.ingestion.discovery import data_files
    from orchestration.local.execution import Execution
    from orchestration.local.run_order import RunOrder
    from pipeline import load
    from pipeline.beam_arguments import BEAM_ARGS
    from pipeline.variants import Name
    from project import REPOSITORY

    def make(root: Path, pipeline: str, run_id: str, **order: Any) -> Any:
        reviewed = load.reviewed(REPOSITORY, Name("points", "xor_linear"))
        data = data_files.under(REPOSITORY, reviewed.config.data.path)
        folder = root / pipeline / "runs" / run_id
        folder.mkdir(parents=True, exist_ok=True)
        schema = os.path.join(REPOSITORY, reviewed.schema)
        return Execution(
            dataclasses.replace(
                RunOrder(
                    pipeline=pipeline,
                    run_id=run_id,
                    run_folder=str(folder),
                    root=str(root),
                    metadata=None,
                    scratch=str(root / "scratch"),
                    config=reviewed.config,
                    columns=reviewed.columns,
                    data=data,
                    data_content=data_files.content(data_files.resolve(data, reviewed.config.data)),
                    schema=schema,
                    schema_content=code_digest.file(schema),
                    beam_args=BEAM_ARGS,
                ),
                **order,
            )
        )

    return make


@pytest.fixture
def gated(flats: Flats) -> Judged:
    """Return a runner of the small project's stages up to the gates."""
    return Judged(flats)
