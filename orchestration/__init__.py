"""Where a pipeline runs: this machine, Kubeflow Pipelines or Vertex AI."""
