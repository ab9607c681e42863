"""Metrics of served predictions, from labels that became known later and are joined with the server's log by id."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import project
from components.evaluator import metric_catalog
from components.evaluator.intervals import Interval, intervals
from components.evaluator.rules import blessing
from components.evaluator.rules.rule_figures import Figures
from components.evaluator.rules.rule_outcome import Rule
from components.evaluator.slicing import SliceKey
from components.evaluator.sums import folds
from components.evaluator.sums.accumulators import MetricSums, draw
from components.inference.row_model import RowModel
from components.ingestion.discovery import data_files
from errors import UserError
from inspection.read.evaluations import read_evaluation
from inspection.store import artifact_lookup
from inspection.store.metadata_store import Store, open_store
from orchestration import served_predictions, serving_folders
from orchestration.later_labels import LaterLabels
from orchestration.served_predictions import ServedPredictions
from pipeline import load
from pipeline.config import Config
from spec.data import Data

_ROWS = 65536
"""Rows that are measured at once."""


@dataclass(frozen=True)
class JoinCounts:
    """What became of the ids.

    Attributes:
        joined: Served rows with a label.
        unlabeled: Served rows whose id has no label yet.
        without_id: Served rows without an id.
        of_others: Rows that other versions served.
        served_twice: Ids that were served more than once; each of their rows counts.
        not_served: Ids with a label that the log does not have.
        labeled_twice: Ids with several equal labels, which count as one.
        contradictory: Ids with different labels, which are left out.
        invalid: Labels that the model does not know, or that are not valid; left out.
    """

    joined: int
    unlabeled: int
    without_id: int
    of_others: int
    served_twice: int
    not_served: int
    labeled_twice: int
    contradictory: int
    invalid: int


@dataclass(frozen=True)
class LiveMetrics:
    """Metrics of a version on served rows.

    Attributes:
        version: The version.
        counts: What became of the ids.
        metrics: Metric -> value.
        intervals: Metric -> 95 % confidence interval.
        evaluated: Metric -> value of the evaluation before the push.
        rules: Outcomes of [evaluation] floor.
        named: Sentences on the first contradictory ids and invalid labels.
    """

    version: int
    counts: JoinCounts
    metrics: Mapping[str, float]
    intervals: Mapping[str, Interval]
    evaluated: Mapping[str, float | None]
    rules: Sequence[Rule]
    named: Sequence[str]

    @property
    def broken(self) -> list[Rule]:
        """Floors that the served rows do not meet."""
        return [rule for rule in self.rules if not rule.ok]


def measure(
    root: str,
    name: str,
    log: str,
    labels: str,
    *,
    metadata: str | None,
    version: int | None = None,
    id_column: str | None = None,
) -> LiveMetrics:
    """Join the predictions of a version with labels, and measure them as its evaluation did.

    Args:
        root: Folder of all runs.
        name: The pipeline, PIPELINE-VARIANT or PIPELINE-sample.
        log: Path or pattern of the files of the server's log.
        labels: Path or pattern of the files with ids and labels, in any format that ingestion reads.
        metadata: URL of the store; None for SQLite under the root.
        version: The version; None for the one that serves.
        id_column: Column of the ids in the files with labels; None for [columns] id.

    Raises:
        UserError: the task has no label, a file cannot be read or lacks a column, or no id is in both.
        ResourceError: the model or the store cannot be read.
    """
    run_name = load.run_name(project.folder(), name)
    config = load.load(project.folder(), run_name.pipeline, variant=run_name.variant)
    id_column = id_column or config.columns.id
    if config.label.column is None or config.label.kind == "clusters":
        raise UserError(f"{name} has no label to compare predictions with: --labels is for the other tasks")
    if id_column is None:
        raise UserError(f"{labels}: which column has the ids? Name it with --id, or as [columns] id in the config")
    stem = load.schema_name(project.folder(), run_name.pipeline, run_name.variant)
    types = load.schema_columns(project.folder(), stem)
    number, folder = serving_folders.version(root, name, version)
    store = open_store(root, metadata)
    model = RowModel(folder, config.label.kind)
    data = Data(path=log, format="parquet")
    served = served_predictions.read([file.path for file in data_files.resolve(log, data)], number, model.outputs)
    if not served.ids:
        raise UserError(
            f"{log} has no rows of version {number} with an id, so that no label can be joined: send the ids of the "
            'rows with each request, as "ids": ["a", "b"] beside "instances", or as the metadata ids over gRPC'
        )
    later = LaterLabels(model, config, types, id_column)
    later.read(labels)
    return _measured(model, config, number, served, later, _evaluated(store, name, number))


def _measured(
    model: RowModel,
    config: Config,
    version: int,
    served: ServedPredictions,
    later: LaterLabels,
    evaluated: Mapping[str, float | None],
) -> LiveMetrics:
    """Accumulate the sums of the evaluator over the joined rows."""
    evaluation = config.evaluation
    sums_of_task = metric_catalog.measure(
        config.label.task,
        model.classes,
        threshold=evaluation.threshold,
        top_k=evaluation.top_k,
        precision_at=evaluation.precision_at,
        own=evaluation.metrics,
    )
    usable = later.of.keys() - later.contradictory
    rows = np.array([row for row, row_id in enumerate(served.ids) if row_id in usable], np.int64)
    if not len(rows):
        raise UserError(
            f"no id is in both: the log has {served.ids[0]!r} and others, and the labels have "
            f"{next(iter(later.of), None)!r} and others: --id names the column of the ids"
        )
    sums = MetricSums(sums_of_task, 1)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        pairs = np.array([later.of[served.ids[row]] for row in part])
        label = pairs[:, 0] if config.label.kind == "regression" else pairs[:, 0].astype(np.int64)
        weight = pairs[:, 1] if sums_of_task.weighted else np.ones(len(part))
        numbers_and_bins = sums_of_task.rows(label, {name: value[part] for name, value in served.outputs.items()})
        sums.add(np.zeros(len(part), np.int64), folds.fold(draw(part)), weight, *numbers_and_bins)
    values = sums_of_task.values(sums.sums(0))
    figures: dict[SliceKey, Figures] = {(): Figures(float(len(rows)), values)}
    demands = blessing.Demands(floor=dict(evaluation.floor or {}))
    times = Counter(served.ids)
    counts = JoinCounts(
        joined=len(rows),
        unlabeled=sum(number for row_id, number in times.items() if row_id not in later.of),
        without_id=served.without_id,
        of_others=served.of_others,
        served_twice=sum(number > 1 for number in times.values()),
        not_served=len(later.of.keys() - times.keys()),
        labeled_twice=len(later.twice - later.contradictory),
        contradictory=len(later.contradictory),
        invalid=later.invalid,
    )
    return LiveMetrics(
        version,
        counts,
        values,
        intervals(sums_of_task, sums, 0),
        evaluated,
        blessing.judge(config.label.kind, figures, demands, sums_of_task.metrics),
        later.named,
    )


def _evaluated(store: Store, name: str, version: int) -> Mapping[str, float | None]:
    """Return the metrics of the evaluation of a version; nothing if the store does not know them."""
    run = artifact_lookup.find_run_of(store, str(version), pipeline=name)
    for artifact, is_output in artifact_lookup.of_run(store, run):
        if artifact.type == artifact_lookup.EVALUATION and is_output:
            return read_evaluation(artifact).cells[0].metrics
    return {}
