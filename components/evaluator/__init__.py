"""Evaluation: metrics of the model by slice, confidence intervals, and the rules that bless the model."""
