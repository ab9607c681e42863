"""Writes an evaluation in TFMA's format, so that `tfma.load_eval_result` and other TFMA tools can read it."""

import math
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from google.protobuf import json_format
from tensorflow_model_analysis import version
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2

from components.evaluator.intervals import Interval
from components.evaluator.metric import Measure, stem
from components.evaluator.rules.rule_outcome import Rule
from components.evaluator.slicing import SliceKey, plain
from spec.artifacts import signature_names


def eval_config(
    *,
    label: str | None,
    measure: Measure,
    slicings: Iterable[Iterable[str]],
    rules: Iterable[Rule],
    with_baseline: bool,
    weight: str | None = None,
    measured: Collection[str] | None = None,
) -> config_pb2.EvalConfig:
    """Return the evaluation as TFMA's config, with floors as thresholds.

    Args:
        label: Column of the label.
        measure: The task's measure.
        slicings: Names of each slicing.
        rules: Outcomes.
        with_baseline: Whether there is a baseline.
        weight: Column of the row weights.
        measured: Names of the metrics of all rows; by default all.
    """
    config = config_pb2.EvalConfig()
    for name in ("candidate", "baseline") if with_baseline else ("",):
        config.model_specs.add(
            name=name,
            label_key=label or "",
            signature_name=signature_names.EXAMPLES,
            prediction_key=measure.predictions[0],
            example_weight_key=weight or "",
            is_baseline=name == "baseline",
        )
    config.slicing_specs.add()
    for columns in slicings:
        config.slicing_specs.add(feature_keys=list(columns))
    specs = config.metrics_specs.add().metrics
    specs.add(class_name="ExampleCount")
    floors = [rule for rule in rules if rule.kind == "floor"]
    for metric in measure.metrics:
        name = metric.name
        metric_names = [f"{name}[{class_name}]" for class_name in measure.classes or ()] if metric.per_class else [name]
        # TFMA's own values are not among the measured ones.
        if measured is not None and not metric.only_tfma and not set(metric_names) <= set(measured):
            continue
        for metric_name in metric_names:
            options = f'"name": "{name}"'
            if metric_name != name:
                options += f', "class_id": {_class_id(metric_name, measure.classes)}, "top_k": 1'
            _thresholds(specs.add(class_name=metric.tfma_class, config=options), metric_name, floors)
    return config


def _thresholds(metric: Any, name: str, floors: Iterable[Rule]) -> None:
    """Write the floors of a metric, those of a slice per slice."""
    for rule in floors:
        if rule.metric != name:
            continue
        if not rule.slice:
            _bound(metric.threshold.value_threshold, rule)
        else:
            threshold = metric.per_slice_thresholds.add()
            spec = threshold.slicing_specs.add()
            spec.feature_values.update({column: str(plain(value)) for column, value in rule.slice})
            _bound(threshold.threshold.value_threshold, rule)


def _bound(threshold: Any, rule: Rule) -> None:
    """Write a rule's limit: as an interval around the best value, if that is in the middle of the range."""
    best = rule.of.best
    if best is not None and rule.kind != "gap":
        threshold.lower_bound.value, threshold.upper_bound.value = best - rule.limit, best + rule.limit
    elif rule.is_upper_bound:
        threshold.upper_bound.value = rule.limit
    else:
        threshold.lower_bound.value = rule.limit


def slice_metrics(
    key: SliceKey,
    model: Mapping[str, float],
    baseline: Mapping[str, float] | None,
    *,
    intervals: Mapping[str, Interval] | None = None,
    classes: Sequence[str] | None = None,
) -> metrics_for_slice_pb2.MetricsForSlice:
    """Return the metrics of a slice, of the model and the baseline.

    Args:
        key: The slice.
        model: Metric -> value.
        baseline: Metric -> value of the baseline; None without one.
        intervals: Metric -> interval of the model.
        classes: Class names in order: precision[NAME] is written as precision with its class id.
    """
    proto = metrics_for_slice_pb2.MetricsForSlice()
    _write_key(proto.slice_key, key)
    metrics_by_model = [("", model)] if baseline is None else [("candidate", model), ("baseline", baseline)]
    for model_name, metrics in metrics_by_model:
        for name, number in metrics.items():
            entry = proto.metric_keys_and_values.add()
            _name(entry.key, name, classes)
            entry.key.model_name = model_name
            entry.value.double_value.value = number
            interval = (intervals or {}).get(name) if model_name != "baseline" else None
            if interval:
                ends = entry.confidence_interval
                ends.lower_bound.double_value.value = interval.low
                ends.upper_bound.double_value.value = interval.high
                if interval.error is not None and interval.degrees is not None:
                    ends.standard_error.double_value.value = interval.error
                    ends.degrees_of_freedom.value = interval.degrees
    return proto


def _class_id(metric: str, classes: Sequence[str] | None) -> int | None:
    """Return the index of the class in precision[CLASS]; None for a metric of all classes or an unknown class."""
    name = metric[len(stem(metric)) + 1 : -1]
    return list(classes or ()).index(name) if stem(metric) != metric and name in (classes or ()) else None


def _name(key: Any, name: str, classes: Sequence[str] | None) -> None:
    class_id = _class_id(name, classes)
    key.name = name if class_id is None else stem(name)
    if class_id is not None:
        key.sub_key.class_id.value = class_id
        # TFMA's key for predictions of the most likely class.
        key.sub_key.top_k.value = 1


def _write_key(proto: Any, key: SliceKey) -> None:
    proto.SetInParent()
    for column, value in key:
        single = proto.single_slice_keys.add(column=column)
        if isinstance(value, bytes):
            single.bytes_value = value
        elif isinstance(value, int):
            single.int64_value = value
        else:
            single.float_value = value


def validation(
    rules: Iterable[Rule], *, ok: bool | None = None, rubber_stamp: bool, classes: Sequence[str] | None = None
) -> validation_result_pb2.ValidationResult:
    """Return the verdict, with each failed rule and its threshold by slice.

    Args:
        rules: All outcomes.
        ok: Whether the model is blessed; by default if no rule failed.
        rubber_stamp: Whether there was no baseline.
        classes: Class names in order.
    """
    failed = [rule for rule in rules if not rule.ok]
    proto = validation_result_pb2.ValidationResult(
        validation_ok=not failed if ok is None else ok, rubber_stamp=rubber_stamp
    )
    for key in dict.fromkeys(rule.slice for rule in failed):
        slices = proto.metric_validations_per_slice.add()
        _write_key(slices.slice_key, key)
        for rule in failed:
            if rule.slice != key:
                continue
            failure = slices.failures.add(message=str(rule))
            _name(failure.metric_key, rule.metric, classes)
            failure.metric_value.double_value.value = rule.value
            if not math.isnan(rule.limit):
                _bound(failure.metric_threshold.value_threshold, rule)
    return proto


def write(
    folder: str,
    *,
    config: config_pb2.EvalConfig,
    slices: Iterable[metrics_for_slice_pb2.MetricsForSlice],
    plots: Iterable[metrics_for_slice_pb2.PlotsForSlice] = (),
    verdict: validation_result_pb2.ValidationResult,
    data: str,
    models: Mapping[str, str],
) -> None:
    """Write TFMA's files into a folder.

    Args:
        folder: Folder of the ModelEvaluation artifact.
        config: From `eval_config`.
        slices: From `slice_metrics`.
        plots: From components/evaluator/tfma/tfma_plots.py.
        verdict: From `validation`.
        data: Path of the examples, for display.
        models: Model name -> folder, for display.
    """
    tf.io.gfile.makedirs(folder)
    for name, records in (("metrics", slices), ("plots", plots), ("attributions", ())):
        with tf.io.TFRecordWriter(os.path.join(folder, f"{name}-00000-of-00001.tfrecord")) as writer:
            for record in records:
                writer.write(record.SerializeToString())
    with tf.io.TFRecordWriter(os.path.join(folder, "validations.tfrecord")) as writer:
        writer.write(verdict.SerializeToString())
    run = config_pb2.EvalRun(
        eval_config=config, version=version.VERSION, data_location=data, file_format="tfrecords_gzip"
    )
    run.model_locations.update(models)
    with tf.io.gfile.GFile(os.path.join(folder, "eval_config.json"), "w") as file:
        file.write(json_format.MessageToJson(run))
