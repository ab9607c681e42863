"""Definition of a pipeline: its typed config, and the stages in data-flow order."""
