"""Data on which the trainer would fail although gates allow it: labels without a logarithm, weights below or all 0."""

from collections.abc import Iterator

from components.data_checks import label_problems
from components.validation.gate_context import GateContext
from components.validation.gate_findings import Finding
from components.validation.gates.label_gate import is_beyond
from spec.columns.label import ABOVE


def judge(context: GateContext) -> Iterator[Finding]:
    """Find weights below 0 or all 0, and labels that label.transform cannot transform; all block the run."""
    yield from _weights(context)
    label = context.label
    for split, facts in context.facts.items():
        text, edit = label_problems.untransformed(label, facts.ends[0]) if facts.ends else ("", "")
        if text:
            limit = ABOVE[label.transform]
            is_invalid = is_beyond(str(label.column), limit, below=True, or_equal=True)
            yield Finding(
                label.column, limit, facts.ends[0], text, edit, [split], is_invalid, action="block", gate="label"
            )


def _weights(context: GateContext) -> Iterator[Finding]:
    if context.weight is None:
        return
    for split in context.statistics:
        figures = context.figures(split).get(context.weight)
        if figures is None or not figures.HasField("num_stats"):
            continue
        smallest, largest = figures.num_stats.min, figures.num_stats.max
        text, edit = label_problems.negative_weight(context.weight, smallest)
        if text:
            at_fault = is_beyond(context.weight, 0, below=True)
            yield Finding(context.weight, 0, smallest, text, edit, [split], at_fault, action="block", gate="label")
        elif largest <= 0:
            text = label_problems.weightless(context.weight)
            yield Finding(None, 0, largest, text, splits=[split], action="block", gate="label")
