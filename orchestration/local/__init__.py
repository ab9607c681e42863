"""Runs on this machine: a supervisor without TensorFlow, and a worker process that runs the stages."""
