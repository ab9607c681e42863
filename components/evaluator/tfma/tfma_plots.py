"""Curves and matrices as TFMA's plot protos."""

import itertools

import numpy as np
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from components.evaluator.metric import Measure
from components.evaluator.metrics.binary import Binary, histogram
from components.evaluator.metrics.multiclass import MATRIX_CLASSES, Classes
from components.evaluator.sums import curves
from components.evaluator.sums.accumulators import Sums

STEPS = 100
"""Thresholds of a curve, and buckets of a calibration plot."""


def plots(measure: Measure, sums: Sums, model_name: str) -> metrics_for_slice_pb2.PlotsForSlice:
    """Return the plots of all rows.

    Args:
        measure: The task's measure; binary and classes have plots.
        sums: Sums of all rows.
        model_name: Name of the model, as in the metrics.
    """
    proto = metrics_for_slice_pb2.PlotsForSlice()
    proto.slice_key.SetInParent()
    if isinstance(measure, Binary):
        _binary(proto.plot_keys_and_values.add(), sums, model_name)
    elif isinstance(measure, Classes) and measure.size <= MATRIX_CLASSES:
        entry = proto.plot_keys_and_values.add()
        entry.key.model_name = model_name
        matrix = entry.value.multi_class_confusion_matrix_at_thresholds.matrices.add(threshold=0.0)
        label, predicted_class = np.divmod(sums.bins, measure.size + 1)
        for actual, predicted, weight in zip(label, predicted_class, sums.weights, strict=True):
            # TFMA's id of a row without a prediction is -1.
            predicted = -1 if predicted == measure.size else predicted
            matrix.entries.add(
                actual_class_id=int(actual), predicted_class_id=int(predicted), num_weighted_examples=float(weight)
            )
    return proto


def _binary(entry: metrics_for_slice_pb2.PlotsForSlice.PlotKeyAndValue, sums: Sums, model_name: str) -> None:
    entry.key.model_name = model_name
    negatives, positives = histogram(sums)
    middle = (np.arange(curves.BINS) + 0.5) / curves.BINS
    cuts = np.round(np.arange(STEPS + 1) * curves.BINS / STEPS).astype(np.int64)
    for low, high in itertools.pairwise(cuts):
        counts = negatives[low:high] + positives[low:high]
        bucket = entry.value.calibration_histogram_buckets.buckets.add(
            lower_threshold_inclusive=low / curves.BINS, upper_threshold_exclusive=high / curves.BINS
        )
        bucket.num_weighted_examples.value = float(counts.sum())
        bucket.total_weighted_label.value = float(positives[low:high].sum())
        bucket.total_weighted_refined_prediction.value = float((counts * middle[low:high]).sum())
    for cut in cuts:
        true, false = float(positives[cut:].sum()), float(negatives[cut:].sum())
        false_negative, true_negative = float(positives[:cut].sum()), float(negatives[:cut].sum())
        entry.value.confusion_matrix_at_thresholds.matrices.add(
            threshold=round(cut / curves.BINS, 6),
            true_positives=true,
            false_positives=false,
            true_negatives=true_negative,
            false_negatives=false_negative,
            precision=true / (true + false) if true + false else 1.0,
            recall=true / (true + false_negative) if true + false_negative else 0.0,
        )
