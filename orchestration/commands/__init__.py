"""What runner.py can do besides running a pipeline: one command a file, each with `add` and `run`."""
