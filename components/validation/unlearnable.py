"""Data on which the trainer would fail although gates allow it: labels without a logarithm, weights that are all 0."""

from collections.abc import Iterator

from components.data_checks import label_problems
from components.validation.gate_context import GateContext
from components.validation.gate_findings import Finding
from components.validation.gates.label_gate import is_beyond
from spec.columns.label import ABOVE


def judge(context: GateContext) -> Iterator[Finding]:
    """Find weights that are all 0, and labels that label.transform cannot transform; both block the run."""
    yield from _zero_weights(context)
    label = context.label
    for split, facts in context.facts.items():
        text, edit = label_problems.untransformed(label, facts.ends[0]) if facts.ends else ("", "")
        if text:
            limit = ABOVE[label.transform]
            is_invalid = is_beyond(str(label.column), limit, below=True, or_equal=True)
            yield Finding(
                label.column, limit, facts.ends[0], text, edit, [split], is_invalid, action="block", gate="label"
            )


def _zero_weights(context: GateContext) -> Iterator[Finding]:
    if context.weight is None:
        return
    for split in context.statistics:
        figures = context.figures(split).get(context.weight)
        if figures is not None and figures.HasField("num_stats") and figures.num_stats.max <= 0:
            text = label_problems.weightless(context.weight)
            yield Finding(None, 0, figures.num_stats.max, text, splits=[split], action="block", gate="label")
