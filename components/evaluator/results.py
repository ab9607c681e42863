"""Writes an evaluation as TFMA does, so that `tfma.load_eval_result` and every TFMA tool reads it."""

import math
import os
from collections.abc import Iterable, Mapping

import tensorflow as tf
from google.protobuf import json_format
from tensorflow_model_analysis import version
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2

from components.evaluator.judgement import Rule
from components.evaluator.measures import CLASS_NAMES, LOWER_IS_BETTER
from components.evaluator.metrics import SliceKey


def eval_config(
    *, label: str, task: str, slicings: Iterable[Iterable[str]], rules: Iterable[Rule], with_baseline: bool
) -> config_pb2.EvalConfig:
    """The evaluation that was made, as TFMA's config."""
    config = config_pb2.EvalConfig()
    answer = "prediction" if task == "regression" else "probabilities"
    config.model_specs.add(label_key=label, signature_name="serving_examples", prediction_key=answer)
    if with_baseline:
        config.model_specs[0].name = "candidate"
        config.model_specs.add(
            name="baseline",
            label_key=label,
            signature_name="serving_examples",
            prediction_key=answer,
            is_baseline=True,
        )
    config.slicing_specs.add()
    for columns in slicings:
        config.slicing_specs.add(feature_keys=list(columns))
    metrics = config.metrics_specs.add().metrics
    metrics.add(class_name="ExampleCount")
    floors = {rule.metric: rule.limit for rule in rules if rule.kind == "floor"}
    for name, class_name in CLASS_NAMES[task].items():
        metric = metrics.add(class_name=class_name, config=f'"name": "{name}"')
        if name in floors:
            bound = "upper_bound" if LOWER_IS_BETTER[name] else "lower_bound"
            getattr(metric.threshold.value_threshold, bound).value = floors[name]
    return config


def slice_metrics(
    key: SliceKey, model: Mapping[str, float], baseline: Mapping[str, float] | None
) -> metrics_for_slice_pb2.MetricsForSlice:
    """Metrics of one slice, of the model and, under its name, of the baseline."""
    proto = metrics_for_slice_pb2.MetricsForSlice()
    for column, value in key:
        single = proto.slice_key.single_slice_keys.add(column=column)
        if isinstance(value, bytes):
            single.bytes_value = value
        elif isinstance(value, int):
            single.int64_value = value
        else:
            single.float_value = value
    named = [("", model)] if baseline is None else [("candidate", model), ("baseline", baseline)]
    for model_name, metrics in named:
        for name, number in metrics.items():
            entry = proto.metric_keys_and_values.add()
            entry.key.name = name
            entry.key.model_name = model_name
            entry.value.double_value.value = number
    return proto


def validation(rules: Iterable[Rule], *, rubber_stamp: bool) -> validation_result_pb2.ValidationResult:
    """The verdict; each rule that failed with its threshold."""
    failed = [rule for rule in rules if not rule.ok]
    proto = validation_result_pb2.ValidationResult(validation_ok=not failed, rubber_stamp=rubber_stamp)
    if failed:
        slices = proto.metric_validations_per_slice.add()
        slices.slice_key.SetInParent()
        for rule in failed:
            failure = slices.failures.add(message=str(rule))
            failure.metric_key.name = rule.metric
            failure.metric_value.double_value.value = rule.value
            bound = "upper_bound" if LOWER_IS_BETTER[rule.metric] else "lower_bound"
            if not math.isnan(rule.limit):
                getattr(failure.metric_threshold.value_threshold, bound).value = rule.limit
    return proto


def write(
    folder: str,
    *,
    config: config_pb2.EvalConfig,
    slices: Iterable[metrics_for_slice_pb2.MetricsForSlice],
    verdict: validation_result_pb2.ValidationResult,
    data: str,
    models: Mapping[str, str],
) -> None:
    """Write TFMA's files into a folder.

    Args:
        folder: The ModelEvaluation artifact's.
        config: From `eval_config`.
        slices: From `slice_metrics`.
        verdict: From `validation`.
        data: Where the examples are, for display.
        models: Model name -> its folder, for display.
    """
    tf.io.gfile.makedirs(folder)
    for name, records in (("metrics", slices), ("plots", ()), ("attributions", ())):
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
