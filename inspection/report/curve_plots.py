"""Reader of the plots of an evaluation: confusion matrices by threshold, and calibration, as TFMA wrote them."""

from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.read.tfma_protos import tfma_proto
from inspection.store import artifact_files

_PLOTS = r"plots(-\d+-of-\d+)?(\.tfrecord)?"


@dataclass(frozen=True, kw_only=True)
class ThresholdCounts:
    """Confusion matrix at a threshold.

    Attributes:
      threshold: Rows with at least this probability are predicted as the second class.
      true_positives: Sum of weights, like the other three.
    """

    threshold: float
    true_positives: float
    false_positives: float
    true_negatives: float
    false_negatives: float

    @property
    def recall(self) -> float:
        """True positive rate."""
        return self.true_positives / ((self.true_positives + self.false_negatives) or 1)

    @property
    def fall_out(self) -> float:
        """False positive rate."""
        return self.false_positives / ((self.false_positives + self.true_negatives) or 1)

    @property
    def precision(self) -> float:
        """Share of positive predictions that are correct; 1 without positive predictions."""
        positives = self.true_positives + self.false_positives
        return self.true_positives / positives if positives else 1.0


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Calibration bucket: its bounds, weight of its rows, their mean probability and share of the second class."""

    low: float
    high: float
    weight: float
    probability: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Plots of all rows; empty if the task has none."""

    thresholds: tuple[ThresholdCounts, ...] = ()
    buckets: tuple[Bucket, ...] = ()


def read_curves(artifact: pb.Artifact) -> Curves:
    """Read the plots of a ModelEvaluation: of the model on all rows, not of slices or the baseline.

    Raises:
      UserError: The artifact is in a bucket.
      ResourceError: Files of the artifact are missing or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"ModelEvaluation {artifact.id}")
    plots = tfma_proto("metrics_for_slice_pb2").PlotsForSlice
    for file in artifact_files.sharded(path, _PLOTS):
        for record in artifact_files.records(file):
            proto = artifact_files.message(file, plots, record)
            if proto.slice_key.single_slice_keys:
                continue
            for item in proto.plot_keys_and_values:
                matrices = item.value.confusion_matrix_at_thresholds.matrices
                if item.key.model_name != "baseline" and matrices:
                    thresholds = sorted(
                        (_threshold_counts(matrix) for matrix in matrices), key=lambda counts: counts.threshold
                    )
                    buckets = map(_bucket, item.value.calibration_histogram_buckets.buckets)
                    return Curves(
                        thresholds=tuple(thresholds), buckets=tuple(bucket for bucket in buckets if bucket.weight)
                    )
    return Curves()


def _threshold_counts(matrix: object) -> ThresholdCounts:
    names = ("threshold", "true_positives", "false_positives", "true_negatives", "false_negatives")
    return ThresholdCounts(**{name: float(getattr(matrix, name)) for name in names})


def _bucket(bucket: object) -> Bucket:
    weight = bucket.num_weighted_examples.value  # type: ignore[attr-defined]
    return Bucket(
        low=bucket.lower_threshold_inclusive,  # type: ignore[attr-defined]
        high=bucket.upper_threshold_exclusive,  # type: ignore[attr-defined]
        weight=weight,
        probability=bucket.total_weighted_refined_prediction.value / (weight or 1),  # type: ignore[attr-defined]
        share=bucket.total_weighted_label.value / (weight or 1),  # type: ignore[attr-defined]
    )
