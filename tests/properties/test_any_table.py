"""Any table of the supported types trains, or is refused with a sentence that names the column: never a traceback.

    TABLES=200 WHOLE=5 make test ARGS="tests/properties -s"

A case goes from its file through the proposal of a config, preflight, ingestion, statistics, the gate, transformation
and one epoch, in this process. `TABLES` says how many cases, 8 without it; `WHOLE` how many go on to a
pushed model, 1 without it.
"""

import collections
import os
import warnings
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from hypothesis import HealthCheck, Phase, given, settings

from components.ingestion.discovery import data_files
from curation import new_config
from errors import GateError, UserError
from inspection.store import artifact_files as of_artifacts
from inspection.store import metadata_store
from models.data import transformed_records
from models.data.split_rows import Facts
from models.roles import Features
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from orchestration import preflight
from orchestration.paths import new_run_id
from pipeline import load
from pipeline.beam_arguments import BEAM_ARGS
from pipeline.variants import Name
from spec.columns.label import Label

from .random_tables import Table, tables

TABLES, WHOLE = int(os.environ.get("TABLES", "8")), int(os.environ.get("WHOLE", "1"))
STAGES = ("ingestion", "schema", "statistics", "validation", "transformation")
outcomes: collections.Counter[str] = collections.Counter()


def prepared(table: Table, folder: Path) -> tuple[Any, Any]:
    """Write the file, let a config be proposed, check it.

    Returns:
        The run, none of whose nodes was launched yet, and the config.

    Raises:
        UserError: the table or its label cannot be used.
        GateError: the data does not fit the schema that was proposed from it.
    """
    for name in ("configs", "schemas", "run/logs"):
        (folder / name).mkdir(parents=True)
    path = table.write(folder)
    new_config.new(str(folder), "made", str(path), label=table.label)
    reviewed = load.reviewed(str(folder), Name("made"), ["training.epochs=2"])
    config = reviewed.config
    data = data_files.under(str(folder), config.data.path)
    preflight.check_data(
        data, config.data, config="configs/made.toml", columns=reviewed.columns, label=config.label.column
    )
    from orchestration.local.execution import Execution
    from orchestration.local.run_order import RunOrder

    metadata_store.open_store(str(folder), None, readonly=False)
    execution = Execution(
        RunOrder(
            pipeline="made",
            run_id=new_run_id(),
            run_folder=str(folder / "run"),
            root=str(folder),
            metadata=None,
            scratch=str(folder / "scratch"),
            config=config,
            columns=reviewed.columns,
            data=data,
            data_content="",
            schema=str(folder / reviewed.schema),
            schema_content="",
            beam_args=BEAM_ARGS,
            cache=False,
            advisory=True,
        )
    )
    return execution, config


def train(table: Table, folder: Path) -> None:
    """From the file to a network of one epoch."""
    execution, config = prepared(table, folder)
    for stage in STAGES:
        execution.launch(stage, print)
    one_epoch(config, folder / "made/artifacts/transformation")


def one_epoch(config, artifacts: Path) -> None:
    sections = config.plain("features", "label", "network", "training")
    sections["training"]["epochs"] = 1
    (graph,) = (artifacts / "transform_graph").iterdir()
    (examples,) = (artifacts / "transformed_examples").iterdir()
    transform = tft.TFTransformOutput(str(graph))
    spec = transform.transformed_feature_spec()
    label, features = Label.model_validate(sections["label"]), Features.model_validate(sections["features"])
    files = of_artifacts.examples(str(examples), "the transformed examples")
    split = {name: transformed_records.read([shard.path for shard in files[name]], spec) for name in ("train", "eval")}
    learnt = train_network(
        TrialConfig.model_validate(sections), split["train"], split["eval"], Facts.read(transform, features, label)
    )
    assert len(learnt.history) == 1
    keras.backend.clear_session()
    tf.compat.v1.reset_default_graph()


def reason(error: BaseException) -> BaseException:
    """Return the innermost UserError or GateError, as the worker would report it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError | GateError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error


def user_error(table: Table, raised: Exception) -> Exception:
    """Return the error that the user sees; it must be a UserError or GateError that names a column."""
    error = reason(raised)
    assert isinstance(error, UserError | GateError), f"{table.described}: {type(error).__name__}: {error}"
    named = [name for name in table.columns if repr(name) in str(error)]
    # Where the table has too few different rows to divide, no one column is to blame.
    assert named or "data.split" in str(error), f"no column is named: {table.described}: {error}"
    return error


@given(table=tables())
@settings(max_examples=TABLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_any_table_trains_or_is_refused_by_name(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("case")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train(table, folder)
    except Exception as raised:
        error = user_error(table, raised)
        outcomes[f"usable {table.usable}: refused: {str(error).splitlines()[0][:150]}"] += 1
        return
    outcomes[f"usable {table.usable}: trained"] += 1


def test_nearly_all_with_a_usable_label_train():
    """Counts what the cases of the test above came to."""
    for outcome, number in outcomes.most_common():
        print(f"{number:4} {outcome}")
    usable = sum(number for outcome, number in outcomes.items() if outcome.startswith("usable True"))
    if not usable:
        pytest.fail("run it together with the test above")
    assert outcomes["usable True: trained"] >= 0.95 * usable


@given(table=tables(usable_only=True))
@settings(max_examples=WHOLE, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_a_table_goes_to_a_pushed_model(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    try:
        execution, _ = prepared(table, folder)
        for node in execution.node_ids:
            execution.launch(node, print)
    except Exception as raised:
        print(f"whole: {table.described}: refused: {user_error(table, raised)}")
        return
    pushed = execution.outcome()["pushed"]
    print(f"whole: {table.described}: {pushed}")
    served = tf.saved_model.load(pushed).signatures["serving_default"]
    assert served.structured_outputs
    keras.backend.clear_session()
