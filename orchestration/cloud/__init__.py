"""Compiled jobs for Kubeflow Pipelines and Vertex AI."""
