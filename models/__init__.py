"""Everything that runs on workers or is saved inside the model."""
