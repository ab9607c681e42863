"""report.html and model_card.md of a run."""
