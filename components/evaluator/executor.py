"""Evaluates the exported model in batches, and decides on its blessing."""

import json
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import example_passes, lineage, summary
from components.baseline import decline
from components.evaluator import (
    class_order,
    diagnosis,
    metric_catalog,
    plain_predictions,
    prediction,
    slicing,
    training_overlap,
    verdict,
)
from components.evaluator.evaluator_settings import EvaluatorSettings
from components.evaluator.intervals import intervals
from components.evaluator.metric import stem
from components.evaluator.metrics.multiclass import SLICE_CLASSES
from components.evaluator.rules import blessing as judgement
from components.evaluator.rules import rule_slices
from components.evaluator.rules.rule_figures import Figures
from components.evaluator.sums.accumulators import MetricSums
from components.evaluator.tfma import tfma_plots, tfma_results
from components.fingerprints import code_digest
from manifest import Shard
from serving import versions
from spec import settings
from spec.file_names import DIAGNOSIS, VERDICT


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Executor of the evaluator node."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Evaluate model and baseline on the same rows, and bless the model if every rule holds."""
        config = EvaluatorSettings.model_validate(settings.unpack(json.loads(exec_properties["settings"])))
        data = artifact_utils.get_split_uri(input_dict["examples"], config.split)
        files = example_passes.files(artifact_utils.get_single_instance(input_dict["examples"]), config.split)
        model = artifact_utils.get_single_instance(input_dict["model"])
        baselines = input_dict.get("baseline_model") or []
        plain = input_dict.get("plain_predictions")
        results = Evaluation(config, files, path_utils.serving_model_path(model.uri), plain[0].uri if plain else None)
        baseline_blessing = (input_dict.get("baseline_blessing") or [None])[0]
        baseline_examples = (input_dict.get("baseline_examples") or [None])[0]
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        note = results.compare(
            baselines[0] if baselines else None,
            training_overlap.training_shares(examples, baseline_examples, config.split) if baseline_examples else None,
        )
        # A served model that is evaluated again keeps the part of the tolerance that it used.
        recorded_declines = decline.of_model(baseline_blessing, model.id)
        earlier_declines = (
            {}
            if recorded_declines is not None
            else decline.of(baseline_blessing) or decline.of(baselines[0] if baselines else None)
        )
        resolved = rule_slices.resolve(config, results.cells, earlier_declines)
        rules = judgement.judge(config.kind, results.figures(), resolved, results.measure.metrics)
        result = verdict.make(config, results, rules, note)
        evaluation = artifact_utils.get_single_instance(output_dict["evaluation"])
        with_baseline = results.baseline is not None
        tfma_results.write(
            evaluation.uri,
            config=tfma_results.eval_config(
                label=config.label,
                measure=results.measure,
                slicings=[slicing.names(entry) for entry in results.slicings],
                rules=rules,
                with_baseline=with_baseline,
                weight=config.weight,
                measured=results.values(0),
            ),
            slices=results.protos(),
            plots=[tfma_plots.plots(results.measure, results.candidate.sums(0), "candidate" if with_baseline else "")],
            verdict=tfma_results.validation(
                rules, ok=result["blessed"], rubber_stamp=not with_baseline, classes=results.classes
            ),
            data=data,
            models={"candidate": model.uri, "baseline": baselines[0].uri} if with_baseline else {"": model.uri},
        )
        with tf.io.gfile.GFile(f"{evaluation.uri}/{VERDICT}", "w") as file:
            file.write(json.dumps(result, indent=1))
        if config.importance:
            with tf.io.gfile.GFile(f"{evaluation.uri}/{DIAGNOSIS}", "w") as file:
                file.write(json.dumps(results.diagnosis(config.importance)))
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        _bless(blessing, model, baselines, result["blessed"], result["reason"])
        blessing.set_string_custom_property("compared_with", results.compared_with)
        blessing.set_string_custom_property(
            "not_compared", "" if results.compared_with else summary.storable(note)[:500]
        )
        blessing.set_int_custom_property("span", examples.span)
        blessing.set_string_custom_property("examples", lineage.place(examples))
        baseline_values = results.values(0, results.baseline) if results.baseline else None
        declines = (
            recorded_declines
            if recorded_declines is not None
            else judgement.declines(earlier_declines, rules, results.values(0), baseline_values)
        )
        blessing.set_string_custom_property(decline.PROPERTY, json.dumps(declines))
        if baseline_blessing is not None:
            blessing.set_int_custom_property("baseline_blessing_id", baseline_blessing.id)
        summary.put(evaluation, verdict.line(result))


class Evaluation:
    """Sums of a model, and of its baseline on the same rows.

    Args:
        config: The node's settings.
        files: Gzipped TFRecords of raw tf.Examples, with their declared rows.
        path: SavedModel of the candidate.
        plain: Folder of the plain models' predictions; None without them.
    """

    def __init__(self, config: EvaluatorSettings, files: Sequence[Shard], path: str, plain: str | None = None) -> None:
        self._config = config
        self._model = prediction.Model(path, config.kind)
        self._rows = prediction.Rows(files, config.columns, self._model.batch)
        self.classes = self._model.classes
        self.measure = metric_catalog.measure(
            config.task,
            self.classes,
            threshold=config.threshold,
            top_k=config.top_k,
            precision_at=config.precision_at,
            own=config.metrics,
        )
        survey = self._rows.survey(slicing.from_settings(config.slices), config.max_slices)
        self.slicings = survey.slicings
        self._numbered, self.left = survey.cells(rule_slices.slices_of_rules(config))
        self.cells: dict[slicing.SliceKey, int] = {(): 0}
        for numbered in self._numbered:
            self.cells.update(numbered)
        self.plain_models = plain_predictions.read(plain, self.classes)
        sums = plain_predictions.PlainSums(self.plain_models, self.measure, 1 + sum(map(len, self._numbered)))
        self.candidate, worst, self._groups = self._tally(self._model, sums)
        self.plain = sums.of
        self.worst = worst.rows()
        self.baseline: MetricSums | None = None
        self.compared_with = ""
        self._values: dict[tuple[int, int], dict[str, float]] = {}
        self._intervals: dict[int, dict[str, Any]] = {}

    def _tally(self, model: prediction.Model, plain: plain_predictions.PlainSums | None = None) -> prediction.Tally:
        return prediction.tally(
            model,
            labels=self._model,
            rows=self._rows,
            measure=self.measure,
            cells=list(zip(self.slicings, self._numbered, strict=True)),
            identifier=self._config.identifier,
            group=self._config.group,
            plain=plain,
        )

    def compare(self, model: Any, share: tuple[float, float] | None = None) -> str:
        """Evaluate the baseline, unless it was trained on these rows or cannot read them.

        Args:
            model: Artifact of the served model; None without one.
            share: Shares of these rows that it and the candidate were trained on; None if unknown.

        Returns:
            A note for the verdict.
        """
        if model is None or not tf.io.gfile.exists(path_utils.serving_model_path(model.uri)):
            return "no baseline yet: no model is served"
        path = path_utils.serving_model_path(model.uri)
        share_served, candidate_share = share or (0.0, 0.0)
        if share_served > candidate_share + training_overlap.MAX_SURPLUS:
            return (
                f"not compared: the served model was trained on {share_served:.1%} of these rows, because they were "
                "split differently"
            )
        served = None
        try:
            served = prediction.Model(path, self._config.kind, self.classes)
            self.baseline = self._tally(served).sums
        except class_order.UnknownClassError as error:
            return f"not compared: the served model {error}"
        except (tf.errors.OpError, KeyError, ValueError, IndexError) as error:
            return f"not compared: the served model cannot read these rows: {self._unreadable(served, error)}"
        self.compared_with = versions.digest(path)
        note = f", which was trained on {share_served:.1%} of these rows" if share_served > candidate_share else ""
        if served.others:
            note += f", on the classes of both, without {', '.join(map(repr, served.others))}"
        return f"compared with the served model{note}"

    def _unreadable(self, served: prediction.Model | None, error: Exception) -> str:
        """Return the reason: columns that the rows lack, or the main line of the error."""
        missing = sorted((served.inputs or set()) - self._rows.present()) if served else []
        if missing:
            return f"they have no column {', '.join(map(repr, missing))}"
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        return lines[-1] if lines[0].endswith(":") else lines[0]

    def diagnosis(self, max_rows: int) -> dict[str, Any]:
        """Measure importance of columns, and predictions, on a sample of rows."""
        return diagnosis.diagnose(self._model, self._rows, self.measure, kind=self._config.kind, max_rows=max_rows)

    def values(self, cell: int, sums: MetricSums | None = None) -> dict[str, float]:
        """Return the metrics of a cell, `example_count` first; a slice with many classes has none by class."""
        key = cell, id(sums)
        if key not in self._values:
            of_cell = (sums or self.candidate).sums(cell)
            values = self.measure.values(of_cell)
            if cell and len(self.classes or ()) > SLICE_CLASSES:
                values = {name: value for name, value in values.items() if stem(name) == name}
            self._values[key] = {"example_count": of_cell.count, **values}
        return self._values[key]

    def figures(self) -> dict[slicing.SliceKey, Figures]:
        """Return the metrics that rules apply to."""
        figures = {}
        for key, cell in self.cells.items():
            values, baseline_values = self.values(cell), self.values(cell, self.baseline) if self.baseline else None
            plain = {name: self.values(cell, sums) for name, sums in self.plain.items()}
            figures[key] = Figures(values["example_count"], values, baseline_values, plain)
        return figures

    def intervals(self, cell: int) -> dict[str, Any]:
        """Return the 95 % intervals of the candidate's metrics."""
        if cell not in self._intervals:
            groups = self._groups.count(cell) if self._groups is not None else None
            self._intervals[cell] = intervals(self.measure, self.candidate, cell, groups)
        return self._intervals[cell]

    def protos(self) -> list[Any]:
        """Return the metrics of every slice as TFMA's protos."""
        return [
            tfma_results.slice_metrics(
                key,
                {**self.values(cell), **self.measure.tfma_values(self.candidate.sums(cell))},
                {**self.values(cell, self.baseline), **self.measure.tfma_values(self.baseline.sums(cell))}
                if self.baseline
                else None,
                intervals=self.intervals(cell),
                classes=self.classes,
            )
            for key, cell in self.cells.items()
        ]


def _bless(blessing: Any, model: Any, baselines: list[Any], blessed: bool, reason: str) -> None:
    """Mark the blessing as TFX's Evaluator does: a file, and properties that resolvers read."""
    tf.io.gfile.makedirs(blessing.uri)
    name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
    with tf.io.gfile.GFile(f"{blessing.uri}/{name}", "w") as file:
        file.write("")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if baselines:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baselines[0].uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baselines[0].id)
    blessing.set_string_custom_property("reason", summary.storable(reason))
