"""Runs on this machine: a supervisor, and a worker process that runs the stages."""
