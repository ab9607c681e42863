"""Stock ExampleGen and StatisticsGen over the same CSV: the same examples in each split, the same statistics."""

import collections
import csv
import gzip
import io
import itertools
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tfx.components.example_gen.csv_example_gen import executor as stock_csv
from tfx.components.statistics_gen import executor as stock_statistics
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.ingestion import executor as ingestion
from components.ingestion.readers import csv as csv_source
from components.statistics import executor as statistics
from spec import settings as packed_settings
from spec.data import Data

DATA = Path(__file__).parents[2] / "data"
SHARES = {"train": 8, "eval": 1, "test": 1}
ROWS = 600


def shipped(name):
    """The first rows of a shipped table, as text."""
    with gzip.open(DATA / name, "rt", newline="") as file:
        return "".join(itertools.islice(file, ROWS + 1))


def written(names, rows):
    """A table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([names, *rows])
    return text.getvalue()


def made():
    """Nulls in every type, letters of all kinds, quotes and lines in cells, types that change late."""
    random = np.random.default_rng(3)
    words = ["a", "Zürich", "日本", 'say "so"', "two\nlines", "one, two", " ", "007x"]
    rows = []
    for row in range(ROWS):
        late = row > ROWS - 5
        rows.append(
            [
                row,
                "" if row % 7 == 0 else int(random.integers(-5, 2**40)),
                "" if row % 5 == 0 else float(np.round(random.normal(), 3)),
                "" if row % 11 == 0 else words[row % len(words)],
                f"{row}.5" if late else row,
                "word" if late else row,
            ]
        )
    return written(["id", "whole", "number", "word", "late_float", "late_word"], rows)


def run_stock(text, folder, pipeline, key=None):
    (folder / "csv").mkdir(parents=True)
    (folder / "csv" / "table.csv").write_text(text, newline="")
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "stock")
    divided = example_gen_pb2.SplitConfig(**({"partition_feature_name": key} if key else {}))
    for name, share in SHARES.items():
        divided.splits.add(name=name, hash_buckets=share)
    pattern = example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern="*")])
    properties = {
        "input_base": str(folder / "csv"),
        "input_config": json_format.MessageToJson(pattern),
        "output_config": json_format.MessageToJson(example_gen_pb2.Output(split_config=divided)),
        "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
        "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
    }
    context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=pipeline)
    stock_csv.Executor(context).Do({}, {"examples": [examples]}, properties)
    return examples


def run_ours(text, folder, pipeline, key=None):
    path = folder / "ours.csv"
    path.write_text(text, newline="")
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "ours")
    # Stock knows one blank, the empty cell, and no cell with blanks around it.
    data = Data(path=str(path), split={"by": "hash", "column": key}, null_values=[""], strip_whitespace=False)
    config = {
        "paths": str(path),
        "data": data.model_dump(mode="json"),
        "columns": {},
        "duties": {"id": None, "group": None, "time": None},
        "label": None,
        "complete": [],
        "read": [],
        "notes": [],
        "classes": False,
    }
    properties = {"settings": json.dumps(packed_settings.pack(config, None)), "content": "", "code": ""}
    context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=pipeline)
    ingestion.Executor(context).Do({}, {"examples": [examples]}, properties)
    return examples


def cells(record):
    """A parsed example that can be counted: numbers by their bytes; a list without values is missing too."""
    features = tf.train.Example.FromString(record).features.feature
    actual = []
    for name, feature in sorted(features.items()):
        kind = feature.WhichOneof("kind")
        values = list(getattr(feature, kind).value) if kind else []
        actual.append(
            (name, kind if values else None, tuple(struct.pack("<f", v) if kind == "float_list" else v for v in values))
        )
    return tuple(actual)


def counted(examples, split):
    files = tf.io.gfile.glob(f"{artifact_utils.get_split_uri([examples], split)}/*")
    return collections.Counter(map(cells, tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()))


TABLES = {
    "houses": (lambda: shipped("houses.csv.gz"), "id"),
    "taxi": (lambda: shipped("taxi.csv.gz"), None),
    "made": (made, None),
}


@pytest.fixture(scope="module", params=TABLES)
def stock_and_ingested(request, tmp_path_factory, beam_pipeline):
    """Examples of stock and of ours."""
    text, key = TABLES[request.param][0](), TABLES[request.param][1]
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        # Several blocks, so that a type shows first in a later one.
        patch.setattr(csv_source, "BLOCK_BYTES", 1 << 14)
        return run_stock(text, folder, beam_pipeline, key), run_ours(text, folder, beam_pipeline, key)


@pytest.mark.parametrize("split", SHARES)
def test_each_split_holds_the_examples_of_stock(stock_and_ingested, split):
    stock, ingested = (counted(examples, split) for examples in stock_and_ingested)

    assert sum(stock.values()) > ROWS / 20
    assert ingested == stock


def test_statistics_of_these_examples_are_those_of_stock(stock_and_ingested, beam_pipeline, tmp_path):
    _, ingested = stock_and_ingested
    stock_statistics_artifact = standard_artifacts.ExampleStatistics()
    stock_statistics_artifact.uri = str(tmp_path / "stock")
    context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=beam_pipeline)
    stock_statistics.Executor(context).Do(
        {"examples": [ingested]}, {"statistics": [stock_statistics_artifact]}, {"exclude_splits": "[]"}
    )
    actual_statistics = standard_artifacts.ExampleStatistics()
    actual_statistics.uri = str(tmp_path / "ours")
    statistics.Executor(context).Do({"examples": [ingested]}, {"statistics": [actual_statistics]}, {})

    for split in SHARES:
        expected, actual = (load(artifact, split) for artifact in (stock_statistics_artifact, actual_statistics))
        assert expected.keys() == actual.keys()
        for name, feature in expected.items():
            assert exact(actual[name]) == exact(feature), (split, name)
            for kind in ("num_stats", "string_stats"):
                for field in ("mean", "std_dev", "avg_length"):
                    if feature.HasField(kind) and hasattr(getattr(feature, kind), field):
                        value = getattr(getattr(feature, kind), field)
                        assert getattr(getattr(actual[name], kind), field) == pytest.approx(value, rel=1e-6)


def load(artifact, split):
    from tensorflow_data_validation import load_stats_binary

    [file] = tf.io.gfile.glob(f"{artifact_utils.get_split_uri([artifact], split)}/*")
    return {feature.path.step[0]: feature for feature in load_stats_binary(file).datasets[0].features}


def exact(feature):
    """What must be equal: counts, extremes, frequencies; quantiles come from a sketch, means from sums in any order."""
    kind = feature.WhichOneof("stats")
    common = getattr(feature, kind).common_stats
    properties = {
        "type": feature.type,
        "missing": common.num_missing,
        "non-missing": common.num_non_missing,
        "fewest": common.min_num_values,
        "most": common.max_num_values,
    }
    if kind == "num_stats":
        numbers = feature.num_stats
        return {**properties, "zeros": numbers.num_zeros, "least": numbers.min, "largest": numbers.max}
    texts = feature.string_stats
    return {
        **properties,
        "unique": texts.unique,
        "top": sorted((value.value, value.frequency) for value in texts.top_values),
    }


CELL = {
    "whole": st.just("") | st.integers(-(2**62), 2**62).map(str),
    "number": st.just("") | st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    "word": st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=6).filter(
        lambda text: text == text.strip()
    ),
}


@given(
    st.lists(st.fixed_dictionaries(CELL), min_size=30, max_size=40),
    st.integers(0, 3),
)
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
def test_any_table_gives_the_examples_of_stock(tmp_path_factory, beam_pipeline, rows, blanks):
    """Rows are numbered, so that each split has some whatever the cells are."""
    folder = tmp_path_factory.mktemp("any")
    table = [[number, *row.values()] for number, row in enumerate([*rows, *rows[:blanks]])]
    text = written(["id", *CELL], table)
    stock, ingested = (run(text, folder, beam_pipeline, "id") for run in (run_stock, run_ours))

    assert {split: counted(ingested, split) for split in SHARES} == {split: counted(stock, split) for split in SHARES}
