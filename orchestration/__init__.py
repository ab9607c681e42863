"""Execution of pipelines on this machine, Kubeflow Pipelines or Vertex AI; the command line, schedules and set-up."""
