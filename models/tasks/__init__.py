"""Tasks: labels, losses, training targets and predictions."""
