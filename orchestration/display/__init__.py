"""Terminal output of a run: progress of the stages, outcome, and result of a tuning."""
