"""Distances between the columns of two data sets, for the gates on drift and skew."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tensorflow_metadata.proto.v0 import schema_pb2

from components.validation.distances import binary_label, divergence
from components.validation.gate_context import TRAIN, GateContext, PreviousRun, by_column, row_count
from components.validation.gate_findings import Finding, round_up, toml_key

if TYPE_CHECKING:
    from components.validation.gates import drift_gate

DISTANCES = {"infinity_norm": "L-infinity distance", "jensen_shannon_divergence": "Jensen-Shannon divergence"}
"""Comparator of a schema -> what it measures."""


@dataclass(frozen=True)
class Distance:
    """Distance of a column between two data sets.

    Attributes:
        column: Name of the column.
        key: Name of the schema's comparator that limits the distance.
        limit: Limit of the distance.
        measured: Measured distance.
        note: Clause on the largest difference, to append to a message.
    """

    column: str
    key: str
    limit: float
    measured: float
    note: str

    @property
    def measure(self) -> str:
        """Name of the distance measure."""
        return DISTANCES[self.key]


def compare(
    context: GateContext, gate: str, settings: "drift_gate.Settings", previous: PreviousRun
) -> Iterator[Finding]:
    """Compare each column of the train split with the same column of other rows.

    Args:
        context: This run.
        gate: drift or skew.
        settings: Limits of the gate; a comparator in the schema takes precedence.
        previous: Run with which the rows are compared.
    """
    rows = row_count(context.statistics[TRAIN]), row_count(previous.train)
    if min(rows) < settings.min_rows:
        if settings.action == "block":
            yield _too_few(gate, settings.min_rows, rows, previous.name)
        return
    for drift in distances(context, gate, settings, previous):
        if drift.measured <= drift.limit:
            continue
        accepted = round_up(drift.measured)
        yield Finding(
            drift.column,
            drift.limit,
            drift.measured,
            f"{drift.measure} {drift.measured:.4g} from {previous.name}, above the limit of {drift.limit:g}"
            f"{drift.note}",
            edit=f"gates.{gate}.columns.{toml_key(drift.column)} = {accepted:g} in the config, or {gate}_comparator "
            f"{{ {drift.key} {{ threshold: {accepted:g} }} }} for {drift.column!r} in {context.schema_path}",
            splits=[TRAIN],
        )


def distances(
    context: GateContext, gate: str, settings: "drift_gate.Settings", previous: PreviousRun
) -> Iterator[Distance]:
    """Measure the distance of each column from the same column of `previous`; arguments as of `compare`."""
    earlier_columns, later_columns = by_column(previous.train), by_column(context.statistics[TRAIN])
    for column in context.columns.compared:
        feature = context.feature(column)
        if feature is None or column not in earlier_columns or column not in later_columns:
            continue
        is_text = feature.type == schema_pb2.BYTES
        shares = None
        if column == context.label.column and context.label.kind == "binary" and not _has_divergence(feature, gate):
            shares = binary_label.shares(context.label, earlier_columns[column], later_columns[column])
        key = "infinity_norm" if is_text or shares else "jensen_shannon_divergence"
        default = settings.label if shares else settings.categories if is_text else settings.numbers
        limit = _limit(feature, f"{gate}_comparator", key, settings.columns.get(feature.name, default))
        if shares:
            distance, note = shares.distance, shares.note
        elif is_text:
            distance, note = infinity_norm(earlier_columns[column], later_columns[column])
        else:
            distance, note = divergence.jensen_shannon(earlier_columns[column], later_columns[column]) or 0.0, ""
        yield Distance(column, key, limit, distance, note)


def _too_few(gate: str, limit: int, rows: tuple[int, int], name: str) -> Finding:
    """Say that a gate which should block the run compares nothing."""
    return Finding(
        None,
        limit,
        min(rows),
        f"nothing was compared, so nothing can block: train has {rows[0]:,} rows and that of {name} {rows[1]:,}, at "
        f"least {limit:,} are required; gates.{gate}.min_rows = {min(rows)} in the config compares them",
        splits=[TRAIN],
        action="warn",
    )


def _limit(feature: schema_pb2.Feature, comparator: str, key: str, default: float) -> float:
    """Return the schema's own limit of a column, else the gate's."""
    if feature.HasField(comparator) and getattr(feature, comparator).HasField(key):
        return float(getattr(getattr(feature, comparator), key).threshold)
    return float(default)


def _has_divergence(feature: schema_pb2.Feature, gate: str) -> bool:
    """Return whether the schema limits the Jensen-Shannon divergence of a column."""
    comparator = f"{gate}_comparator"
    return feature.HasField(comparator) and bool(getattr(feature, comparator).HasField("jensen_shannon_divergence"))


def infinity_norm(earlier: Any, later: Any) -> tuple[float, str]:
    """Return the largest difference of a value's share, as in TFDV, and a note that names this value."""
    earlier_shares, later_shares = (_shares(figures.string_stats) for figures in (earlier, later))
    differences = {
        value: abs(earlier_shares.get(value, 0.0) - later_shares.get(value, 0.0))
        for value in {**earlier_shares, **later_shares}
    }
    most_different = max(differences, key=lambda value: (differences[value], value), default=None)
    return (
        (0.0, "")
        if most_different is None
        else (differences[most_different], f"; the share of {most_different!r} differs most")
    )


def _shares(text: Any) -> dict[str, float]:
    """Return value -> its share of the listed values."""
    counts = {bucket.label: bucket.sample_count for bucket in text.rank_histogram.buckets}
    total = sum(counts.values())
    return {value: rows / total for value, rows in counts.items()} if total else {}
