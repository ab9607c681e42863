"""Curves of an evaluation, out of the plots that TFMA wrote."""

from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.read.evaluations import tfma_proto
from inspection.store import artifact_files

_PLOTS = r"plots(-\d+-of-\d+)?(\.tfrecord)?"


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What a threshold makes of the rows.

    Attributes:
      threshold: Rows of this probability or more are answered with the second class.
      true_positives: Weighted rows, as the three others.
    """

    threshold: float
    true_positives: float
    false_positives: float
    true_negatives: float
    false_negatives: float

    @property
    def recall(self) -> float:
        """Share of the rows of the second class that are found."""
        return self.true_positives / ((self.true_positives + self.false_negatives) or 1)

    @property
    def fall_out(self) -> float:
        """Share of the rows of the first class that are taken for the second."""
        return self.false_positives / ((self.false_positives + self.true_negatives) or 1)

    @property
    def precision(self) -> float:
        """Share of the answers with the second class that are right; 1 where there is none."""
        found = self.true_positives + self.false_positives
        return self.true_positives / found if found else 1.0


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Rows whose probability is between two bounds: their number, mean probability and share of the second class."""

    low: float
    high: float
    weight: float
    probability: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Plots of all rows; empty where the task has none."""

    cuts: tuple[Cut, ...] = ()
    buckets: tuple[Bucket, ...] = ()


def read_curves(artifact: pb.Artifact) -> Curves:
    """Reads the plots of a ModelEvaluation, those of all rows, not the baseline's.

    Raises:
      UserError: It is in a bucket.
      ResourceError: Its files are gone or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"ModelEvaluation {artifact.id}")
    plots = tfma_proto("metrics_for_slice_pb2").PlotsForSlice
    for file in artifact_files.sharded(path, _PLOTS):
        for record in artifact_files.records(file):
            parsed = artifact_files.message(file, plots, record)
            if parsed.slice_key.single_slice_keys:
                continue
            for each in parsed.plot_keys_and_values:
                matrices = each.value.confusion_matrix_at_thresholds.matrices
                if each.key.model_name != "baseline" and matrices:
                    cuts = sorted((_cut(matrix) for matrix in matrices), key=lambda cut: cut.threshold)
                    buckets = map(_bucket, each.value.calibration_histogram_buckets.buckets)
                    return Curves(cuts=tuple(cuts), buckets=tuple(each for each in buckets if each.weight))
    return Curves()


def _cut(matrix: object) -> Cut:
    names = ("threshold", "true_positives", "false_positives", "true_negatives", "false_negatives")
    return Cut(**{name: float(getattr(matrix, name)) for name in names})


def _bucket(bucket: object) -> Bucket:
    weight = bucket.num_weighted_examples.value  # type: ignore[attr-defined]
    return Bucket(
        low=bucket.lower_threshold_inclusive,  # type: ignore[attr-defined]
        high=bucket.upper_threshold_exclusive,  # type: ignore[attr-defined]
        weight=weight,
        probability=bucket.total_weighted_refined_prediction.value / (weight or 1),  # type: ignore[attr-defined]
        share=bucket.total_weighted_label.value / (weight or 1),  # type: ignore[attr-defined]
    )
