"""Checks [inference]: its format exists, and there is a label that rows may lack."""

from pipeline.checks import format_checks
from spec.columns.label import Label
from spec.inference import Inference


def check(inference: Inference, label: Label) -> None:
    """Check [inference] against [label].

    Raises:
        ValueError: the format is unknown, or there is no label that a row could lack.
    """
    if inference.format is not None:
        try:
            format_checks.find(inference.format)
        except ValueError as error:
            raise ValueError(str(error).replace("data.format", "inference.format")) from None
    if inference.rows == "unlabeled" and label.column is None:
        raise ValueError('inference.rows = "unlabeled" has no effect without a label: remove it')
